/// @file
/// Edges between jobs: a job may take its input from the results of others, and may wait for
/// others. Plain values, which are also what travels on the wire.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "quern/bytes.hpp"
#include "quern/ids.hpp"

namespace quern {

/// Which results of an earlier job a task gets, or that a job only waits.
enum class EdgePattern : std::uint8_t {
  each,    ///< task i gets result i; it starts as soon as that result is there
  group,   ///< task i gets the results [i * step, i * step + width)
  all,     ///< one task gets all results, in the order of their tasks
  list,    ///< each task names the results that it gets; see Graph
  after,   ///< no results: the job starts after the earlier one has ended
  unknown  ///< a word of a newer broker
};

/// @param pattern a pattern
/// @return its word on the wire, e.g. "each"; empty for a value outside the enumeration
std::string_view to_string(EdgePattern pattern);

/// How several results become the payload of one task.
enum class Join : std::uint8_t {
  automatic,  ///< values: as an array; raw bytes: one after the other
  array,      ///< as an array of values; raw bytes are binary values in it
  first       ///< only the first one; the task merely waits for the others
};

/// An edge from an earlier job.
struct JobEdge {
  Uuid uuid{};                              ///< the earlier job; nil: by number
  JobNumber number{};                       ///< the earlier job, if `uuid` is nil
  EdgePattern pattern = EdgePattern::each;  ///< which of its results
  std::uint64_t width = 1;                  ///< `group`: results per task, at least 1
  std::uint64_t step = 1;  ///< `group`: how much later the next task begins, at least 1
  /// Go on if the earlier task or job fails or is cancelled: a map that describes the error takes
  /// the place of the result. Otherwise what depends on it fails as `upstream_failed`.
  bool ended = false;

  /// @return whether all fields are equal
  bool operator==(const JobEdge&) const = default;
};

/// The results of an earlier job as the input of a job. Results go from one job to the next inside
/// the broker: they cost the client nothing, and the second job begins while the first one runs.
struct ResultsOf {
  JobEdge from;                 ///< whose results; see Job::edge()
  Join join = Join::automatic;  ///< how several results become the payload of one task
};

/// Tasks of one job that need results of each other and of earlier jobs. Made by Graph.
struct Links {
  Bytes columns;                      ///< which task needs what; see `sdk/wire/PROTOCOL.md`
  std::vector<JobEdge> jobs;          ///< the earlier jobs, with EdgePattern::list
  Join join = Join::automatic;        ///< how several results become the payload of one task
  Encoding encoding = Encoding::raw;  ///< of the values of the graph, and of the payloads
};

}  // namespace quern
