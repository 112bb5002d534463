// Results that never come: failed and cancelled tasks reach the jobs that need them, and a retry
// revives those.
#include "broker/edges_fixture.hpp"

namespace quern::broker {
namespace {

TEST_F(EdgesTest, a_failed_task_fails_the_tasks_that_need_it_and_names_the_culprit) {
  client(c);
  worker(w);
  send(c, items_job(1, {"a", "bad", "c"}));
  send(c, fed(2, {edge(1)}));
  send(c, fed(3, {edge(2)}));
  work([](const wire::Lease& lease, std::uint64_t task, const std::string& payload) {
    return payload == "bad" ? std::nullopt : wrap(lease, task, payload);
  });
  const auto results = results_of(3);
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results.at(0), "3(2(1(a)))");
  EXPECT_EQ(results.at(1), "! upstream_failed: task 1 of job 1 failed: boom");
  EXPECT_EQ(results.at(2), "3(2(1(c)))");
  EXPECT_EQ(status_of(3).state, JobState::failed);
  EXPECT_EQ(status_of(3).failed, 1u);
}

TEST_F(EdgesTest, with_ended_the_error_takes_the_place_of_the_result) {
  client(c);
  worker(w);
  send(c, items_job(1, {"a", "bad"}));
  send(c, fed(2, {edge(1, EdgePattern::each, true)}));
  work([](const wire::Lease& lease, std::uint64_t task, const std::string& payload) {
    return payload == "bad" ? std::nullopt : wrap(lease, task, payload);
  });
  const auto results = results_of(2);
  EXPECT_EQ(results.at(0), "2(1(a))");
  EXPECT_EQ(results.at(1), "2(error: task 1 of job 1: permanent: boom\n)");
  EXPECT_EQ(status_of(2).state, JobState::done);
}

TEST_F(EdgesTest, a_cancelled_job_fails_what_needs_its_results) {
  client(c);
  worker(w);
  send(c, items_job(1, {"a", "b"}));
  send(c, fed(2, {edge(1)}));
  send(c, wire::Cancel{5, uuid(1), {}, {}});
  EXPECT_EQ(status_of(2).state, JobState::failed);
  EXPECT_NE(results_of(2).at(0).find("upstream_failed: job 1 was cancelled"), std::string::npos);
}

TEST_F(EdgesTest, cancelled_tasks_fail_only_what_needs_them) {
  client(c);
  send(c, items_job(1, {"a", "b", "c"}));
  send(c, fed(2, {edge(1)}));
  send(c, wire::Cancel{5, uuid(1), {}, {{1, 2}}});
  worker(w);
  work();
  const auto results = results_of(2);
  EXPECT_EQ(results.at(0), "2(1(a))");
  EXPECT_EQ(results.at(1), "! upstream_failed: task 1 of job 1 was cancelled");
  EXPECT_EQ(results.at(2), "2(1(c))");
}

TEST_F(EdgesTest, blocked_tasks_can_be_cancelled) {
  client(c);
  send(c, items_job(1, {"a", "b"}));
  send(c, fed(2, {edge(1)}));
  worker(w);
  EXPECT_EQ(status_of(2).blocked, 2u);
  send(c, wire::Cancel{5, uuid(2), {}, {{1, 2}}});
  EXPECT_EQ(status_of(2).blocked, 1u);
  work();
  EXPECT_EQ(results_of(2).at(0), "2(1(a))");
  EXPECT_EQ(status_of(2).state, JobState::cancelled);
}

TEST_F(EdgesTest, a_tree_of_jobs_is_cancelled_as_one) {
  client(c);
  send(c, items_job(1, {"a"}));
  send(c, fed(2, {edge(1)}));
  send(c, fed(3, {edge(2, EdgePattern::after)}));
  send(c, items_job(4, {"other"}));
  wire::Cancel cancel{5, uuid(1), {}, {}};
  cancel.tree = true;
  cancel.dry_run = true;
  c.inbox.clear();
  send(c, cancel);
  EXPECT_EQ(last_update().touched, 2u) << "one task each of the jobs 1 and 2; job 3 has none yet";
  cancel.dry_run = false;
  send(c, cancel);
  for (const std::uint8_t id : std::vector<std::uint8_t>{1, 2, 3})
    EXPECT_EQ(status_of(id).state, JobState::cancelled);
  EXPECT_EQ(status_of(4).state, JobState::waiting);
}

TEST_F(EdgesTest, winding_down_cancels_blocked_tasks_too) {
  client(c);
  send(c, items_job(1, {"a", "b"}));
  send(c, fed(2, {edge(1)}));
  worker(w);
  wire::Cancel cancel{5, uuid(2), {}, {}};
  cancel.waiting = true;
  send(c, cancel);
  EXPECT_EQ(status_of(2).state, JobState::cancelled);
  work();
  EXPECT_EQ(status_of(1).state, JobState::done);
}

TEST_F(EdgesTest, a_function_that_takes_its_whole_input_fails_if_a_part_is_missing) {
  client(c);
  worker(w);
  send(c, items_job(1, {"b", "bad"}));
  send(c, fed(2, {edge(1)}, "sort"));
  work([](const wire::Lease& lease, std::uint64_t task, const std::string& payload) {
    return payload == "bad" ? std::nullopt : wrap(lease, task, payload);
  });
  EXPECT_EQ(status_of(2).state, JobState::failed);
  EXPECT_EQ(status_of(2).failure, ErrorCode::upstream_failed);
}

TEST_F(EdgesTest, a_retried_task_revives_what_waited_for_it) {
  client(c);
  worker(w);
  wire::Submit first = items_job(1, {"a", "bad"});
  first.options.detach = true;
  send(c, first);
  send(c, fed(2, {edge(1)}));
  JobEdge pair = edge(2, EdgePattern::all);
  send(c, fed(3, {pair}));
  bool broken = true;
  const Function function = [&](const wire::Lease& lease, std::uint64_t task,
                                const std::string& payload) {
    return broken && payload == "bad" ? std::nullopt : wrap(lease, task, payload);
  };
  work(function);
  EXPECT_EQ(status_of(3).state, JobState::failed);
  broken = false;
  wire::Retry retry;
  retry.token = 5;
  retry.job = uuid(2);
  c.inbox.clear();
  send(c, retry);
  ASSERT_FALSE(c.inbox.empty());
  EXPECT_NE(expect<wire::ErrorMessage>(c).text.find("need results of tasks that failed"),
            std::string::npos);
  retry.job = uuid(1);
  send(c, retry);
  work(function);
  EXPECT_EQ(status_of(2).state, JobState::done);
  EXPECT_EQ(status_of(3).state, JobState::done);
  EXPECT_EQ(results_of(3).at(0), "3(2(1(a))2(1(bad)))");
}

TEST_F(EdgesTest, after_a_failure_nothing_runs_unless_any_end_will_do) {
  client(c);
  worker(w);
  send(c, items_job(1, {"bad"}));
  wire::Submit second = items_job(2, {"b"});
  second.edges = {edge(1, EdgePattern::after)};
  send(c, second);
  wire::Submit third = items_job(3, {"c"});
  third.edges = {edge(1, EdgePattern::after, true)};
  send(c, third);
  bool broken = true;
  const Function function = [&](const wire::Lease& lease, std::uint64_t task,
                                const std::string& payload) {
    return broken && payload == "bad" ? std::nullopt : wrap(lease, task, payload);
  };
  work(function);
  EXPECT_EQ(status_of(2).state, JobState::failed);
  EXPECT_NE(results_of(2).at(0).find("upstream_failed: job 1 failed"), std::string::npos);
  EXPECT_EQ(status_of(3).state, JobState::done);

  broken = false;
  wire::Retry retry;
  retry.token = 5;
  retry.job = uuid(1);
  send(c, retry);
  EXPECT_EQ(status_of(2).state, JobState::waiting) << "it waits again";
  work(function);
  EXPECT_EQ(status_of(2).state, JobState::done);
  EXPECT_EQ(results_of(2).at(0), "2(b)");
}

TEST_F(EdgesTest, a_streamed_job_fails_after_another_only_with_its_whole_input_and_is_revived) {
  client(c);
  worker(w);
  send(c, items_job(1, {"bad"}));
  wire::Submit second = items_job(2, {"b"});
  second.open = true;
  second.edges = {edge(1, EdgePattern::after)};
  send(c, second);
  bool broken = true;
  const Function function = [&](const wire::Lease& lease, std::uint64_t task,
                                const std::string& payload) {
    return broken && payload == "bad" ? std::nullopt : wrap(lease, task, payload);
  };
  work(function);
  EXPECT_EQ(status_of(2).state, JobState::waiting);
  wire::Append rest;
  rest.job = uuid(2);
  rest.first = 1;
  rest.close = true;
  rest.batch = batch_of({"c"});
  send(c, rest);
  EXPECT_EQ(status_of(2).state, JobState::failed);
  broken = false;
  wire::Retry retry;
  retry.token = 5;
  retry.job = uuid(1);
  send(c, retry);
  work(function);
  EXPECT_EQ(status_of(2).state, JobState::done);
  EXPECT_EQ(status_of(2).done, 2u);
}

TEST_F(EdgesTest, very_many_failures_are_delivered_in_entries_that_fit_a_message) {
  client(c);
  worker(w);
  wire::TaskGraph graph;  // every second task of 4000 needs task 0
  graph.offsets = {0, 0};
  for (std::uint32_t task = 1; task < 4000; ++task) {
    if (task % 2 == 0) graph.indices.push_back(0);
    graph.offsets.push_back(static_cast<std::uint32_t>(graph.indices.size()));
  }
  send(c, graph_job(1, graph));
  work([](const wire::Lease&, std::uint64_t task, const std::string&) {
    return task == 0 ? std::nullopt : std::optional<std::string>("x");
  });
  const auto results = results_of(1);
  EXPECT_EQ(results.size(), 4000u);
  EXPECT_EQ(status_of(1).failed, 2000u);
}

}  // namespace
}  // namespace quern::broker
