// Jobs that take results of other jobs, or wait for them.
#include "broker/edges_fixture.hpp"

namespace quern::broker {
namespace {

using Results = std::map<std::uint64_t, std::string>;

TEST_F(EdgesTest, each_result_becomes_a_task_of_the_next_job) {
  client(c);
  worker(w);
  send(c, items_job(1, {"a", "b", "c"}));
  send(c, fed(2, {edge(1)}));
  work();
  EXPECT_EQ(results_of(2), (Results{{0, "2(1(a))"}, {1, "2(1(b))"}, {2, "2(1(c))"}}));
  EXPECT_EQ(status_of(2).state, JobState::done);
}

TEST_F(EdgesTest, a_job_begins_while_the_job_before_it_runs) {
  client(c);
  worker(w);
  send(c, items_job(1, {"a", "b"}));
  send(c, fed(2, {edge(1)}));
  auto leases = leases_of(w);
  ASSERT_EQ(leases.size(), 1u);
  ASSERT_EQ(wire::size(leases[0].tasks), 1u) << "the first lease measures the speed";
  send(w, run(leases[0], wrap));
  leases = leases_of(w);
  std::set<std::uint64_t> jobs;
  for (const auto& lease : leases) jobs.insert(value(lease.number));
  EXPECT_TRUE(jobs.contains(2)) << "task 0 of job 2 does not wait for task 1 of job 1";
}

TEST_F(EdgesTest, a_job_that_is_submitted_later_takes_results_that_are_there) {
  client(c);
  worker(w);
  wire::Submit first = items_job(1, {"a", "b"});
  first.options.detach = true;
  send(c, first);
  work();
  send(c, fed(2, {edge(1)}));
  work();
  EXPECT_EQ(results_of(2), (Results{{0, "2(1(a))"}, {1, "2(1(b))"}}));
}

TEST_F(EdgesTest, a_range_feeds_a_job_of_items) {
  client(c);
  worker(w);
  send(c, range_job(1, 5, 8, "square"));
  send(c, fed(2, {edge(1)}, "square"));
  serve([&](const wire::Lease& lease) {
    return run(lease, [](const wire::Lease& of, std::uint64_t task, const std::string&) {
      return std::string(1, static_cast<char>(value(of.number) * 10 + task));
    });
  });
  EXPECT_EQ(results_of(2).size(), 3u);
  EXPECT_EQ(status_of(2).state, JobState::done);
}

TEST_F(EdgesTest, an_open_job_feeds_the_next_one_as_it_grows) {
  client(c);
  worker(w);
  wire::Submit open = items_job(1, {"a"});
  open.open = true;
  send(c, open);
  send(c, fed(2, {edge(1)}));
  work();
  EXPECT_EQ(results_of(2), (Results{{0, "2(1(a))"}}));
  EXPECT_TRUE(status_of(2).open);
  wire::Append more;
  more.job = uuid(1);
  more.first = 1;
  more.close = true;
  more.batch = batch_of({"b"});
  send(c, more);
  work();
  EXPECT_EQ(results_of(2), (Results{{0, "2(1(a))"}, {1, "2(1(b))"}}));
  EXPECT_EQ(status_of(2).state, JobState::done);
}

TEST_F(EdgesTest, groups_take_several_results_in_order) {
  client(c);
  worker(w);
  send(c, items_job(1, {"a", "b", "c", "d", "e"}));
  JobEdge pairs = edge(1, EdgePattern::group);
  pairs.width = pairs.step = 2;
  send(c, fed(2, {pairs}));
  work([](const wire::Lease& lease, std::uint64_t, const std::string& payload) {
    return value(lease.number) == 1 ? payload : "<" + payload + ">";
  });
  EXPECT_EQ(results_of(2), (Results{{0, "<ab>"}, {1, "<cd>"}, {2, "<e>"}}));
}

TEST_F(EdgesTest, all_results_are_one_task) {
  client(c);
  worker(w);
  send(c, items_job(1, {"a", "b", "c"}));
  send(c, fed(2, {edge(1, EdgePattern::all)}));
  wire::Submit array = fed(3, {edge(1, EdgePattern::all)});
  array.join = Join::array;
  send(c, array);
  std::string payload_of_3;
  work([&](const wire::Lease& lease, std::uint64_t, const std::string& payload) {
    if (value(lease.number) == 3) payload_of_3 = payload;
    return payload;
  });
  EXPECT_EQ(results_of(2), (Results{{0, "abc"}}));
  EXPECT_EQ(payload_of_3.substr(0, 5), std::string("\xdd\0\0\0\3", 5)) << "an array of three";
}

TEST_F(EdgesTest, all_takes_the_value_of_a_job_with_a_reducer) {
  client(c);
  worker(w);
  send(c, range_job(1, 0, 5));
  send(c, fed(2, {edge(1, EdgePattern::all)}, "square"));
  std::string payload;
  serve([&](const wire::Lease& lease) {
    if (value(lease.number) == 1) return sum(lease);
    payload = std::string(wire::BatchReader(lease.batch).next());
    return echo(lease);
  });
  EXPECT_EQ(payload, std::string("\xdd\0\0\0\1\x0a", 6)) << "an array with the sum 10";
  EXPECT_EQ(status_of(2).state, JobState::done);
}

TEST_F(EdgesTest, each_of_a_job_with_a_reducer_is_refused_or_fails) {
  client(c);
  worker(w);
  send(c, range_job(1, 0, 5));
  EXPECT_NE(refusal(fed(2, {edge(1)}, "square")).find("use the pattern `all`"), std::string::npos);
}

TEST_F(EdgesTest, a_function_that_takes_its_whole_input_gets_all_results) {
  client(c);
  worker(w);
  send(c, items_job(1, {"b", "a"}));
  send(c, fed(2, {edge(1)}, "sort"));
  std::string payload;
  work([&](const wire::Lease& lease, std::uint64_t, const std::string& given) {
    if (value(lease.number) == 2) payload = given;
    return given;
  });
  EXPECT_EQ(payload, "b\na\n");
  EXPECT_EQ(status_of(2).state, JobState::done);
}

wire::TaskGraph tree_of_four() {
  wire::TaskGraph graph;  // tasks 0 to 3 are values; 4 = 0 + 1, 5 = 2 + 3, 6 = 4 + 5
  graph.offsets = {0, 1, 2, 3, 4, 6, 8, 10};
  graph.sources = {1, 1, 1, 1, 0, 0, 0, 0, 0, 0};
  graph.indices = {0, 1, 2, 3, 0, 1, 2, 3, 4, 5};
  graph.value_sizes = {1, 1, 1, 1};
  graph.values = wire::Buffer::copy("abcd");
  return graph;
}

TEST_F(EdgesTest, a_graph_of_tasks_runs_in_the_order_of_its_links) {
  client(c);
  worker(w);
  send(c, graph_job(1, tree_of_four()));
  work([](const wire::Lease&, std::uint64_t task, const std::string& payload) {
    return task < 4 ? payload : "(" + payload + ")";
  });
  EXPECT_EQ(results_of(1).at(6), "((ab)(cd))");
  EXPECT_EQ(status_of(1).state, JobState::done);
}

TEST_F(EdgesTest, with_first_a_task_gets_one_result_and_waits_for_the_others) {
  client(c);
  worker(w);
  wire::TaskGraph graph;  // task 1 runs the value "y" after task 0
  graph.offsets = {0, 1, 3};
  graph.sources = {1, 1, 0};
  graph.indices = {0, 1, 0};
  graph.value_sizes = {1, 1};
  graph.values = wire::Buffer::copy("xy");
  wire::Submit submit = graph_job(1, graph);
  submit.join = Join::first;
  send(c, submit);
  std::string order;
  work([&](const wire::Lease&, std::uint64_t, const std::string& payload) {
    order += payload;
    return payload;
  });
  EXPECT_EQ(order, "xy");
}

TEST_F(EdgesTest, a_graph_takes_results_of_other_jobs) {
  client(c);
  worker(w);
  send(c, items_job(1, {"a", "b"}));
  wire::TaskGraph graph;  // one task: b of job 1, then a
  graph.offsets = {0, 2};
  graph.sources = {2, 2};
  graph.indices = {1, 0};
  send(c, graph_job(2, graph, {edge(1, EdgePattern::list)}));
  work([](const wire::Lease&, std::uint64_t, const std::string& payload) { return payload; });
  EXPECT_EQ(results_of(2), (Results{{0, "ba"}}));
}

TEST_F(EdgesTest, a_failure_in_a_graph_reaches_everything_behind_it) {
  client(c);
  worker(w);
  send(c, graph_job(1, tree_of_four()));
  work([](const wire::Lease&, std::uint64_t task, const std::string& payload) {
    return task == 2 ? std::nullopt : std::optional(payload);
  });
  const auto results = results_of(1);
  EXPECT_EQ(results.at(4), "ab");
  EXPECT_EQ(results.at(5), "! upstream_failed: task 2 of job 1 failed: boom");
  EXPECT_EQ(results.at(6), "! upstream_failed: task 2 of job 1 failed: boom");
  EXPECT_EQ(status_of(1).failed, 3u);
}

TEST_F(EdgesTest, after_waits_for_the_end) {
  client(c);
  worker(w, 200, 2);
  send(c, items_job(1, {"a"}));
  wire::Submit second = items_job(2, {"b"});
  second.edges = {edge(1, EdgePattern::after)};
  send(c, second);
  auto leases = leases_of(w);
  ASSERT_EQ(leases.size(), 1u);
  EXPECT_EQ(value(leases[0].number), 1u);
  EXPECT_EQ(status_of(2).reason, "it starts after job 1");
  send(w, run(leases[0], wrap));
  leases = leases_of(w);
  ASSERT_EQ(leases.size(), 1u) << "it is leased at once";
  EXPECT_EQ(value(leases[0].number), 2u);
}

TEST_F(EdgesTest, bad_edges_are_refused_with_the_reason) {
  client(c);
  send(c, items_job(1, {"a", "b"}));
  wire::Submit open = items_job(2, {"a"});
  open.open = true;
  send(c, open);
  EXPECT_NE(refusal(fed(9, {edge(77)})).find("unknown"), std::string::npos);
  JobEdge later;
  later.number = JobNumber{77};
  EXPECT_NE(refusal(fed(9, {later})).find("job 77 is unknown"), std::string::npos);
  wire::TaskGraph graph;
  graph.offsets = {0, 1};
  graph.sources = {2};
  graph.indices = {2};
  EXPECT_NE(refusal(graph_job(9, graph, {edge(1, EdgePattern::list)})).find("the job has 2 tasks"),
            std::string::npos);
  graph.indices = {0};
  EXPECT_NE(refusal(graph_job(9, graph, {edge(2, EdgePattern::list)})).find("still open"),
            std::string::npos);
  wire::Submit submit = graph_job(9, graph);
  submit.links = wire::Buffer::copy("nonsense");
  EXPECT_NE(refusal(submit).find("links"), std::string::npos);
  EXPECT_EQ(refusal(fed(9, {edge(1)})), "");
}

TEST_F(EdgesTest, nobody_appends_to_a_job_that_takes_results) {
  client(c);
  send(c, items_job(1, {"a"}));
  send(c, fed(2, {edge(1)}));
  wire::Append append;
  append.job = uuid(2);
  append.close = true;
  append.batch = batch_of({"foreign"});
  for (const std::uint64_t token : {0u, 7u}) {
    append.token = token;
    c.inbox.clear();
    send(c, append);
    EXPECT_NE(expect<wire::ErrorMessage>(c).text.find("takes the results of other jobs"),
              std::string::npos);
  }
  worker(w);
  work();
  EXPECT_EQ(results_of(2), (Results{{0, "2(1(a))"}}));
}

TEST_F(EdgesTest, an_idempotency_key_knows_the_edges) {
  client(c);
  send(c, items_job(1, {"a"}));
  send(c, items_job(2, {"b"}));
  wire::Submit first = fed(3, {edge(1)});
  first.options.unique = "key";
  EXPECT_EQ(refusal(first), "");
  wire::Submit same = fed(4, {edge(1)});
  same.options.unique = "key";
  EXPECT_EQ(refusal(same), "");
  wire::Submit other = fed(5, {edge(2)});
  other.options.unique = "key";
  EXPECT_NE(refusal(other).find("has a different function or input"), std::string::npos);
}

TEST_F(EdgesTest, a_graph_takes_results_of_a_graph_that_still_runs) {
  client(c);
  send(c, graph_job(1, tree_of_four()));
  wire::TaskGraph graph;
  graph.offsets = {0, 1};
  graph.sources = {2};
  graph.indices = {6};
  EXPECT_EQ(refusal(graph_job(2, graph, {edge(1, EdgePattern::list)})), "");
  worker(w);
  work([](const wire::Lease&, std::uint64_t, const std::string& payload) { return payload; });
  EXPECT_EQ(results_of(2), (Results{{0, "abcd"}}));
}

TEST_F(EdgesTest, tasks_that_become_ready_one_by_one_share_a_lease) {
  client(c);
  worker(w);
  wire::TaskGraph graph;  // task 100 + i needs the tasks 99 - i and i: not in their order
  for (std::uint32_t task = 0; task < 200; ++task) {
    if (task >= 100) graph.indices.insert(graph.indices.end(), {199 - task, task - 100});
    if (task > 0 || graph.offsets.size() == 1)
      graph.offsets.push_back(static_cast<std::uint32_t>(graph.indices.size()));
  }
  send(c, graph_job(1, graph));
  std::size_t leases = 0;
  work([&](const wire::Lease&, std::uint64_t, const std::string&) {
    return std::optional<std::string>("x");
  });
  for (const auto& message : c.inbox)
    if (const auto* results = std::get_if<wire::Results>(&message))
      leases += results->tasks.empty() ? 0 : 1;
  EXPECT_EQ(status_of(1).done, 200u);
  EXPECT_LT(leases, 60u);
}

TEST_F(EdgesTest, a_chain_of_ten_thousand_jobs_ends) {
  client(c);
  worker(w);
  constexpr std::uint64_t kJobs = 10'000;
  const auto id = [](std::uint64_t n) {
    Uuid uuid{};
    for (int i = 0; i < 8; ++i)
      uuid.bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(n >> (8 * i));
    uuid.bytes[15] = 1;
    return uuid;
  };
  for (std::uint64_t n = 1; n <= kJobs; ++n) {
    wire::Submit submit = n == 1 ? items_job(1, {"0"}) : fed(1, {edge(1)});
    submit.job = id(n);
    if (n > 1) submit.edges[0].uuid = id(n - 1);
    submit.window = 0;
    submit.options.intermediate = true;
    Effects effects;
    core.on_message(c.id, c.user, {c.session, submit}, now);
    core.settle(now);
    core.take_effects(effects);
    for (auto& effect : effects)
      if (auto* message = std::get_if<Send>(&effect); message && message->peer == w.id)
        w.inbox.push_back(message->message);
  }
  std::uint64_t done = 0;
  while (!w.inbox.empty()) {
    auto* lease = std::get_if<wire::Lease>(&w.inbox.front());
    if (lease) {
      const wire::Report report =
          run(*lease, [](const wire::Lease&, std::uint64_t, const std::string& payload) {
            return std::to_string(std::stoull(payload) + 1);
          });
      ++done;
      Effects effects;
      core.on_message(w.id, w.user, {w.session, report}, now);
      core.settle(now);
      core.take_effects(effects);
      for (auto& effect : effects)
        if (auto* message = std::get_if<Send>(&effect); message && message->peer == w.id)
          w.inbox.push_back(message->message);
    }
    w.inbox.pop_front();
  }
  EXPECT_EQ(done, kJobs);
  core.check_invariants();
}

}  // namespace
}  // namespace quern::broker
