// The plan the broker follows, and the one it is making.
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
  /// What a worker was to do, to see how far what happens is from it.
  struct Share {
    wire::SessionId worker{};
    wire::Time ends{};  ///< its slots, in the mean
  };

  bool stale = false;  ///< jobs, workers or speeds are not what they were
  std::uint64_t look_after =
      0;  ///< leases that are granted until a queue that was too long may be short enough

  // In the making.
  std::unique_ptr<Plan> next;
  std::vector<Row> rows;
  std::vector<wire::SessionId> places;  ///< a slot each
  std::int64_t falling = 0;  ///< the priority it is about, below zero for those above zero
  bool holds = false;        ///< jobs wait for it

  // In use.
  std::unordered_map<wire::SessionId, std::deque<Row>>
      waiting;               ///< for each worker, in the order in which they go to it
  std::set<JobNumber> jobs;  ///< that have rows there
  std::vector<Share> shares;
  wire::Time ends{};                  ///< the last of them
  std::optional<wire::Time> checked;  ///< when it was last held against what happens
};

}  // namespace quern::broker
