#include "broker/actors/guard.hpp"

#include <ctime>

#include "keys/error.hpp"
#include "keys/files.hpp"
#include "runtime/log.hpp"

namespace quern::broker {

Guard::Guard(zmq::context_t& context, const GuardOptions& options) {
  if (!options.audit.empty())
    audit_ = std::make_unique<AuditActor>(std::make_unique<AuditLog>(options.audit), events_);
  if (options.insecure) {
    runtime::log_warning(
        "INSECURE: nothing is encrypted, and everyone on this machine who can reach the broker may "
        "do everything");
    return;
  }
  if (keys::make_missing(options.keys)) runtime::log_info("created keys in " + options.keys);
  const auto own = keys::read_pair(options.keys, "broker");
  if (!own) throw keys::KeyError(options.keys + "/broker.secret is missing: run `quern keys init`");
  curve_ = runtime::CurveServer{own->secret_key, AuthActor::kDomain};
  KeyRing ring(options.keys);
  std::vector<std::string> trouble;
  ring.refresh(static_cast<std::int64_t>(std::time(nullptr)), KeyRing::Clock::now(), trouble);
  for (const auto& line : trouble) runtime::log_warning("keys: " + line);
  events_.post(ring.known());
  auth_ = std::make_unique<AuthActor>(context, std::move(ring), events_);
}

}  // namespace quern::broker
