// The payloads of one job's tasks, in slabs. A slab is sealed (immutable) before anything reads it.
// Large batches become slabs as they are; small ones are copied together. A slab is dropped when
// the last of its tasks has ended.
//
// A slab of a durable job may leave memory once the commit that covers it is done (evict), and is
// requested again before its tasks are leased (wanted, on_loaded). The payloads that gather() and
// fitting() access must be resident.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "broker/core/base/lazy.hpp"
#include "broker/core/base/persist.hpp"
#include "wire/batch.hpp"
#include "wire/intervals.hpp"

namespace quern::broker {

class Payloads {
 public:
  /// The most tasks that small batches or rows of the store may form in one slab. The limit matters
  /// if their payloads are empty.
  static constexpr std::uint64_t kSlabTasksMost = 1u << 20;

  /// Appends the payloads of the next tasks. `sequence`: the commit that makes them durable; 0:
  /// none ever does.
  void append(const wire::Batch& batch, std::uint64_t sequence = 0);
  /// The payloads of these tasks, in any order; a job uses either this or append().
  void put(std::uint64_t first, const wire::Batch& batch, std::uint64_t sequence);
  /// Appends tasks whose payloads are only in the store.
  void append_stored(const StoredInput& row);
  /// There is nothing before this task (it ended before a restart).
  void skip_to(std::uint64_t task);

  /// The payloads of these tasks as one batch: a slice if they lie in one slab, otherwise a copy.
  /// All must be resident.
  wire::Batch gather(const wire::Intervals& tasks);

  /// How many tasks from `first` on (at most `count`) fit into `bytes_max`; at least 1. All must be
  /// resident.
  std::uint64_t fitting(std::uint64_t first, std::uint64_t count, std::uint64_t bytes_max);

  /// The size of the payloads of these tasks, which must be resident and in one slab.
  std::uint64_t bytes_of(wire::Interval tasks);

  /// Whether the payload of this task is in memory.
  bool resident(std::uint64_t task);
  bool all_resident() const { return absent_ == 0; }
  /// The next interval to load, searching from `first` on over about `ahead` bytes. Each interval
  /// is returned once.
  std::optional<wire::Interval> wanted(std::uint64_t first, std::uint64_t ahead);
  /// An interval that wanted() returned has been loaded.
  void on_loaded(wire::Interval tasks, wire::Batch batch);
  /// The interval could not be loaded now: it will be returned again.
  void on_load_failed(wire::Interval tasks);
  /// Evicts resident slabs whose commit is done, from the back, until `bytes` are free or only
  /// `keep` bytes from task `first` on are left (0: nothing is kept). Returns the number of bytes
  /// that were freed.
  std::uint64_t evict(std::uint64_t first, std::uint64_t keep, std::uint64_t bytes,
                      std::uint64_t committed);

  /// These tasks have ended: their payloads will not be needed again. Slabs that are dropped with
  /// them are added to `dropped`.
  void release(wire::Interval tasks, wire::Intervals& dropped);
  /// Drops every slab without a task of `wanted`.
  void keep_only(const wire::IntervalSet& wanted, wire::Intervals& dropped);

  /// Calls `seen(task, bytes)` for each task whose payload is in memory.
  template <typename F>
  void each_size(F&& seen) {
    seal();
    for (const auto& [begin, slab] : slabs_)
      for (std::uint64_t i = 0; i < slab.batch.count(); ++i)
        seen(begin + i, slab.batch.sizes.at(i));
  }

  void clear();

  std::uint64_t bytes() const { return bytes_; }  ///< in memory, including the sizes columns
  std::uint64_t queued_bytes() const { return bytes_ + absent_; }  ///< in memory or in the store
  std::size_t slabs() const { return slabs_.size(); }              ///< in memory or in the store
  std::uint64_t end() const { return end_; }  ///< one past the last task that was appended

 private:
  enum class Place : std::uint8_t { memory, store, coming };

  struct Slab {
    wire::Batch batch;  ///< empty unless in memory
    std::uint32_t count = 0;
    std::uint32_t live = 0;  ///< tasks that have not ended
    std::uint64_t weight = 0;
    std::uint64_t sequence = 0;
    Place place = Place::memory;
    // The position of the last access. Leases are taken in order, so the next access starts there
    // instead of adding up the sizes from the beginning.
    std::uint32_t seen_index = 0;
    std::uint32_t seen_offset = 0;

    std::uint64_t offset_of(std::uint64_t index);
  };
  struct Tail {
    wire::BatchBuilder batch;
    std::uint64_t sequence = 0;
    std::uint64_t counted = 0;  ///< its part of bytes_
  };
  using Slabs = std::map<std::uint64_t, Slab>;  // by first task

  void seal();
  void drop(Slabs::iterator slab, wire::Intervals& dropped);
  Slabs::iterator slab_of(std::uint64_t task);  // end() if no slab holds it

  Slabs slabs_;
  Lazy<Tail> tail_;  // tasks [tail_first_, end_), not sealed yet
  std::uint64_t tail_first_ = 0;
  std::uint64_t end_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t absent_ = 0;  // weight of the slabs that are not in memory
};

}  // namespace quern::broker
