// The numbers of jobs. They are reserved in the store in blocks, so that a memory job needs no
// commit, and a number is never assigned twice within a store, whatever happens to the broker.
#pragma once

#include <cstdint>
#include <optional>

#include "quern/ids.hpp"

namespace quern::broker {

class JobNumbers {
 public:
  /// After a restart: numbers below this may have been assigned.
  void begin_at(std::uint64_t below) {
    last_ = found_to_ = below - 1;
    reserved_below_ = below;
  }
  /// If the reserved numbers are used up: the end of the next block, which has to be written to the
  /// store.
  std::optional<std::uint64_t> reserve() {
    constexpr std::uint64_t kBlock = 1000;
    if (last_ + 1 < reserved_below_) return std::nullopt;
    return reserved_below_ = last_ + 1 + kBlock;
  }
  JobNumber take() { return JobNumber{++last_}; }
  /// Whether a job with this number was ever accepted here.
  bool was_given(JobNumber number) const { return value(number) != 0 && value(number) <= last_; }
  /// Whether that was before the restart.
  bool was_given_before(JobNumber number) const { return value(number) <= found_to_; }

 private:
  std::uint64_t last_ = 0;
  std::uint64_t found_to_ = 0;
  std::uint64_t reserved_below_ = 1;
};

}  // namespace quern::broker
