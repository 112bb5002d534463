// The results of one job in the order of their acceptance. Entry numbers are the cursors from which
// clients resume. Entries are removed when the owner has acknowledged them.
//
// The bytes of a durable job's entry may leave memory once its commit is done (evict), and are
// requested again when they are to be sent to a client (wanted, on_loaded).
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "broker/core/base/lazy.hpp"
#include "broker/core/base/result_entry.hpp"
#include "wire/messages.hpp"

namespace quern::broker {

class ResultLog {
 public:
  void put(ResultEntry entry) {
    entry.weight = weigh(entry);
    bytes_ += entry.weight;
    weight_ += entry.weight;
    entries_.edit().push_back(std::move(entry));
  }
  /// After a restart: adds an entry whose batch, with this weight, is in the store.
  void put_stored(ResultEntry entry, std::uint64_t batch_weight) {
    entry.place = ResultEntry::Place::store;
    entry.weight = weigh(entry) + batch_weight;
    weight_ += entry.weight;
    entries_.edit().push_back(std::move(entry));
  }
  /// After a restart: entries below `seq` were acknowledged before it.
  void begin_at(std::uint64_t seq) { first_ = seq; }

  /// The errors of these tasks are void because the tasks run again. Returns the entries that were
  /// changed.
  std::vector<std::uint64_t> erase_errors(const wire::IntervalSet& tasks) {
    std::vector<std::uint64_t> changed;
    for (std::size_t i = 0; i < entries_->size(); ++i) {
      ResultEntry& entry = entries_.edit()[i];
      bool touched = false;
      for (TaskError& error : std::exchange(entry.errors, {})) {
        const wire::Interval run{error.first, error.first + error.count};
        const wire::Intervals rest = tasks.missing(run);
        if (rest == wire::Intervals{run}) {
          entry.errors.push_back(std::move(error));
          continue;
        }
        touched = true;
        // An error may cover a run of tasks of which only some run again.
        for (const auto& part : rest)
          entry.errors.push_back({part.begin, part.size(), error.code, error.text});
      }
      if (!touched) continue;
      // The weight stays the same, because clients count it against their windows.
      changed.push_back(first_ + i);
    }
    return changed;
  }

  std::uint64_t begin() const { return first_; }
  std::uint64_t end() const { return first_ + entries_->size(); }
  const ResultEntry& at(std::uint64_t seq) const { return (*entries_)[seq - first_]; }
  std::uint64_t bytes() const { return bytes_; }    ///< in memory
  std::uint64_t weight() const { return weight_; }  ///< in memory or in the store

  /// Entries to load so that `ahead` bytes from `seq` on are in memory. Each entry is returned
  /// once.
  std::vector<std::uint64_t> wanted(std::uint64_t seq, std::uint64_t ahead) {
    std::vector<std::uint64_t> out;
    for (std::uint64_t seen = 0; seq < end() && seen < ahead; ++seq) {
      ResultEntry& entry = entries_.edit()[seq - first_];
      seen += entry.weight;
      if (entry.place != ResultEntry::Place::store) continue;
      entry.place = ResultEntry::Place::coming;
      out.push_back(seq);
    }
    return out;
  }
  void on_loaded(std::uint64_t seq, wire::Batch batch) {
    if (seq < first_ || seq >= end()) return;
    ResultEntry& entry = entries_.edit()[seq - first_];
    if (entry.place != ResultEntry::Place::coming) return;
    entry.batch = std::move(batch);
    entry.place = ResultEntry::Place::memory;
    bytes_ += entry.weight;
    gone_to_ = std::min(gone_to_, seq);
  }
  /// The entry could not be loaded now: it will be returned again.
  void on_load_failed(std::uint64_t seq) {
    if (seq < first_ || seq >= end()) return;
    ResultEntry& entry = entries_.edit()[seq - first_];
    if (entry.place == ResultEntry::Place::coming) entry.place = ResultEntry::Place::store;
  }
  /// Evicts batches whose commit is done until at most `bytes` are left: first those of entries
  /// below `read_to`, then from the back.
  void evict(std::uint64_t read_to, std::uint64_t bytes, std::uint64_t committed) {
    gone_to_ = std::max(gone_to_, first_);
    for (; gone_to_ < std::min(read_to, end()) && bytes_ > bytes; ++gone_to_)
      if (!let_go(entries_.edit()[gone_to_ - first_], committed)) break;
    constexpr int kInVain = 64;  // after this many, the remaining ones are in the store already
    int in_vain = 0;
    for (std::uint64_t seq = end();
         seq > std::max(read_to, first_) && bytes_ > bytes && in_vain < kInVain; --seq)
      in_vain = let_go(entries_.edit()[seq - 1 - first_], committed) ? 0 : in_vain + 1;
  }

  /// Entries below `cursor` will never be requested again.
  void release_to(std::uint64_t cursor) {
    if (entries_->empty()) return;
    auto& entries = entries_.edit();
    while (first_ < cursor && !entries.empty()) {
      if (entries.front().place == ResultEntry::Place::memory) bytes_ -= entries.front().weight;
      weight_ -= entries.front().weight;
      entries.pop_front();
      ++first_;
    }
    if (entries.empty()) entries_.reset();
  }
  void clear() { release_to(end()); }

 private:
  bool let_go(ResultEntry& entry, std::uint64_t committed) {
    if (entry.place != ResultEntry::Place::memory || entry.sequence == 0 ||
        entry.sequence > committed)
      return false;
    entry.batch = {};
    entry.place = ResultEntry::Place::store;
    bytes_ -= entry.weight;
    return true;
  }
  static std::uint64_t weigh(const ResultEntry& entry) {
    std::uint64_t weight = entry.batch.weight() + 16 * (entry.tasks.size() + entry.written.size());
    for (const auto& error : entry.errors) weight += 32 + error.text.size();
    return weight;
  }

  Lazy<std::deque<ResultEntry>> entries_;
  std::uint64_t first_ = 0;
  std::uint64_t gone_to_ = 0;  // the batches of entries below are in the store
  std::uint64_t bytes_ = 0;    // in memory
  std::uint64_t weight_ = 0;   // in memory or in the store
};

}  // namespace quern::broker
