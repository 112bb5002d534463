// quern-broker: wires the actors together.
#include <sys/resource.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <stdexcept>

#include "broker/actors/check_store.hpp"
#include "broker/actors/options.hpp"
#include "broker/actors/router.hpp"
#include "broker/actors/sqlite_store.hpp"
#include "keys/error.hpp"
#include "runtime/log.hpp"
#include "runtime/random.hpp"
#include "runtime/signals.hpp"
#include "runtime/start.hpp"

namespace {

/// Every connection is a descriptor: raises the limit to the maximum, and warns if that is low.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
    quern::runtime::log_warning("cannot raise the limit of open files; fewer peers can connect");
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < 4096) {
    quern::runtime::log_warning(
        "only " + std::to_string(limit.rlim_cur) +
        " files can be open, which limits the number of peers (raise it with `ulimit -n`)");
  }
}

}  // namespace

int main(int argc, char** argv) {
  using namespace quern;
  runtime::open_standard_descriptors();
  auto parsed = broker::parse_options(argc, argv);
  if (!parsed.options) return parsed.exit_code;
  runtime::StopSignals stop;  // before any thread
  runtime::leave_orphans_to_the_system();
  runtime::open_log("quern-broker", parsed.options->log_level);
  std::signal(SIGXFSZ,
              SIG_IGN);  // exceeding a file size limit is handled as a full disk, not as a signal
  raise_descriptor_limit();
  try {
    if (parsed.options->check_store)
      return broker::check_store(parsed.options->store, std::cout) ? 0 : 1;
    std::unique_ptr<broker::Store> store;
    broker::Recovered recovered;
    if (!parsed.options->store.empty()) {
      auto opened = std::make_unique<broker::SqliteStore>(parsed.options->store);
      if (opened->loss()) runtime::log_warning(opened->loss()->text());
      recovered = opened->recover();
      store = std::move(opened);
      parsed.options->config.incarnation = recovered.incarnation;
    }
    parsed.options->config.find_zone = calendar::find_zone;
    zmq::context_t context(1);
    context.set(zmq::ctxopt::max_sockets, 65'535);
    // libzmq draws the first automatic routing id from rand(): from a fixed seed a peer could guess
    // another's.
    std::srand(static_cast<unsigned>(runtime::random_u64()));
    broker::Guard guard(context, parsed.options->guard);
    broker::Router router(context, parsed.options->endpoints, parsed.options->config, guard);
    if (store) router.use_store(std::move(store), std::move(recovered));
    for (const auto& endpoint : router.endpoints()) runtime::log_info("listening on " + endpoint);
    std::printf("ready %s\n", router.endpoints().front().c_str());
    std::fflush(stdout);
    router.run(stop.fd());
    runtime::log_info("stopped");
    return 0;
  } catch (const broker::StoreError& error) {
    std::fprintf(stderr, "quern-broker: %s\n", error.what());
    return parsed.options->check_store ? 1 : 3;
  } catch (const keys::KeyError& error) {
    std::fprintf(stderr, "quern-broker: %s\n", error.what());
    return 3;
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "quern-broker: --bind: %s\n", error.what());
    return 2;
  } catch (const zmq::error_t& error) {
    std::string where;
    for (const auto& endpoint : parsed.options->endpoints)
      where += (where.empty() ? "" : " ") + endpoint;
    if (error.num() == EADDRINUSE)
      std::fprintf(stderr,
                   "quern-broker: %s is in use, perhaps by another broker; choose another endpoint "
                   "with --bind\n",
                   where.c_str());
    else
      std::fprintf(stderr, "quern-broker: cannot listen on %s: %s\n", where.c_str(), error.what());
    return 3;
  }
}
