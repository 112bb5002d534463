#include "worker/actors/run.hpp"

#include <algorithm>
#include <utility>

namespace quern::worker {
namespace {

using std::chrono::milliseconds;

wire::Intervals claimable(const wire::Lease& lease) {
  const bool whole = lease.kind == wire::LeaseKind::merge || lease.kind == wire::LeaseKind::finish;
  return whole ? wire::Intervals{} : lease.tasks;  // these leases are indivisible
}

// Timeouts come from a peer: limits them, so that their sum with a time stays within the clock's
// range.
Clock::duration limit_of(const wire::Lease& lease) {
  constexpr std::uint64_t kYearMs = 366ULL * 24 * 3600 * 1000;
  return milliseconds(std::min(lease.timeout_ms, kYearMs));
}

}  // namespace

Run::Run(wire::Lease lease_, CommonInput common_, Harvest harvest_, Notebook::Post post_notes,
         Children::Post post_nested)
    : lease(std::move(lease_)),
      common(std::move(common_)),
      notes(lease.lease, std::move(post_notes)),
      children(lease.lease, lease.nested ? std::move(post_nested) : nullptr),
      cursor(claimable(lease)),
      harvest(std::move(harvest_)) {}

void Run::calm() {
  Signal expected = Signal::hurry;
  signal_.compare_exchange_strong(expected, Signal::none, std::memory_order_relaxed);
}

bool Run::begin_call(wire::Interval tasks) {
  calling_ = tasks;
  std::int64_t expected = kBetween;
  return call_.compare_exchange_strong(expected, Clock::now().time_since_epoch().count(),
                                       std::memory_order_acq_rel);
}

bool Run::end_call() { return call_.exchange(kBetween, std::memory_order_acq_rel) != kFenced; }

void Run::rest(Clock::duration time) {
  std::unique_lock lock(mutex_);
  woken_.wait_for(lock, time, [&] { return cancelled(); });
}

std::uint64_t Run::busy_us_until(Clock::time_point now) {
  const auto busy = std::chrono::duration_cast<std::chrono::microseconds>(
      now - std::exchange(reported_at, now) - Clock::duration(not_busy_.exchange(0)));
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, busy.count()));
}

Clock::duration Run::waited() {
  const Clock::duration more = children.take_waited();
  waited_ += more;
  not_busy_ += more.count();
  return waited_;
}

void Run::cancel() {
  {
    std::lock_guard lock(mutex_);
    signal_.store(Signal::cancel, std::memory_order_relaxed);
  }
  woken_.notify_all();
  children.cancel();
}

void Run::hurry() {
  Signal expected = Signal::none;
  signal_.compare_exchange_strong(expected, Signal::hurry, std::memory_order_relaxed);
}

Clock::time_point Run::overdue_at(Clock::time_point now) const {
  const std::int64_t began = call_.load(std::memory_order_acquire);
  const auto from = began > 0 ? Clock::time_point(Clock::duration(began)) : now;
  return from + limit_of(lease);
}

std::optional<wire::Interval> Run::fence_overdue(Clock::time_point now) {
  std::int64_t began = call_.load(std::memory_order_acquire);
  if (began <= 0 || now < Clock::time_point(Clock::duration(began)) + limit_of(lease))
    return std::nullopt;
  // If the slot has just finished that call, nothing is fenced.
  if (!call_.compare_exchange_strong(began, kFenced, std::memory_order_acq_rel))
    return std::nullopt;
  cancel();
  return calling_;
}

}  // namespace quern::worker
