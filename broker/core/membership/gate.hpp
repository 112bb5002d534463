// What a peer may do: each message of a known key is checked here before anything acts on it, and
// unknown keys may only enrol.
#pragma once

#include <cstdint>
#include <string>

#include "broker/core/access/access_control.hpp"
#include "broker/core/base/context.hpp"
#include "broker/core/blobs/blobs.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/sessions/conduct.hpp"
#include "broker/core/sessions/outbox.hpp"
#include "broker/core/sessions/session.hpp"

namespace quern::broker {

class Gate {
 public:
  Gate(Context& context, AccessControl& access, Sessions& sessions, Outbox& outbox,
       Conduct& conduct, Jobs& jobs, Blobs& blobs)
      : context_(context),
        access_(access),
        sessions_(sessions),
        outbox_(outbox),
        conduct_(conduct),
        jobs_(jobs),
        blobs_(blobs) {}

  /// Whether this message is allowed; if not, answers it.
  bool permit(Session& session, const Principal& principal, const wire::Message& message, Time now);
  /// Handles a message from an unknown key.
  void on_stranger(PeerId peer, const std::string& user, const wire::Message& message, Time now);
  /// Answers to AskEnrol.
  void on_enrolled(PeerId peer, const std::string& user, const std::string& name,
                   std::uint8_t rights, bool fresh);
  void on_enrol_refused(PeerId peer, const std::string& user, const std::string& why);

 private:
  Context& context_;
  AccessControl& access_;
  Sessions& sessions_;
  Outbox& outbox_;
  Conduct& conduct_;
  Jobs& jobs_;
  Blobs& blobs_;
};

}  // namespace quern::broker
