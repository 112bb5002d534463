// A running lease: the state that its slot and the link share. The slot runs it; the link may cut
// it, end it, cancel it, or fence a call that takes too long.
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
#include "worker/actors/children.hpp"
#include "worker/actors/cursor.hpp"
#include "worker/actors/harvest.hpp"
#include "worker/actors/notebook.hpp"
#include "worker/core/commons.hpp"

namespace quern::worker {

using Clock = std::chrono::steady_clock;

class Run {
 public:
  /// `post_notes` takes what its tasks say about themselves, on the slot's thread.
  /// `post_nested`: the jobs that they submit.
  Run(wire::Lease lease, CommonInput common, Harvest harvest, Notebook::Post post_notes = nullptr,
      Children::Post post_nested = nullptr);

  const wire::Lease lease;
  const CommonInput common;
  Notebook notes;  ///< slot
  Children children;
  Cursor cursor;
  Harvest harvest;
  Clock::time_point reported_at = Clock::now();  ///< busy time up to this point has been reported;
                                                 ///< owned together with the harvest

  bool timed() const { return lease.timeout_ms > 0; }

  // ---- slot
  /// Whether the slot must check cancelled() or return its claim. Cheap: called before every task.
  bool interrupted() const { return signal_.load(std::memory_order_relaxed) != Signal::none; }
  /// The request to hurry has been fulfilled.
  void calm();
  void count_claim() { claims_.fetch_add(1, std::memory_order_relaxed); }
  /// Called around each call of a timed lease. False: the run is fenced; return without touching
  /// it.
  bool begin_call(wire::Interval tasks);
  bool end_call();
  /// Sleeps, but wakes when cancelled.
  void rest(Clock::duration time);
  /// Time spent waiting for nested jobs does not count.
  std::uint64_t busy_us_until(Clock::time_point now);
  /// How long its tasks have waited for nested jobs so far.
  Clock::duration waited();

  // ---- any thread
  bool cancelled() const { return signal_.load(std::memory_order_relaxed) == Signal::cancel; }

  // ---- link
  void cancel();
  /// The slot has been in one claim for long: asks it to return what it has not started.
  void hurry();
  std::uint64_t claims() const { return claims_.load(std::memory_order_relaxed); }
  /// The time when the current call, or the earliest possible next one, becomes overdue.
  Clock::time_point overdue_at(Clock::time_point now) const;
  /// Fences the current call if it is overdue, and returns its tasks; then the caller owns the
  /// harvest.
  std::optional<wire::Interval> fence_overdue(Clock::time_point now);

 private:
  enum class Signal : std::uint8_t { none, hurry, cancel };
  static constexpr std::int64_t kBetween = 0;
  static constexpr std::int64_t kFenced = -1;

  std::atomic<Signal> signal_{Signal::none};
  std::atomic<std::uint64_t> claims_{0};
  std::atomic<std::int64_t> call_{kBetween};  // or when the call began, in ticks of the clock
  Clock::duration waited_{};                  // slot
  std::atomic<std::int64_t> not_busy_{0};     // of it, what was not yet deducted; in ticks
  wire::Interval calling_;                    // written before call_, read after it
  std::mutex mutex_;                          // for rest() only
  std::condition_variable woken_;
};

}  // namespace quern::worker
