// The slots of a worker: which lease each one runs, and which are stuck, because their thread did
// not return when its lease was over. The broker must hear of stuck slots, but not too often.
//
// A task that waits for a job that it has submitted keeps its thread, but another lease may run in
// its place. So there are more slots here than run at a time: one more for each that waits.
// Invariant: no lease is started while as many run as the worker has slots.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "quern/status.hpp"
#include "wire/messages.hpp"
#include "wire/time.hpp"
#include "worker/core/effect.hpp"

namespace quern::worker {

using wire::Time;

class Slots {
 public:
  /// How many may wait at a time: each of them keeps a thread, and perhaps a process.
  static constexpr std::uint32_t kWaitingMost = 1024;

  explicit Slots(std::uint32_t count) : slots_(count, Idle{}), limit_(count) {}

  /// Where a lease may be started; its index may be one above those that were used so far.
  std::optional<SlotId> idle() const;
  void start(SlotId slot, const wire::LeaseId& lease);
  /// The task on it waits, or goes on: then more than the limit may run for a while.
  void set_waiting(SlotId slot, bool waits);
  std::uint32_t waiting() const;
  /// Its lease is over (reported, revoked or timed out), but its thread has not returned.
  void end(SlotId slot, bool stuck, Time now);
  /// Its thread has returned. True if it was stuck until now.
  bool release(SlotId slot);

  /// True if slots have become stuck, or if stuck slots are still to be told.
  bool on_tick(Time now);
  /// Whether the number of stuck slots may be told now; otherwise on_tick() says so later.
  bool may_tell(Time now);
  /// When on_tick() should be called next.
  std::optional<Time> deadline() const;

  bool all_stuck() const;
  /// Fills in `slots`, `busy` and `stuck`.
  void count(Capacity& capacity) const;
  /// The lease that runs there; null if none does.
  const wire::LeaseId* lease(SlotId slot) const;

 private:
  struct Idle {};
  struct OnLease {
    wire::LeaseId lease;
    bool waits = false;
  };
  struct Returning {
    Time since{};
    bool stuck = false;
  };
  using Slot = std::variant<Idle, OnLease, Returning>;

  std::uint32_t stuck() const;

  std::vector<Slot> slots_;
  std::uint32_t limit_;
  bool untold_ = false;
  std::optional<Time> told_;
};

}  // namespace quern::worker
