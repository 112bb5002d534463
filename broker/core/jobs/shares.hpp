// What each worker did for one job. It is updated with every report, so a worker remembers its
// share of the job that it reported on last. It is shown rarely, and with ten thousand workers only
// in part.
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
  /// The share of the worker, or of an earlier worker with the same name.
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

  /// The largest shares, in descending order: at most `at_most`, and only as many as fit into
  /// `bytes` of a message.
  std::vector<WorkerShare> most(std::size_t at_most, std::size_t bytes = SIZE_MAX) const;

 private:
  struct All {
    std::deque<WorkerShare> shares;  ///< a deque, so that their addresses do not change
    std::unordered_map<std::string, std::size_t> by_name;
  };
  Lazy<All> all_;
};

}  // namespace quern::broker
