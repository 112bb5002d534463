#include "wire/task_graph.hpp"

#include <algorithm>

#include "wire/limits.hpp"

namespace quern::wire {
namespace {

constexpr std::size_t kHeader = 16;
constexpr std::uint32_t kHasSources = 1;

template <typename T>
void put(Bytes& out, T number) {
  for (std::size_t i = 0; i < sizeof(T); ++i)
    out.push_back(static_cast<char>(number >> (8 * i) & 0xff));
}

template <typename T>
T get(const char* at) {
  T number = 0;
  for (std::size_t i = sizeof(T); i-- > 0;)
    number = static_cast<T>(number << 8 | static_cast<unsigned char>(at[i]));
  return number;
}

template <typename T>
const char* read_column(const char* at, std::size_t count, std::vector<T>& out) {
  out.resize(count);
  for (std::size_t i = 0; i < count; ++i) out[i] = get<T>(at + i * sizeof(T));
  return at + count * sizeof(T);
}

/// What is wrong with the links of one task; empty: nothing.
std::string broken_link(const TaskGraph& graph, std::uint64_t task, std::size_t edges) {
  for (std::size_t link = graph.offsets[task]; link < graph.offsets[task + 1]; ++link) {
    const std::uint16_t source = graph.source(link);
    const std::uint64_t index = graph.indices[link];
    const std::string who = "task " + std::to_string(task) + " needs ";
    if (source == TaskGraph::kSelf && index >= task)
      return who + "task " + std::to_string(index) +
             " of its own job, which is not an earlier one: the tasks of a cycle can never start";
    if (source == TaskGraph::kValues && index >= graph.value_sizes.size())
      return who + "value " + std::to_string(index) + ", but there are only " +
             std::to_string(graph.value_sizes.size());
    if (source >= TaskGraph::kEdges + edges)
      return who + "a job that is not among the edges of the pattern `list`";
  }
  return {};
}

}  // namespace

Buffer encode(const TaskGraph& graph) {
  Bytes out;
  out.reserve(kHeader + 4 * graph.offsets.size() + 6 * graph.indices.size() +
              4 * graph.value_sizes.size() + graph.values.size());
  put(out, static_cast<std::uint32_t>(graph.tasks()));
  put(out, static_cast<std::uint32_t>(graph.indices.size()));
  put(out, static_cast<std::uint32_t>(graph.value_sizes.size()));
  put(out, graph.sources.empty() ? 0 : kHasSources);
  for (const std::uint32_t offset : graph.offsets) put(out, offset);
  for (const std::uint32_t index : graph.indices) put(out, index);
  for (const std::uint32_t size : graph.value_sizes) put(out, size);
  for (const std::uint16_t source : graph.sources) put(out, source);
  out += graph.values.view();
  return Buffer::adopt(std::move(out));
}

std::variant<TaskGraph, std::string> decode_task_graph(const Buffer& bytes, std::size_t edges) {
  if (bytes.size() < kHeader) return "links: the part is too short";
  const char* at = bytes.data();
  const std::uint64_t tasks = get<std::uint32_t>(at);
  const std::uint64_t links = get<std::uint32_t>(at + 4);
  const std::uint64_t values = get<std::uint32_t>(at + 8);
  const std::uint32_t flags = get<std::uint32_t>(at + 12);
  if (flags > kHasSources) return "links: unknown flags";
  const std::uint64_t columns =
      kHeader + 4 * (tasks + 1) + 4 * links + 4 * values + (flags == kHasSources ? 2 * links : 0);
  if (columns > bytes.size()) return "links: the columns are longer than the part";
  TaskGraph graph;
  at = read_column(at + kHeader, tasks + 1, graph.offsets);
  at = read_column(at, links, graph.indices);
  at = read_column(at, values, graph.value_sizes);
  if (flags == kHasSources) at = read_column(at, links, graph.sources);
  graph.values = bytes.slice(columns, bytes.size() - columns);
  if (graph.offsets.front() != 0 || graph.offsets.back() != links ||
      !std::is_sorted(graph.offsets.begin(), graph.offsets.end()))
    return "links: the offsets are not ascending from 0 to the number of links";
  std::uint64_t sum = 0;
  for (const std::uint32_t size : graph.value_sizes) sum += size;
  if (sum != graph.values.size()) return "links: the sizes of the values do not add up";
  for (std::uint64_t task = 0; task < tasks; ++task)
    if (std::string broken = broken_link(graph, task, edges); !broken.empty())
      return "links: " + broken;
  return graph;
}

}  // namespace quern::wire
