// The plan that the broker follows, and the one that is being made.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "broker/core/scheduling/plan.hpp"
#include "quern/ids.hpp"
#include "wire/messages.hpp"
#include "wire/time.hpp"

namespace quern::broker {

struct PlanInUse {
  struct Row {
    JobNumber job{};
    std::uint64_t task = 0;
  };
  /// What a worker was expected to do, to measure how far reality deviates from the plan.
  struct Share {
    wire::SessionId worker{};
    wire::Time ends{};  ///< the mean of its slots
  };

  bool stale = false;  ///< jobs, workers or speeds have changed since the plan was made
  std::uint64_t look_after =
      0;  ///< number of granted leases after which a queue that was too long may be short enough

  // The plan that is being made.
  std::unique_ptr<Plan> next;
  std::vector<Row> rows;
  std::vector<wire::SessionId> places;  ///< one entry per slot
  std::int64_t falling = 0;             ///< the priority that it is about, negated
  bool holds = false;                   ///< jobs wait for it

  // The plan that is followed.
  std::unordered_map<wire::SessionId, std::deque<Row>>
      waiting;               ///< for each worker, in the order in which it gets them
  std::set<JobNumber> jobs;  ///< jobs with tasks in `waiting`
  std::vector<Share> shares;
  wire::Time ends{};                  ///< when the last worker ends
  std::optional<wire::Time> checked;  ///< when it was last compared with reality
};

}  // namespace quern::broker
