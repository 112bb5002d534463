// Which tasks of a running lease have been claimed by its slot. The slot claims from the front, the
// link cuts from the back; both take the lock, once per claim and not per task, so a cut is exact
// and costs the slot next to nothing.
#pragma once

#include <mutex>
#include <optional>

#include "wire/intervals.hpp"

namespace quern::worker {

class Cursor {
 public:
  explicit Cursor(wire::Intervals tasks) : tasks_(std::move(tasks)) {
    if (!tasks_.empty()) next_ = tasks_.front().begin;
  }

  struct Claim {
    wire::Interval tasks;
    bool opens = false;  ///< begins an interval of the lease: partials never cross such a border
  };
  /// Slot: the next tasks, at most `most` (> 0), within one interval; nullopt when nothing is left.
  std::optional<Claim> claim(std::uint64_t most);
  /// Slot: the last claim's tasks from `first` on were not started; they can be claimed or cut
  /// again.
  void give_back(std::uint64_t first);
  /// Link: cuts up to `want` unclaimed tasks from the end; returns them, ascending.
  wire::Intervals cut(std::uint64_t want);
  /// Link: nothing more is claimed.
  void close();

 private:
  std::mutex mutex_;
  wire::Intervals tasks_;   // of the lease, shortened by cuts
  std::size_t at_ = 0;      // interval that next_ is in, or at the end of
  std::uint64_t next_ = 0;  // first unclaimed task of tasks_[at_]
  bool closed_ = false;
};

}  // namespace quern::worker
