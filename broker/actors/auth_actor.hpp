// The auth actor: one thread that answers libzmq's authentication requests (ZAP) and updates the
// key ring from the files. It starts before the ROUTER binds, so that nobody is admitted without a
// check.
#pragma once

#include <map>
#include <string>
#include <thread>
#include <variant>
#include <vector>
#include <zmq.hpp>

#include "broker/actors/guard_events.hpp"
#include "broker/actors/key_ring.hpp"
#include "broker/actors/zap.hpp"
#include "broker/core/base/budget.hpp"
#include "runtime/mailbox.hpp"

namespace quern::broker {

class AuthActor {
 public:
  /// The domain that the ROUTER must name.
  static constexpr const char* kDomain = "quern";

  /// Binds the handler; `ring` has been refreshed. `events` must outlive the actor. Throws
  /// zmq::error_t.
  AuthActor(zmq::context_t& context, KeyRing ring, runtime::Mailbox<GuardEvent>& events);
  /// Ends the thread. Must happen before the context ends.
  ~AuthActor();

  /// An invited peer wants to enrol its key; answered by Enrolled or EnrolRefused.
  void enrol(EnrolRequest request) { mailbox_.post(std::move(request)); }

 private:
  struct Stop {};
  using Request = std::variant<EnrolRequest, Stop>;

  void run();
  void answer_handshakes();
  ZapStatus judge(const ZapRequest& request, std::string& text);
  void refresh();
  void take(const EnrolRequest& request);

  zmq::socket_t handler_;
  KeyRing ring_;
  runtime::Mailbox<GuardEvent>& events_;
  runtime::Mailbox<Request> mailbox_;
  std::map<std::string, Budget> handshakes_;  ///< by address
  Budget told_;                               ///< limits the denials that are logged individually
  std::vector<std::string> trouble_;          ///< as it was last logged
  KeyRing::Clock::time_point complained_{};
  bool stopping_ = false;
  std::thread thread_;  // last, so that all other members exist when it starts
};

}  // namespace quern::broker
