// The results of one job in the order of their acceptance. Entry numbers are the cursor that clients resume from. Entries go
// when the owner has acknowledged them.
#pragma once

#include <cstdint>
#include <deque>

#include "wire/messages.hpp"

namespace quern::broker {

struct ResultEntry {
  wire::Intervals tasks;
  std::vector<TaskError> errors;
  wire::Batch batch;
  std::uint64_t weight = 0;  ///< bytes that count against windows and memory
};

class ResultLog {
 public:
  void append(wire::Intervals tasks, std::vector<TaskError> errors, wire::Batch batch) {
    ResultEntry entry{std::move(tasks), std::move(errors), std::move(batch), 0};
    entry.weight = entry.batch.weight() + 16 * entry.tasks.size();
    for (const auto& error : entry.errors) entry.weight += 32 + error.text.size();
    bytes_ += entry.weight;
    entries_.push_back(std::move(entry));
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
  std::deque<ResultEntry> entries_;
  std::uint64_t first_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace quern::broker
