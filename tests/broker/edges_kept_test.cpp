// What is kept for the jobs that depend on a job, and how dependencies are shown.
#include "broker/edges_fixture.hpp"

namespace quern::broker {
namespace {

using Results = std::map<std::uint64_t, std::string>;

TEST_F(EdgesTest, results_that_were_read_and_dropped_cannot_be_taken) {
  client(c);
  worker(w);
  send(c, items_job(1, {"a"}));
  work();
  send(c, wire::Ack{uuid(1), 1, true});
  EXPECT_NE(refusal(fed(2, {edge(1)})).find("have been read by its client"), std::string::npos);
  EXPECT_EQ(refusal(fed(2, {edge(1, EdgePattern::after)})), "");
}

TEST_F(EdgesTest, results_stay_until_the_last_job_has_taken_them) {
  client(c);
  worker(w);
  wire::Submit first = items_job(1, {"a", "b"});
  first.options.intermediate = true;
  send(c, first);
  send(c, fed(2, {edge(1, EdgePattern::all)}));
  auto leases = leases_of(w);
  send(w, run(leases.at(0), wrap));
  EXPECT_GT(status_of(1).result_bytes, 0u) << "job 2 needs it with the other result";
  work();
  EXPECT_EQ(results_of(2).at(0), "2(1(a)1(b))");
  EXPECT_EQ(status_of(1).result_bytes, 0u);
}

TEST_F(EdgesTest, results_that_are_read_before_their_job_is_closed_stay_for_a_job_that_needs_all) {
  client(c);
  worker(w);
  wire::Submit first = items_job(1, {"a"});
  first.open = true;
  send(c, first);
  send(c, fed(2, {edge(1, EdgePattern::all)}));
  work();
  send(c, wire::Ack{uuid(1), 1, true});
  wire::Append rest;
  rest.job = uuid(1);
  rest.first = 1;
  rest.close = true;
  rest.batch = batch_of({"b"});
  send(c, rest);
  work();
  EXPECT_EQ(results_of(2), (Results{{0, "2(1(a)1(b))"}}));
}

TEST_F(EdgesTest, a_job_that_others_need_is_not_forgotten) {
  client(c);
  worker(w);
  wire::Submit first = items_job(1, {"a"});
  first.options.detach = true;
  first.options.ttl_s = 5;
  send(c, first);
  work();
  wire::Submit second = fed(2, {edge(1)}, "nobody");  // no worker offers it yet
  send(c, second);
  wire::Submit third = items_job(3, {"x"});
  third.edges = {edge(2, EdgePattern::after)};
  send(c, third);
  pass(60s, {&c, &w});
  EXPECT_EQ(status_of(2).state, JobState::waiting);
  send(c, wire::Cancel{5, uuid(2), {}, {}});
  pass(60s, {&c, &w});
  c.inbox.clear();
  EXPECT_NE(refusal(fed(9, {edge(1)})), "") << "job 1 is forgotten now";
}

TEST_F(EdgesTest, the_links_of_a_job_count_as_memory) {
  client(c);
  wire::TaskGraph graph;
  graph.value_sizes = {10'000};
  graph.values = wire::Buffer::adopt(Bytes(10'000, 'v'));
  graph.sources = {wire::TaskGraph::kValues};
  graph.indices = {0};
  graph.offsets = {0, 1};
  const std::uint64_t before = core.memory_used();
  send(c, graph_job(1, graph));
  EXPECT_GE(core.memory_used(), before + 10'000);
  send(c, wire::Cancel{5, uuid(1), {}, {}});
  EXPECT_LT(core.memory_used(), before + 10'000);
}

TEST_F(EdgesTest, what_a_job_waits_for_is_as_urgent_as_the_job) {
  client(c);
  send(c, items_job(1, {"slow"}));
  send(c, items_job(2, {"other"}));
  wire::Submit urgent = fed(3, {edge(2)});
  urgent.options.priority = 5;
  send(c, urgent);
  worker(w);
  std::vector<std::uint64_t> order;
  work([&](const wire::Lease& lease, std::uint64_t task, const std::string& payload) {
    order.push_back(value(lease.number));
    return wrap(lease, task, payload);
  });
  EXPECT_EQ(order, (std::vector<std::uint64_t>{2, 3, 1}));
}

TEST_F(EdgesTest, explain_names_what_a_task_waits_for) {
  client(c);
  send(c, items_job(1, {"a", "b"}));
  send(c, fed(2, {edge(1)}));
  wire::Query query;
  query.what = wire::QueryWhat::explain;
  query.job = uuid(2);
  query.token = 5;
  c.inbox.clear();
  send(c, query);
  std::string text;
  for (const auto& message : c.inbox)
    if (const auto* answer = std::get_if<wire::Answer>(&message))
      for (const auto& line : answer->text) text += line + "\n";
  EXPECT_NE(text.find("2 tasks wait for results: task 0 waits for task 0 of job 1."),
            std::string::npos)
      << text;
}

TEST_F(EdgesTest, tasks_that_wait_for_results_are_shown_as_blocked) {
  client(c);
  send(c, items_job(1, {"a", "b"}));
  send(c, fed(2, {edge(1)}));
  wire::Query query;
  query.what = wire::QueryWhat::tasks;
  query.job = uuid(2);
  query.token = 5;
  c.inbox.clear();
  send(c, query);
  std::vector<TaskSpan> spans;
  for (const auto& message : c.inbox)
    if (const auto* answer = std::get_if<wire::Answer>(&message)) spans = answer->tasks;
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_EQ(spans[0].state, TaskState::blocked);
  EXPECT_EQ(spans[0].count, 2u);
}

TEST_F(EdgesTest, producers_wait_for_slow_consumers_and_all_of_a_chain_ends_in_little_memory) {
  Config config = small_config();
  config.memory_limit = 64u << 20;  // of which a job may fill a quarter with results
  replace_core(config);
  client(c);
  worker(w);
  constexpr std::uint64_t kTasks = 200;
  wire::Submit first = items_job(1, std::vector<std::string>(kTasks, "x"));
  wire::Submit second = fed(2, {edge(1)}), third = fed(3, {edge(2)}, "late");
  for (wire::Submit* submit : {&first, &second, &third}) {
    submit->options.detach = true;
    submit->options.intermediate = submit != &third;
    send(c, *submit);
  }
  std::uint64_t most = 0;
  const auto run_to_the_end = [&](Peer& peer) {
    while (!peer.inbox.empty()) {
      wire::Message message = std::move(peer.inbox.front());
      peer.inbox.pop_front();
      const auto* lease = std::get_if<wire::Lease>(&message);
      if (!lease) continue;
      const bool small = value(lease->number) == 3;
      wire::Report report = run(*lease, [&](const wire::Lease&, std::uint64_t, const std::string&) {
        return std::optional(std::string(small ? 1 : 512u << 10, 'x'));
      });
      report.busy_us = 200'000 * wire::size(lease->tasks);  // so that leases stay small
      send(peer, report);
      most = std::max(most, core.memory_used());
    }
  };
  run_to_the_end(w);
  EXPECT_LT(status_of(1).done, kTasks) << "100 MiB in all, and nobody runs `late` yet";
  EXPECT_GT(status_of(2).done, 0u);
  Peer other;
  wire::Hello hello = worker_hello(201);
  hello.worker->functions = {{"late", Takes::item, Encoding::raw, "", false, 0, true}};
  connect(other, hello);
  for (int i = 0; i < 1000 && status_of(3).state != JobState::done; ++i) {
    run_to_the_end(other);
    run_to_the_end(w);
  }
  for (std::uint8_t id = 1; id < 4; ++id)
    EXPECT_EQ(status_of(id).state, JobState::done)
        << int{id} << ": " << status_of(id).done << " done, " << status_of(id).reason;
  // Two jobs with 16 MiB of results and two with as much input, and a little more.
  EXPECT_LT(most, 80u << 20);
}

}  // namespace
}  // namespace quern::broker
