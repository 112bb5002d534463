// The contract of a store in its simplest form: recover() returns what was applied. Used by the
// simulator and the tests of the core; the SQLite store is tested against it.
#pragma once

#include <chrono>
#include <map>
#include <set>

#include "broker/core/durability/store.hpp"

namespace quern::sim {

class MemoryStore : public broker::Store {
 public:
  broker::Recovered recover() override;
  void apply(const broker::StoreOps& ops) override;
  wire::Batch load(JobNumber job, wire::Interval tasks) override;
  wire::Batch load_result(JobNumber job, std::uint64_t seq) override;
  bool sweep() override { return false; }

  /// apply() throws while this is not empty.
  std::string trouble;
  /// How long ago the jobs were accepted, as the next recover() tells it.
  std::chrono::seconds age{};

 private:
  struct Kept {
    broker::JobBirth birth;
    broker::JobProgress progress;
    std::map<std::uint64_t, wire::Batch> inputs;
    std::map<std::uint64_t, std::vector<float>> costs;  ///< of rows with cost hints
    std::map<std::uint64_t, broker::ResultEntry> results;
    std::map<std::uint64_t, broker::RecoveredPartial> partials;
  };

  void apply_one(const broker::StoreOp& op);

  std::uint64_t incarnation_ = 0;
  std::uint64_t numbers_below_ = 1;
  std::map<JobNumber, Kept> jobs_;
  std::set<Uuid> uuids_;  ///< of the jobs
  std::map<std::uint64_t, broker::ScheduleRecord> schedules_;
};

}  // namespace quern::sim
