// How peers have behaved of late. What is tolerated is far above what an honest peer needs; beyond
// it a peer is first not answered, then its connection is cut off (others of the same key go on: a
// machine's workers share one), and when that happens again and again the principal is not listened
// to for a while, longer each time. PURE.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>

#include "broker/core/base/budget.hpp"

namespace quern::broker {

// Of one connection.
/// One HELLO makes a session; a peer that has to say it again opens a new socket.
inline constexpr Allowance kHellos{20, 2};
/// One a second is usual.
inline constexpr Allowance kBeats{200, 20};
/// A program that asks again as soon as it has its answer: a round trip of 50 us.
inline constexpr Allowance kQueries{20'000, 20'000};
/// One question after the other, each after the answer to the one before.
inline constexpr Allowance kFetches{20'000, 20'000};

/// Messages of a session that is over: what was on its way when it ended.
inline constexpr Allowance kStaleOfOne{5000, 500};
/// What no honest peer does: bytes that are no message, other roles' messages, leases of others,
/// what its key may not.
inline constexpr Allowance kOffences{100, 5};

// Of one principal, over all its connections.
/// A whole cluster under one key that comes back after a restart of the broker.
inline constexpr Allowance kJoins{10'000, 500};
/// Messages of sessions that are over: the same cluster, each with what it had on its way.
inline constexpr Allowance kStale{50'000, 5000};
/// Submissions that were refused (full queues, limits): a client may try again as often as this.
inline constexpr Allowance kRefusals{2000, 200};
/// While a principal is not listened to, so many of its HELLOs are told so, that a person can
/// understand it.
inline constexpr Allowance kTold{2, 1};
/// Connections that were cut off; what goes beyond the three above.
inline constexpr Allowance kBlockedOften{30, 0.2};

/// A principal that went too far.
struct Standing {
  Budget joins, stale, refusals, blocked;
  Budget told;  ///< HELLOs that are answered while it is not listened to
  std::string why;
  wire::Time ignored_until{};
  wire::Time punished{};
  unsigned punishments = 0;

  bool ignored(wire::Time now) const { return now < ignored_until; }

  /// Not listened to from now on: a second, twice as long each time, a minute at most. Good conduct
  /// for ten minutes is a new start.
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
