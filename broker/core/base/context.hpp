// What all rooms of the core share: the configuration, the time, the effects, the counters, and
// whether leases have to be looked at.
//
// Owned by Core, on the router's thread. It holds no job, session or worker.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "broker/core/base/config.hpp"
#include "broker/core/base/effect.hpp"
#include "broker/core/base/metrics.hpp"
#include "wire/time.hpp"

namespace quern::broker {

using wire::Time;

struct Counters {
  std::uint64_t malformed = 0;
  std::uint64_t refused = 0;
  std::uint64_t denied = 0;
  std::uint64_t offences = 0;  ///< protocol violations
  std::uint64_t ignored = 0;   ///< messages of blocked connections and of principals with a penalty
  std::uint64_t late = 0;
  std::uint64_t leases = 0;
  std::uint64_t turns = 0;   ///< jobs that were considered for a lease
  std::uint64_t visits = 0;  ///< changed jobs that settle() examined
  std::uint64_t leases_lost = 0;
  std::uint64_t plans = 0;
  std::uint64_t plan_slices = 0;
};

struct Context {
  explicit Context(Config c) : config(std::move(c)) {}

  Config config;
  Effects effects;                  ///< since Core::take_effects()
  Time now{};                       ///< the latest time that the core was told
  std::optional<Time> started;      ///< the first time that the core was told
  std::int64_t wall_offset_ms = 0;  ///< wall clock minus `now`
  mutable Counters counters;
  Metrics metrics;
  bool dispatch_needed = false;        ///< something has changed that may allow a lease to be
                                       ///< granted
  std::optional<Time> retry_dispatch;  ///< or it will have changed by this time

  /// The wall clock, in ms since 1970 (UTC), as far as the core was told; see
  /// Core::on_wall_clock(). It can jump; what is measured in durations uses `now`.
  std::int64_t wall_ms() const { return ms_of(now) + wall_offset_ms; }
  /// When the wall clock will show this, if nobody sets it; in a day, if that is later.
  Time time_of(std::int64_t wall) const {
    // A day at most, so that it cannot overflow: whoever waits looks again in time.
    constexpr std::int64_t kDay = 86'400'000;
    return now + std::chrono::milliseconds(std::min(wall - wall_ms(), kDay));
  }
  void set_wall_clock(std::int64_t wall) { wall_offset_ms = wall - ms_of(now); }

  /// The core was told the time.
  void set_time(Time time) {
    now = time;
    if (!started) started = time;
  }
  void retry_dispatch_at(Time when) {
    if (!retry_dispatch || when < *retry_dispatch) retry_dispatch = when;
  }
  static std::int64_t ms_of(Time time) {
    return std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
  }
  void note(std::string text) { effects.push_back(Note{Note::Level::info, std::move(text)}); }
  void warn(std::string text) { effects.push_back(Note{Note::Level::warning, std::move(text)}); }
};

}  // namespace quern::broker
