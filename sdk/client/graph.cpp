// A graph compiles to one job per function, as long as its jobs then need only earlier ones.
//
// Each node gets a rank: 0 without nodes as arguments; as its argument if that is a node of the
// same kind, and one more than its argument if it is of another kind. Nodes of the same kind and
// rank are a job. Between different kinds the rank grows, so no two jobs need each other; within a
// job, tasks need only earlier ones, because nodes are added in that order.
#include "quern/graph.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <stdexcept>

#include "client/failure.hpp"
#include "wire/task_graph.hpp"

namespace quern {

using wire::TaskGraph;

namespace client {

struct RunningGraph {
  struct Part {
    std::mutex mutex;
    std::map<std::uint64_t, TaskResult> results;  ///< by task
    bool over = false;                            ///< all results were read
  };

  std::vector<std::pair<std::uint32_t, std::uint32_t>> places;  ///< by node: job and task
  std::vector<Job> jobs;
  std::vector<std::unique_ptr<Part>> parts;  ///< by job

  TaskResult get(std::uint32_t node) {
    const auto [job, task] = places.at(node);
    Part& part = *parts[job];
    std::lock_guard lock(part.mutex);
    for (;;) {
      if (const auto found = part.results.find(task); found != part.results.end())
        return found->second;
      std::optional<TaskResult> result;
      if (!part.over) result = jobs[job].next_completed();
      if (!result) {
        part.over = true;
        TaskResult none;
        none.index = task;
        none.ok = false;
        const Outcome outcome = jobs[job].wait();
        none.code = outcome.code == ErrorCode::none ? ErrorCode::lost : outcome.code;
        none.text = outcome.text;
        return none;
      }
      part.results[result->index] = std::move(*result);
    }
  }
};

}  // namespace client

void LinksBuilder::add(std::uint16_t source, std::uint32_t index) {
  sources_.push_back(source);
  indices_.push_back(index);
}

void LinksBuilder::add_value(BytesView value) {
  add(TaskGraph::kValues, static_cast<std::uint32_t>(value_sizes_.size()));
  value_sizes_.push_back(static_cast<std::uint32_t>(value.size()));
  values_ += value;
}

void LinksBuilder::add_task(std::uint32_t task) { add(TaskGraph::kSelf, task); }

void LinksBuilder::add_result(const JobEdge& job, std::uint32_t task) {
  constexpr std::size_t kJobsMost = 65'000;
  const auto [at, fresh] = source_of_.try_emplace(
      job.uuid, static_cast<std::uint16_t>(TaskGraph::kEdges + jobs_.size()));
  if (fresh) {
    if (jobs_.size() >= kJobsMost)
      throw std::length_error("a job takes results of at most 65,000 jobs");
    jobs_.push_back(job);
    jobs_.back().pattern = EdgePattern::list;
  }
  add(at->second, task);
}

std::uint32_t LinksBuilder::end_task() {
  offsets_.push_back(static_cast<std::uint32_t>(indices_.size()));
  return tasks() - 1;
}

Links LinksBuilder::links(Join join, Encoding encoding) const {
  TaskGraph graph;
  graph.offsets = offsets_;
  graph.sources = sources_;
  graph.indices = indices_;
  graph.value_sizes = value_sizes_;
  graph.values = wire::Buffer::copy(values_);
  return {Bytes(wire::encode(graph).view()), jobs_, join, encoding};
}

namespace {

/// The nodes that become one job.
struct Compiled {
  std::uint32_t function = 0;
  bool single = false;  ///< its nodes have one argument each
  std::vector<std::uint32_t> nodes;
};

}  // namespace

Graph::Node Graph::add(std::string function, std::vector<Argument> arguments) {
  if (size() >= std::numeric_limits<std::uint32_t>::max())
    throw std::length_error("a graph has at most 2^32 - 1 nodes");
  // Mostly the function of the node before.
  auto known = std::find(functions_.rbegin(), functions_.rend(), function);
  const auto at = static_cast<std::uint32_t>(
      known == functions_.rend() ? functions_.size() : functions_.rend() - known - 1);
  for (const Argument& argument : arguments)
    if (const auto* node = std::get_if<Node>(&argument); node && node->index_ >= size())
      throw std::out_of_range("an argument is not a node of this graph");
  if (known == functions_.rend()) functions_.push_back(std::move(function));
  for (Argument& argument : arguments) {
    if (const auto* node = std::get_if<Node>(&argument)) {
      arguments_.push_back(node->index_);
      is_value_.push_back(false);
    } else {
      arguments_.push_back(static_cast<std::uint32_t>(values_.size()));
      is_value_.push_back(true);
      values_.push_back(std::move(std::get<Bytes>(argument)));
    }
  }
  functions_of_.push_back(at);
  offsets_.push_back(static_cast<std::uint32_t>(arguments_.size()));
  return Node(static_cast<std::uint32_t>(size() - 1));
}

GraphRun Graph::submit(Client& client, const SubmitOptions& options) const {
  if (!options.unique.empty() || !options.reduce.empty())
    throw SubmitError(ErrorCode::bad_input,
                      "a graph has several jobs, so it takes neither `unique` nor `reduce`");
  auto run = std::make_shared<client::RunningGraph>();
  std::vector<Compiled> compiled;
  // Jobs by rank, function and kind, so that jobs that are needed come first.
  std::map<std::tuple<std::uint32_t, std::uint32_t, bool>, std::uint32_t> jobs;
  std::vector<std::uint32_t> ranks(size());
  for (std::uint32_t node = 0; node < size(); ++node) {
    const std::uint32_t function = functions_of_[node];
    const bool single = offsets_[node + 1] - offsets_[node] == 1;
    std::uint32_t rank = 0;
    for (std::uint32_t i = offsets_[node]; i < offsets_[node + 1]; ++i) {
      if (is_value_[i]) continue;
      const std::uint32_t other = arguments_[i];
      const Compiled& of_other = compiled[run->places[other].first];
      const bool same = of_other.function == function && of_other.single == single;
      rank = std::max(rank, ranks[other] + (same ? 0 : 1));
    }
    ranks[node] = rank;
    const auto [at, fresh] =
        jobs.try_emplace({rank, function, single}, static_cast<std::uint32_t>(compiled.size()));
    if (fresh) {
      compiled.push_back({});
      compiled.back().function = function;
      compiled.back().single = single;
    }
    Compiled& job = compiled[at->second];
    run->places.emplace_back(at->second, static_cast<std::uint32_t>(job.nodes.size()));
    job.nodes.push_back(node);
  }
  run->jobs.resize(compiled.size());
  for (std::size_t i = 0; i < compiled.size(); ++i)
    run->parts.push_back(std::make_unique<client::RunningGraph::Part>());
  for (const auto& [key, number] : jobs) {  // in the order of their ranks
    const Compiled& job = compiled[number];
    LinksBuilder links;
    for (const std::uint32_t node : job.nodes) {
      for (std::uint32_t i = offsets_[node]; i < offsets_[node + 1]; ++i) {
        if (is_value_[i]) {
          links.add_value(values_[arguments_[i]]);
          continue;
        }
        const auto [other, task] = run->places[arguments_[i]];
        if (other == number)
          links.add_task(task);
        else
          links.add_result(run->jobs[other].edge(EdgePattern::list), task);
      }
      links.end_task();
    }
    run->jobs[number] =
        client.submit(functions_[job.function],
                      links.links(job.single ? Join::first : Join::automatic, encoding_), options);
  }
  return GraphRun(std::move(run));
}

TaskResult GraphRun::get(Graph::Node node) const { return graph_->get(node.index()); }

std::future<Bytes> GraphRun::future(Graph::Node node) const {
  return std::async(std::launch::deferred, [graph = graph_, index = node.index()] {
    TaskResult result = graph->get(index);
    if (!result.ok) throw JobError(result.code, result.text);
    return std::move(result.bytes);
  });
}

Outcome GraphRun::wait() const {
  Outcome out;
  std::uint64_t done = 0, failed = 0;
  bool bad = false;
  for (const Job& job : graph_->jobs) {
    Outcome outcome = job.wait();
    done += outcome.done;
    failed += outcome.failed;
    if (bad) continue;
    bad = !outcome.ok();
    out = std::move(outcome);
  }
  if (graph_->jobs.empty()) out.state = JobState::done;
  out.done = done;
  out.failed = failed;
  return out;
}

void GraphRun::cancel() const {
  for (const Job& job : graph_->jobs) job.cancel();
}

const std::vector<Job>& GraphRun::jobs() const { return graph_->jobs; }

}  // namespace quern
