// run_worker: a worker program from its command line to its exit code. Connects all parts.
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <system_error>

#include "quern/join.hpp"
#include "quern/worker.hpp"
#include "runtime/log.hpp"
#include "runtime/signals.hpp"
#include "runtime/start.hpp"
#include "worker/actors/allowed.hpp"
#include "worker/actors/descriptors.hpp"
#include "worker/actors/link.hpp"
#include "worker/actors/options.hpp"
#include "worker/actors/plugin.hpp"
#include "worker/process/call_server.hpp"
#include "worker/process/exec.hpp"
#include "worker/process/isolated.hpp"

namespace quern {
namespace {

using worker::Options;

constexpr int kUsage = 2;
constexpr int kRefused = 3;

worker::LinkOptions link_options(const Options& options, const Functions& functions,
                                 worker::Host* host) {
  worker::Config config;
  config.identity = Uuid::random();
  config.name = options.name;
  config.software = "quern " QUERN_VERSION;
  config.slots = options.slots;
  config.drain_wait = options.drain_wait;
  for (const auto& entry : functions.functions()) config.offer.functions.push_back(entry.decl);
  for (const auto& entry : functions.reducers()) config.offer.reducers.push_back(entry.decl);
  config.offer.labels = options.labels;
  config.offer.resources = options.resources;
  for (const auto& plugin : options.plugins)
    if (config.offer.plugins.size() < wire::kPluginsMax)
      config.offer.plugins.push_back(worker::plugin_record(plugin));
  config.keeps_blobs = host && options.allow_exec;
  worker::LinkOptions link{options.endpoint,
                           {options.insecure, options.keys, keys::Side::worker, {}},
                           std::move(config),
                           options.cpu_share};
  if (!link.config.keeps_blobs) return link;
  link.keep_blob = [host](const std::string& name, std::uint64_t chunk, bool last,
                          BytesView bytes) { return host->blobs().keep(name, chunk, last, bytes); };
  link.gone_blobs = [host] { return host->blobs().take_gone(); };
  link.drop_blob = [host](const std::string& name) { host->blobs().drop(name); };
  return link;
}

/// Enrols this machine's key; returns the broker's endpoint.
std::string join_broker(const Options& options) {
  const Joined joined = join(options.join, {.keys = options.keys, .name = options.name});
  std::cerr << "quern-worker: joined the broker at " << joined.endpoint << " as " << joined.name
            << " (" << joined.roles << "); from now on: quern-worker --broker " << joined.endpoint
            << "\n";
  return joined.endpoint;
}

void load_plugins(const Options& options, Functions& functions) {
  for (const auto& plugin : options.plugins) worker::load_plugin(plugin, functions);
}

int serve(const Options& options, const Functions& functions, worker::Host* host,
          runtime::StopSignals& signals) {
  worker::Link link(link_options(options, functions, host), functions);
  runtime::log_info("worker " + options.name + ": " + std::to_string(options.slots) +
                    " slots, broker " + options.endpoint);
  worker::LinkEnd end;
  try {
    end = link.run(&signals);
  } catch (const zmq::error_t& error) {
    throw worker::UsageError("--broker " + options.endpoint + ": " + error.what());
  } catch (const std::invalid_argument& error) {  // a port that does not exist
    throw worker::UsageError("--broker " + std::string(error.what()));
  }
  if (end.exit_code == 0)
    runtime::log_info(end.text);
  else
    runtime::log_error(end.text);
  // A function that does not return cannot be joined. Its thread must neither keep the program
  // alive nor run during its destruction, so the process exits at once.
  if (end.abandoned) std::quick_exit(end.exit_code);
  return end.exit_code;
}

}  // namespace

int run_worker(int argc, char** argv, Functions& functions) {
  runtime::open_standard_descriptors();
  try {
    Options options = worker::parse_options(argc, argv);
    switch (options.show) {
      case Options::Show::help:
        std::cout << worker::help_text();
        return 0;
      case Options::Show::version:
        std::cout << "quern-worker " QUERN_VERSION "\n";
        return 0;
      case Options::Show::nothing:
        break;
    }
    if (worker::is_slot_process()) {
      load_plugins(options, functions);
      return worker::serve_slot(functions);
    }
    if (!options.call.empty()) {
      load_plugins(options, functions);
      return worker::serve_call(functions, options.call);
    }
    if (!options.join.empty()) options.endpoint = join_broker(options);
    runtime::StopSignals signals;  // before any thread starts, because a thread that does not block
                                   // the signals would be killed by them
    runtime::open_log("quern-worker", options.log_level);
    options.slots = worker::slots_for_descriptors(options.slots);
    if (!options.allow_exec && !options.isolate) runtime::leave_orphans_to_the_system();
    std::optional<worker::Host>
        host;  // before anything starts a thread; outlives the functions that use it
    if (options.allow_exec || options.isolate) host.emplace(options.slot_memory);
    load_plugins(options, functions);
    Functions offered =
        options.isolate ? worker::isolated(functions, *host, {argv, argv + argc}) : functions;
    if (options.allow_exec) worker::add_exec(offered, *host);
    if (options.allow_exec) worker::add_filter(offered, *host);
    if (!options.allowed.empty()) offered = worker::only_allowed(offered, options.allowed);
    return serve(options, offered, host ? &*host : nullptr, signals);
  } catch (const worker::UsageError& error) {
    std::cerr << "quern-worker: " << error.what() << "\n";
    return kUsage;
  } catch (const std::system_error& error) {  // a folder or a process could not be created
    std::cerr << "quern-worker: " << error.what() << "\n";
    return kUsage;
  } catch (const ConnectionError& error) {
    std::cerr << "quern-worker: " << error.what() << "\n";
    return kRefused;
  } catch (const Error& error) {  // not an invitation code
    std::cerr << "quern-worker: " << error.what() << "\n";
    return kUsage;
  }
}

}  // namespace quern
