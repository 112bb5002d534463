// Sends results and news to the clients that follow a job, within their windows.
#pragma once

#include "broker/core/base/context.hpp"
#include "broker/core/durability/commit_log.hpp"
#include "broker/core/jobs/followers.hpp"
#include "broker/core/sessions/outbox.hpp"
#include "broker/core/sessions/session.hpp"
#include "broker/core/status/statuses.hpp"

namespace quern::broker {

class Delivery {
 public:
  Delivery(Context& context, CommitLog& commits, Sessions& sessions, Outbox& outbox,
           Followers& followers, Statuses& statuses)
      : context_(context),
        commits_(commits),
        sessions_(sessions),
        outbox_(outbox),
        followers_(followers),
        statuses_(statuses) {}

  /// Sends the followers of a changed job what they may have now.
  void send_results(Job& job, Time now);
  /// Sends one follower the status. `token`: the token of its request; 0: it did not ask.
  void tell(Job& job, Follower& follower, std::uint64_t token, Time now);
  /// Tells the session that its input has been accepted, after the commit `after`.
  static void acknowledge(Outbox& outbox, const Session& session, const Job& job,
                          std::uint64_t after);
  /// How much of its input has been accepted.
  static wire::Accepted accepted(const Job& job);

 private:
  void tell_if_it_hears(Job& job, Follower& follower, Session& session, Time now);
  /// How often the follower is sent news.
  static wire::Duration watch_of(const Follower& follower, const Session& session);

  Context& context_;
  CommitLog& commits_;
  Sessions& sessions_;
  Outbox& outbox_;
  Followers& followers_;
  Statuses& statuses_;
};

}  // namespace quern::broker
