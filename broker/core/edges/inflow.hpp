// What one job takes from others, or waits for. Most jobs have none.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "broker/core/edges/gather.hpp"
#include "quern/edges.hpp"
#include "quern/ids.hpp"
#include "wire/intervals.hpp"

namespace quern::broker {

struct Inflow {
  /// A job whose results are taken.
  struct Source {
    JobNumber job{};
    Gather::Source number = 0;  ///< in the gather
    bool ended = false;         ///< errors take the place of results
    std::uint64_t cursor = 0;   ///< its result entries below have been taken
    bool over = false;          ///< nothing more comes from it, unless it runs again
  };
  /// A job that has to end first.
  struct Wait {
    JobNumber job{};
    bool ended = false;
    bool over = false;
  };

  std::vector<JobEdge> edges;  ///< as submitted, with the numbers of the jobs
  Join join = Join::automatic;
  std::vector<Source> sources;
  std::vector<Wait> waits;
  std::optional<Gather> gather;      ///< none: the pattern `each`, or only `after`
  wire::IntervalSet blocked;         ///< tasks that wait for results; in no other state
  wire::IntervalSet stopped;         ///< tasks that failed because of others
  wire::IntervalSet parked;          ///< of these, tasks that had their input before
  bool left = false;                 ///< the job has ended, and the earlier jobs know it
  Encoding values = Encoding::raw;   ///< encoding of the values of a graph
  std::uint64_t cancelled_seen = 0;  ///< cancelled tasks that are out of `blocked`

  bool takes_results() const { return !sources.empty() || gather; }
};

}  // namespace quern::broker
