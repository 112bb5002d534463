// Which results each task of a job needs, as columns: the part `links` of SUBMIT. Format:
// PROTOCOL.md, "Links".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "wire/batch.hpp"
#include "wire/buffer.hpp"

namespace quern::wire {

/// The tasks of one job and what each needs, in the order in which it gets them. A source is
/// kSelf (an earlier task of the same job), kValues (a value of this graph), or kEdges + i (a task
/// of the job of the i-th `list` edge).
struct TaskGraph {
  static constexpr std::uint16_t kSelf = 0;
  static constexpr std::uint16_t kValues = 1;
  static constexpr std::uint16_t kEdges = 2;

  std::vector<std::uint32_t> offsets{0};  ///< task i needs the links [offsets[i], offsets[i + 1])
  std::vector<std::uint16_t> sources;     ///< one per link; empty: all are kSelf
  std::vector<std::uint32_t> indices;     ///< one per link: which task or value of the source
  std::vector<std::uint32_t> value_sizes;
  Buffer values;  ///< back to back

  std::uint64_t tasks() const { return offsets.size() - 1; }
  std::uint16_t source(std::size_t link) const { return sources.empty() ? kSelf : sources[link]; }
  bool operator==(const TaskGraph&) const = default;
};

Buffer encode(const TaskGraph& graph);
/// The graph, or what is wrong with the bytes. Checks everything that does not depend on other
/// jobs: `edges` is the number of `list` edges.
std::variant<TaskGraph, std::string> decode_task_graph(const Buffer& bytes, std::size_t edges);

}  // namespace quern::wire
