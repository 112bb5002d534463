// Jobs that take results of others, with a worker whose results tell what they were made of.
#pragma once

#include <functional>
#include <set>

#include "broker/jobs_fixture.hpp"
#include "wire/task_graph.hpp"

namespace quern::broker {

inline JobEdge edge(std::uint8_t id, EdgePattern pattern = EdgePattern::each, bool ended = false) {
  JobEdge edge;
  edge.uuid = uuid(id);
  edge.pattern = pattern;
  edge.ended = ended;
  return edge;
}

inline wire::Submit fed(std::uint8_t id, const std::vector<JobEdge>& edges,
                        std::string function = "echo") {
  wire::Submit submit;
  submit.job = uuid(id);
  submit.function = std::move(function);
  submit.input = InputKind::items;
  submit.edges = edges;
  return submit;
}

/// A job whose tasks need the results of earlier tasks of the same job.
inline wire::Submit graph_job(std::uint8_t id, const wire::TaskGraph& graph,
                              std::vector<JobEdge> edges = {}) {
  wire::Submit submit = fed(id, edges);
  submit.has_links = true;
  submit.links = wire::encode(graph);
  return submit;
}

class EdgesTest : public JobsTest {
 protected:
  /// What the worker makes of a task; nullopt: it fails.
  using Function = std::function<std::optional<std::string>(
      const wire::Lease& lease, std::uint64_t task, const std::string& payload)>;

  /// `echo` of the job and the payload: "2(x)" for task x of job 2.
  static std::optional<std::string> wrap(const wire::Lease& lease, std::uint64_t,
                                         const std::string& payload) {
    return std::to_string(value(lease.number)) + "(" + payload + ")";
  }

  static wire::Report run(const wire::Lease& lease, const Function& function) {
    wire::Report report{{lease.lease, 0}, true, false, {}, {}, {}, 10, {}};
    wire::BatchBuilder builder;
    wire::BatchReader reader(lease.batch);
    wire::IntervalSet done;
    for (const auto& tasks : lease.tasks) {
      for (std::uint64_t task = tasks.begin; task < tasks.end; ++task) {
        const std::string payload(reader.next());
        if (const auto result = function(lease, task, payload)) {
          builder.add(*result);
          done.add({task, task + 1});
        } else {
          report.errors.push_back({task, 1, ErrorCode::permanent, "boom"});
        }
      }
    }
    report.tasks = done.list();
    report.batch = builder.take();
    return report;
  }
  void work(const Function& function = wrap) {
    serve([&](const wire::Lease& lease) { return run(lease, function); });
  }

  /// The results and errors of a job so far, by task.
  std::map<std::uint64_t, std::string> results_of(std::uint8_t id) {
    std::map<std::uint64_t, std::string> out;
    for (const auto& message : c.inbox) {
      const auto* results = std::get_if<wire::Results>(&message);
      if (!results || results->job != uuid(id)) continue;
      wire::BatchReader reader(results->batch);
      for (const auto& tasks : results->tasks)
        for (std::uint64_t task = tasks.begin; task < tasks.end; ++task)
          out[task] = std::string(reader.next());
      for (const auto& error : results->errors)
        for (std::uint64_t i = 0; i < error.count; ++i)
          out[error.first + i] = "! " + std::string(to_string(error.code)) + ": " + error.text;
    }
    return out;
  }
  JobStatus status_of(std::uint8_t id) {
    std::optional<JobStatus> status;
    Peer peer;
    client(peer, 250);
    wire::Query query;
    query.what = wire::QueryWhat::job;
    query.job = uuid(id);
    query.token = 5;
    send(peer, query);
    for (const auto& message : peer.inbox)
      if (const auto* answer = std::get_if<wire::Answer>(&message); answer && !answer->jobs.empty())
        status = answer->jobs.front();
    send(peer, wire::Bye{});
    peers.erase(peer.id);
    EXPECT_TRUE(status) << "the job is unknown";
    return status.value_or(JobStatus{});
  }
  /// Why a job is refused; empty if it is not.
  std::string refusal(const wire::Submit& submit) {
    c.inbox.clear();
    send(c, submit);
    for (const auto& message : c.inbox)
      if (const auto* error = std::get_if<wire::ErrorMessage>(&message)) return error->text;
    return {};
  }
};

}  // namespace quern::broker
