// How peers have behaved recently. The limits are far above what an honest peer needs. A peer that
// exceeds them first gets no answer, then its connection is blocked. Other connections with the
// same key continue, because the workers of a machine share one key. If this happens repeatedly,
// the principal gets a penalty, which is longer each time. PURE.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>

#include "broker/core/base/budget.hpp"

namespace quern::broker {

// Limits of one connection.
/// One HELLO begins a session; a peer that has to repeat it opens a new socket.
inline constexpr Allowance kHellos{20, 2};
/// One per second is usual.
inline constexpr Allowance kBeats{200, 20};
/// A program that asks again as soon as it has its answer, with a round trip of 50 us.
inline constexpr Allowance kQueries{20'000, 20'000};
/// Requests in sequence, each after the answer to the previous one.
inline constexpr Allowance kFetches{20'000, 20'000};

/// Messages of a session that has ended: they were on their way when it ended.
inline constexpr Allowance kStaleOfOne{5000, 500};
/// Things that no honest peer does: malformed messages, messages of the other role, reports on
/// leases of others, requests that its key does not allow.
inline constexpr Allowance kOffences{100, 5};

// Limits of one principal, over all its connections.
/// A whole cluster with one key that reconnects after a restart of the broker.
inline constexpr Allowance kJoins{10'000, 500};
/// Messages of ended sessions: the same cluster, each peer with what it had on its way.
inline constexpr Allowance kStale{50'000, 5000};
/// Refused submissions (full queues, limits): how often a client may try again.
inline constexpr Allowance kRefusals{2000, 200};
/// How many HELLOs are answered with the reason during a penalty, so that a person can understand
/// it.
inline constexpr Allowance kTold{2, 1};
/// Blocked connections, and violations of the three limits above.
inline constexpr Allowance kBlockedOften{30, 0.2};

/// The record of a principal.
struct Standing {
  Budget joins, stale, refusals, blocked;
  Budget told;  ///< HELLOs that are answered during a penalty
  std::string why;
  wire::Time ignored_until{};
  wire::Time punished{};
  unsigned punishments = 0;

  bool ignored(wire::Time now) const { return now < ignored_until; }

  /// Starts a penalty: one second, doubled each time, at most a minute. After ten minutes without a
  /// penalty, it starts at one second again.
  std::chrono::seconds punish(wire::Time now) {
    using std::chrono::seconds;
    if (punishments > 0 && now - punished > std::chrono::minutes(10)) punishments = 0;
    const seconds time = std::min(seconds(60), seconds(1) * (1 << std::min(punishments, 6u)));
    ++punishments;
    punished = now;
    ignored_until = now + time;
    blocked = {};
    return time;
  }
};

}  // namespace quern::broker
