// Access to the broker: keys, authentication, the audit log. Connects the two actors; created
// before the ROUTER binds, destroyed after it was closed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <zmq.hpp>

#include "broker/actors/audit_actor.hpp"
#include "broker/actors/auth_actor.hpp"
#include "runtime/socket.hpp"

namespace quern::broker {

struct GuardOptions {
  bool insecure = false;
  std::string keys;   ///< folder; created with its keys if it does not exist
  std::string audit;  ///< folder; empty: no audit log
};

class Guard {
 public:
  /// Throws keys::KeyError, zmq::error_t.
  Guard(zmq::context_t& context, const GuardOptions& options);

  /// The CURVE settings of the ROUTER; nothing if connections are not encrypted.
  const std::optional<runtime::CurveServer>& curve() const { return curve_; }
  bool audits() const { return audit_ != nullptr; }

  runtime::Mailbox<GuardEvent>& events() { return events_; }
  void enrol(EnrolRequest request) {
    if (auth_) auth_->enrol(std::move(request));
  }
  /// Nothing without an audit log.
  void record(keys::AuditEntry entry) {
    if (audit_) audit_->record(std::move(entry));
  }

 private:
  std::optional<runtime::CurveServer> curve_;
  runtime::Mailbox<GuardEvent> events_;
  std::unique_ptr<AuditActor> audit_;
  std::unique_ptr<AuthActor> auth_;
};

}  // namespace quern::broker
