// The sessions that follow jobs, and backpressure: a session that does not read what it is sent
// gets nothing more until it does.
//
// After a certain number of bytes of answers and news, a session is sent a BEAT. It gets more when
// it has answered the BEAT, which it can do only after having read everything before it. Results
// have a window of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "broker/core/access/access_control.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/sessions/outbox.hpp"
#include "broker/core/sessions/session.hpp"

namespace quern::broker {

class Followers {
 public:
  Followers(AccessControl& access, Sessions& sessions, Outbox& outbox, Jobs& jobs)
      : access_(access), sessions_(sessions), outbox_(outbox), jobs_(jobs) {}

  /// Makes the session follow the job from result entry `cursor` on. `window`: how many bytes of
  /// results may be unacknowledged; 0: it wants no results. `watch_ms`: how often it wants news; 0:
  /// never.
  Follower& follow(Job& job, Session& session, std::uint64_t cursor, std::uint64_t window,
                   std::uint32_t watch_ms);
  /// The follower's outstanding results will not be acknowledged any more.
  void forget_outstanding(Follower& follower);
  /// The session may see the results of the job, although its principal does not own it: a task
  /// that runs there has submitted it.
  static void show_values(Job& job, const Session& session);

  /// Whether this client reads what it is sent; probes it if that is unknown.
  bool hears(Session& session, Time now);
  /// The client has answered the probe.
  void on_heard(Session& session);
  /// The job has news, or results, for a session that is not reading at the moment.
  static void hold_news(const Job& job, Follower& follower, Session& session);
  static void hold_results(const Job& job, Follower& follower, Session& session);
  /// The session has acknowledged results.
  void release_results(Session& session);
  /// Touches some jobs whose news or results were held back and may be sent now. Returns whether
  /// there are any.
  bool touch_held_back();

 private:
  AccessControl& access_;
  Sessions& sessions_;
  Outbox& outbox_;
  Jobs& jobs_;
  std::vector<wire::SessionId> releasing_;  ///< sessions that read again
};

}  // namespace quern::broker
