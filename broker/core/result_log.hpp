// The results of one job in the order of their acceptance. Entry numbers are the cursor that clients resume from. Entries go
// when the owner has acknowledged them.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "wire/messages.hpp"

namespace quern::broker {

struct ResultEntry {
  wire::Intervals tasks;
  std::vector<TaskError> errors;
  wire::Batch batch;
  std::uint64_t weight = 0;  ///< bytes that count against windows and memory
  std::uint64_t ticket = 0;  ///< the commit that makes it durable; 0: none does
};

class ResultLog {
 public:
  void append(wire::Intervals tasks, std::vector<TaskError> errors, wire::Batch batch, std::uint64_t ticket = 0) {
    put({std::move(tasks), std::move(errors), std::move(batch), 0, ticket});
  }
  void put(ResultEntry entry) {
    entry.weight = weigh(entry);
    bytes_ += entry.weight;
    entries_.push_back(std::move(entry));
  }
  /// After a restart: entries below were acknowledged before it.
  void begin_at(std::uint64_t seq) { first_ = seq; }

  /// The errors of these tasks are no longer how they end: the entries that were changed.
  std::vector<std::uint64_t> erase_errors(const wire::IntervalSet& tasks) {
    std::vector<std::uint64_t> changed;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      ResultEntry& entry = entries_[i];
      const std::size_t before = entry.errors.size();
      std::erase_if(entry.errors, [&](const TaskError& e) { return tasks.contains(e.first); });
      if (entry.errors.size() == before) continue;
      bytes_ -= entry.weight;
      entry.weight = weigh(entry);
      bytes_ += entry.weight;
      changed.push_back(first_ + i);
    }
    return changed;
  }

  std::uint64_t begin() const { return first_; }
  std::uint64_t end() const { return first_ + entries_.size(); }
  const ResultEntry& at(std::uint64_t seq) const { return entries_[seq - first_]; }
  std::uint64_t bytes() const { return bytes_; }

  /// Entries below `cursor` will never be asked for again.
  void release_to(std::uint64_t cursor) {
    while (first_ < cursor && !entries_.empty()) {
      bytes_ -= entries_.front().weight;
      entries_.pop_front();
      ++first_;
    }
  }
  void clear() { release_to(end()); }

 private:
  static std::uint64_t weigh(const ResultEntry& entry) {
    std::uint64_t weight = entry.batch.weight() + 16 * entry.tasks.size();
    for (const auto& error : entry.errors) weight += 32 + error.text.size();
    return weight;
  }

  std::deque<ResultEntry> entries_;
  std::uint64_t first_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace quern::broker
