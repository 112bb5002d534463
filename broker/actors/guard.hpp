// Who guards the door: keys, authentication, the audit log. Wires the two actors; there before the
// ROUTER binds, gone after it closed.
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
  std::string keys;   ///< folder; made, with the keys, when it is not there
  std::string audit;  ///< folder; empty: no audit log
};

class Guard {
 public:
  /// Throws keys::KeyError, zmq::error_t.
  Guard(zmq::context_t& context, const GuardOptions& options);

  /// What the ROUTER is to be made with; nothing when connections are not encrypted.
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
