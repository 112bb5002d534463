// A lease that runs: what its slot and the link share. The slot runs it; the link may cut it, end
// it, cancel it, or fence a call that takes too long.
//
// The harvest belongs to the slot except while a timed call runs: the slot does not touch it then,
// so the link may fence the call (one atomic exchange decides) and report what was finished without
// waiting for the user's function.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "wire/messages.hpp"
#include "worker/actors/cursor.hpp"
#include "worker/actors/harvest.hpp"

namespace quern::worker {

using Clock = std::chrono::steady_clock;

class Run {
 public:
  Run(wire::Lease lease, wire::Buffer common, Harvest harvest);

  const wire::Lease lease;
  const wire::Buffer common;
  Cursor cursor;
  Harvest harvest;
  Clock::time_point reported_at =
      Clock::now();  ///< busy time up to here is in a report; goes with the harvest

  bool timed() const { return lease.timeout_ms > 0; }

  // ---- slot
  /// Something is to be looked at: cancelled(), or the claim is to be given back. Cheap: asked
  /// before every task.
  bool interrupted() const { return signal_.load(std::memory_order_relaxed) != Signal::none; }
  /// The wish to hurry has been met.
  void calm();
  void count_claim() { claims_.fetch_add(1, std::memory_order_relaxed); }
  /// Around each call of a timed lease. False: the run is fenced; leave, touching nothing of it.
  bool begin_call(wire::Interval tasks);
  bool end_call();
  /// Sleeps; less when cancelled.
  void rest(Clock::duration time);
  std::uint64_t busy_us_until(Clock::time_point now);

  // ---- any thread
  bool cancelled() const { return signal_.load(std::memory_order_relaxed) == Signal::cancel; }

  // ---- link
  void cancel();
  /// The slot is in one claim for long: it should give back what it has not started.
  void hurry();
  std::uint64_t claims() const { return claims_.load(std::memory_order_relaxed); }
  /// When the call that runs now, or the earliest possible next one, is overdue.
  Clock::time_point overdue_at(Clock::time_point now) const;
  /// Fences the call that runs if it is overdue, and returns its tasks; the harvest is the caller's
  /// then.
  std::optional<wire::Interval> fence_overdue(Clock::time_point now);

 private:
  enum class Signal : std::uint8_t { none, hurry, cancel };
  static constexpr std::int64_t kBetween = 0;
  static constexpr std::int64_t kFenced = -1;

  std::atomic<Signal> signal_{Signal::none};
  std::atomic<std::uint64_t> claims_{0};
  std::atomic<std::int64_t> call_{kBetween};  // or when the call began, in ticks of the clock
  wire::Interval calling_;                    // written before call_, read after it
  std::mutex mutex_;                          // for rest() only
  std::condition_variable woken_;
};

}  // namespace quern::worker
