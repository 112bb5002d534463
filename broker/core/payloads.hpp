// The payloads of one job's tasks, in slabs. A slab is sealed (immutable) before anything reads it; large batches are
// adopted as they arrived, small ones are copied together. A slab is dropped when the last of its tasks has ended.
#pragma once

#include <cstdint>
#include <map>

#include "wire/batch.hpp"
#include "wire/intervals.hpp"

namespace quern::broker {

class Payloads {
 public:
  /// Appends the payloads of the next tasks.
  void append(const wire::Batch& batch);

  /// The payloads of these tasks as one batch: a slice when they lie in one slab, otherwise a copy. All must be held.
  wire::Batch gather(const wire::Intervals& tasks);

  /// How many tasks from `first` on (at most `count`) fit `bytes_max`; at least 1. All must be held.
  std::uint64_t fitting(std::uint64_t first, std::uint64_t count, std::uint64_t bytes_max);

  /// These tasks have ended: their payloads will not be asked for again.
  void release(wire::Interval tasks);

  void clear();

  std::uint64_t bytes() const { return bytes_; }  ///< held, with the size columns
  std::uint64_t end() const { return end_; }      ///< one past the last task appended

 private:
  struct Slab {
    wire::Batch batch;
    std::uint64_t live = 0;  ///< tasks that have not ended
    // Where the last look was: leases are carved in order, so the next look starts there instead of summing sizes anew.
    std::uint64_t seen_index = 0;
    std::uint64_t seen_offset = 0;

    std::uint64_t offset_of(std::uint64_t index);
  };

  void seal();
  std::map<std::uint64_t, Slab>::iterator slab_of(std::uint64_t task);

  std::map<std::uint64_t, Slab> slabs_;  // by first task
  wire::BatchBuilder tail_;              // tasks [tail_first_, end_), not sealed
  std::uint64_t tail_first_ = 0;
  std::uint64_t end_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace quern::broker
