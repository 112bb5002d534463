// What each worker did for one job. Counted with every report, so a worker remembers where it
// counts for the job it reported of last; shown rarely, and of ten thousand workers not each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/core/base/lazy.hpp"
#include "broker/core/workers/worker.hpp"
#include "quern/status.hpp"

namespace quern::broker {

class Shares {
 public:
  /// The worker's, or that of an earlier one of its name.
  WorkerShare& of(Worker& worker, JobNumber job) {
    if (worker.marks.share && worker.marks.share_of == job) return *worker.marks.share;
    All& all = all_.edit();
    const auto [it, fresh] = all.by_name.try_emplace(worker.name, all.shares.size());
    if (fresh) all.shares.emplace_back().worker = worker.name;
    worker.marks.share_of = job;
    worker.marks.share = &all.shares[it->second];
    return *worker.marks.share;
  }

  std::size_t size() const { return all_->shares.size(); }

  /// Those that did most, the most first; as many as take `bytes` in a message, but `at_most`.
  std::vector<WorkerShare> most(std::size_t at_most, std::size_t bytes = SIZE_MAX) const;

 private:
  struct All {
    std::deque<WorkerShare> shares;  ///< they stay where they are
    std::unordered_map<std::string, std::size_t> by_name;
  };
  Lazy<All> all_;
};

}  // namespace quern::broker
