// The sessions that follow jobs, and backpressure: a session that does not read what it is sent
// gets nothing more until it does.
//
// After so many bytes of answers and news a session is sent a BEAT, and goes on when it has
// answered that, which it can only after having read what came before. Results have a window of
// their own.
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

  /// The session follows the job from result entry `cursor` on. `window`: bytes of results that may
  /// be unacknowledged; 0: it wants none. `watch_ms`: how often it wants news; 0: never.
  Follower& follow(Job& job, Session& session, std::uint64_t cursor, std::uint64_t window,
                   std::uint32_t watch_ms);
  /// Its results will not be acknowledged any more.
  void forget_outstanding(Follower& follower);

  /// Whether this client has read what it was sent; asks it when that is not known.
  bool hears(Session& session, Time now);
  /// It has answered.
  void on_heard(Session& session);
  /// The job has news, or results, for a session that does not read just now.
  static void hold_news(const Job& job, Follower& follower, Session& session);
  static void hold_results(const Job& job, Follower& follower, Session& session);
  /// The session has acknowledged results.
  void release_results(Session& session);
  /// Touches some jobs whose news or results were held back and may go out now; whether there are
  /// any.
  bool touch_held_back();

 private:
  AccessControl& access_;
  Sessions& sessions_;
  Outbox& outbox_;
  Jobs& jobs_;
  std::vector<wire::SessionId> releasing_;  ///< sessions that read again
};

}  // namespace quern::broker
