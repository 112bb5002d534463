/// @file
/// Graphs of tasks: each node is a call of a function, and its arguments are values or results of
/// other nodes.
#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "quern/bytes.hpp"
#include "quern/client.hpp"
#include "quern/edges.hpp"
#include "quern/job.hpp"
#include "quern/options.hpp"
#include "quern/typed.hpp"
#include "quern/value.hpp"

namespace quern {

/// Builds Links task by task, for one job: begin with the first task, add what it needs in order,
/// then end_task(). Graph does this for several functions.
class LinksBuilder {
 public:
  /// The task gets a value. Values are kept in the message: 64 MiB for the whole graph.
  /// @param value the encoded value
  void add_value(BytesView value);
  /// The task needs the result of an earlier task of the same job.
  /// @param task the index of that task
  void add_task(std::uint32_t task);
  /// The task needs the result of a task of an earlier job.
  /// @param job the job; the same job may be given again and again
  /// @param task the index of that task
  /// @throws std::length_error for more than 65,000 different jobs
  void add_result(const JobEdge& job, std::uint32_t task);
  /// Ends the task; what is added next belongs to the next one.
  /// @return the index of the task that was ended
  std::uint32_t end_task();
  /// @return the number of tasks that were ended
  std::uint32_t tasks() const { return static_cast<std::uint32_t>(offsets_.size() - 1); }
  /// @param join how several results become one payload
  /// @param encoding of the values, and of the payloads
  /// @return the links, with which a job can be submitted
  Links links(Join join, Encoding encoding) const;

 private:
  void add(std::uint16_t source, std::uint32_t index);

  std::vector<std::uint32_t> offsets_{0};
  std::vector<std::uint16_t> sources_;
  std::vector<std::uint32_t> indices_;
  std::vector<std::uint32_t> value_sizes_;
  Bytes values_;
  std::vector<JobEdge> jobs_;
  std::unordered_map<Uuid, std::uint16_t> source_of_;  // by job
};

class GraphRun;

/// A graph of tasks that is built node by node and submitted as a whole. The broker runs a node as
/// soon as the results that it needs are there, and hands them over itself.
///
/// A node gets its arguments as one array of values; a node with one argument gets just that. So a
/// function of one argument works in graphs as it does in other jobs.
///
/// The nodes of one function become one job, or a few if the calls of several functions alternate:
/// a graph of a million nodes costs hardly more than a job of a million items.
///
/// **Threads.** One thread at a time may change a graph. submit() does not change it.
class Graph {
 public:
  /// One node of one graph. Cheap to copy.
  class Node {
   public:
    /// @return its index: nodes are counted from 0 in the order in which they were added
    std::uint32_t index() const { return index_; }

   private:
    friend class Graph;
    explicit Node(std::uint32_t index) : index_(index) {}
    std::uint32_t index_;
  };

  /// An argument: the result of an earlier node, or a value that is encoded as the graph says.
  using Argument = std::variant<Node, Bytes>;

  /// @param encoding of values and results: `value` for typed functions, `raw` for functions of
  ///        bytes (several raw arguments arrive one after the other in one string)
  explicit Graph(Encoding encoding = Encoding::value) : encoding_(encoding) {}

  /// Adds a call of a function. Arguments are nodes that were added before, so there are no cycles.
  /// @param function the name of the function, which takes items
  /// @param arguments nodes and encoded values, in the order of the parameters
  /// @return the node, to be used as an argument or to get its result
  /// @throws std::out_of_range when a node belongs to a larger graph
  /// @throws std::length_error when the graph would have more than 2^32 - 1 nodes
  Node add(std::string function, std::vector<Argument> arguments);

  /// Adds a call of a function with typed arguments.
  /// @param function the name of the function
  /// @param arguments nodes and C++ values, each of which is encoded as a value (value.hpp)
  /// @return the node
  template <typename... Arguments>
  Node call(std::string function, const Arguments&... arguments) {
    std::vector<Argument> list;
    (list.push_back(argument_of(arguments)), ...);
    return add(std::move(function), std::move(list));
  }

  /// @return the number of nodes
  std::size_t size() const { return functions_of_.size(); }

  /// Submits the graph. Does not block.
  /// @param client the client that owns the jobs
  /// @param options of each job of the graph: names, priorities, attempts and so on. `unique` and
  ///        `reduce` must be empty.
  /// @return a handle to the running graph
  /// @throws SubmitError (`bad_input`) for `unique` or `reduce`; std::length_error when more than
  ///         65,000 jobs would feed one job. What the broker refuses is told by GraphRun.
  GraphRun submit(Client& client, const SubmitOptions& options = {}) const;

 private:
  template <typename T>
  static Argument argument_of(const T& argument) {
    if constexpr (std::is_same_v<T, Node>)
      return argument;
    else
      return to_value(argument);
  }

  Encoding encoding_;
  std::vector<std::string> functions_;
  std::vector<std::uint32_t> functions_of_;  // by node
  std::vector<std::uint32_t> offsets_{0};    // node i has the arguments [offsets[i], offsets[i+1])
  std::vector<std::uint32_t> arguments_;     // the index of a node, or of a value
  std::vector<bool> is_value_;               // by argument
  std::vector<Bytes> values_;
};

/// The compiled graph; not for programs.
namespace client {
struct RunningGraph;
}

/// A graph that was submitted. Cheap to copy; copies share the run. Any thread may call any
/// function.
class GraphRun {
 public:
  /// Used by Graph.
  /// @param graph the running graph
  explicit GraphRun(std::shared_ptr<client::RunningGraph> graph) : graph_(std::move(graph)) {}

  /// Waits for one node.
  /// @param node a node of the graph that was submitted
  /// @return its result, or why there is none; may be called again and by several threads
  /// @throws std::out_of_range for a node of another graph
  /// @throws SubmitError, ConnectionError or JobError as Job::next_completed() does
  TaskResult get(Graph::Node node) const;

  /// A future of one node, which waits when it is asked (std::launch::deferred).
  /// @param node a node of the graph that was submitted
  /// @return a future of its encoded result; get() throws JobError when the task failed
  std::future<Bytes> future(Graph::Node node) const;

  /// Waits for the whole graph.
  /// @return how it ended: the first job that did not end well, or else the last one. `done` and
  ///         `failed` count nodes.
  Outcome wait() const;

  /// Cancels what has not ended.
  void cancel() const;

  /// @return the jobs of the graph, in an order in which each needs only earlier ones
  const std::vector<Job>& jobs() const;

 private:
  std::shared_ptr<client::RunningGraph> graph_;
};

}  // namespace quern
