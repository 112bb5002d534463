// A retry of failed tasks, and what it revives: also when results are gone, when several jobs are
// waited for, and along very long chains.
#include <numeric>

#include "broker/edges_fixture.hpp"

namespace quern::broker {
namespace {

class EdgesRetryTest : public EdgesTest {
 protected:
  std::set<std::string> broken{"bad"};  ///< payloads of which tasks fail
  std::size_t padding = 0;              ///< bytes that are added to each result of job 1

  void run_all() {
    serve([this](const wire::Lease& lease) {
      wire::Report report =
          run(lease, [this](const wire::Lease& of, std::uint64_t task, const std::string& payload) {
            return broken.contains(payload)               ? std::nullopt
                   : padding > 0 && value(of.number) == 1 ? std::optional(std::string(padding, 'x'))
                                                          : wrap(of, task, payload.substr(0, 100));
          });
      report.busy_us = 200'000 * wire::size(lease.tasks);  // so that leases stay small
      return report;
    });
  }
  void submit(wire::Submit job) {
    job.options.detach = true;
    send(c, job);
  }
  void retry(std::uint8_t id) {
    wire::Retry retry;
    retry.token = 5;
    retry.job = uuid(id);
    send(c, retry);
    run_all();
  }
};

TEST_F(EdgesRetryTest, results_that_only_others_take_are_there_for_a_retry) {
  client(c);
  worker(w);
  wire::Submit first = items_job(1, {"a", "bad", "c"});
  first.options.intermediate = true;
  submit(first);
  submit(fed(2, {edge(1, EdgePattern::all)}));
  run_all();
  ASSERT_EQ(status_of(2).state, JobState::failed);
  broken.clear();
  retry(1);
  EXPECT_EQ(status_of(2).state, JobState::done);
  EXPECT_EQ(results_of(2).at(0), "2(1(a)1(bad)1(c))");
}

TEST_F(EdgesRetryTest, large_results_are_there_for_a_retry_too) {
  client(c);
  worker(w);
  padding = 512u << 10;
  std::vector<std::string> payloads(30, "x");
  payloads.front() = "bad";
  wire::Submit first = items_job(1, payloads);
  first.options.intermediate = true;
  submit(first);
  submit(fed(2, {edge(1, EdgePattern::all)}));
  run_all();
  ASSERT_EQ(status_of(2).state, JobState::failed);
  broken.clear();
  retry(1);
  EXPECT_EQ(status_of(1).state, JobState::done);
  EXPECT_EQ(status_of(2).state, JobState::done);
}

TEST_F(EdgesRetryTest, a_job_that_was_cancelled_stays_cancelled) {
  client(c);
  worker(w);
  submit(items_job(1, {"a", "bad"}));
  submit(fed(2, {edge(1)}));
  send(c, wire::Cancel{5, uuid(2), {}, {}});
  run_all();
  broken.clear();
  retry(1);
  EXPECT_EQ(status_of(1).state, JobState::done);
  EXPECT_EQ(status_of(2).state, JobState::cancelled);
}

TEST_F(EdgesRetryTest, a_job_after_two_others_waits_until_both_are_done) {
  client(c);
  worker(w);
  submit(items_job(1, {"bad"}));
  submit(items_job(2, {"also bad"}));
  broken.insert("also bad");
  wire::Submit third = items_job(3, {"x"});
  third.edges = {edge(1, EdgePattern::after), edge(2, EdgePattern::after)};
  submit(third);
  run_all();
  ASSERT_EQ(status_of(3).state, JobState::failed);
  broken.erase("also bad");
  retry(2);
  EXPECT_EQ(status_of(2).state, JobState::done);
  EXPECT_EQ(status_of(3).state, JobState::failed) << "job 1 has failed";
  EXPECT_EQ(status_of(3).done, 0u);
  broken.clear();
  retry(1);
  EXPECT_EQ(status_of(3).state, JobState::done);
}

TEST_F(EdgesRetryTest, a_job_that_takes_results_of_one_waits_for_the_other) {
  client(c);
  worker(w);
  submit(items_job(1, {"a", "bad", "c"}));
  submit(items_job(2, {"also bad"}));
  broken.insert("also bad");
  submit(fed(3, {edge(1), edge(2, EdgePattern::after)}));
  run_all();
  ASSERT_EQ(status_of(3).state, JobState::failed);
  broken.erase("bad");
  retry(1);
  EXPECT_EQ(status_of(3).state, JobState::failed) << "job 2 has failed";
  EXPECT_EQ(status_of(3).done, 0u);
  broken.clear();
  retry(2);
  EXPECT_EQ(status_of(3).state, JobState::done) << status_of(3).reason;
  EXPECT_EQ(status_of(3).done, 3u);
}

TEST_F(EdgesRetryTest, a_retry_reaches_the_end_of_a_very_long_chain) {
  client(c);
  worker(w);
#ifdef __SANITIZE_ADDRESS__
  constexpr std::uint32_t kJobs = 2'000;  // which takes long enough
#else
  constexpr std::uint32_t kJobs = 20'000;
#endif
  const auto id = [](std::uint32_t number) {
    Uuid uuid;
    for (std::size_t i = 0; i < 4; ++i)
      uuid.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
    uuid.bytes[15] = 1;
    return uuid;
  };
  // Without the checks of send() after each step, which take long with so many jobs.
  const auto hand_in = [&](Peer& peer, const wire::Message& message) {
    Effects effects;
    core.on_message(peer.id, peer.user, {peer.session, message}, now);
    core.settle(now);
    core.take_effects(effects);
    for (auto& effect : effects)
      if (auto* sent = std::get_if<Send>(&effect); sent && sent->peer == w.id)
        w.inbox.push_back(sent->message);
  };
  const auto run_leases = [&](const Function& function) {
    std::uint32_t leases = 0;
    for (; !w.inbox.empty(); w.inbox.pop_front())
      if (auto* lease = std::get_if<wire::Lease>(&w.inbox.front())) {
        const wire::Lease taken = *lease;
        hand_in(w, run(taken, function));
        ++leases;
      }
    return leases;
  };
  for (std::uint32_t number = 0; number < kJobs; ++number) {
    wire::Submit submit = number == 0 ? items_job(1, {"a"}) : fed(1, {edge(1)});
    submit.job = id(number);
    if (number > 0) submit.edges[0].uuid = id(number - 1);
    submit.options.detach = true;
    hand_in(c, submit);
  }
  run_leases([](const wire::Lease&, std::uint64_t, const std::string&) { return std::nullopt; });
  wire::Retry retry;
  retry.job = id(0);
  retry.token = 5;
  hand_in(c, retry);
  EXPECT_EQ(run_leases([](const wire::Lease&, std::uint64_t, const std::string& payload) {
              return std::optional(payload);
            }),
            kJobs);
  core.check_invariants();
}

TEST_F(EdgesRetryTest, a_range_of_very_many_tasks_is_not_gathered) {
  client(c);
  worker(w);
  wire::Submit range;
  range.job = uuid(1);
  range.function = "echo";
  range.input = InputKind::range;
  range.range_end = 1'000'000'000'000;
  submit(range);
  JobEdge pairs = edge(1, EdgePattern::group);
  pairs.width = pairs.step = 2;
  submit(fed(2, {pairs}));
  submit(fed(3, {edge(1, EdgePattern::all)}));
  settle();
  for (std::uint8_t id = 2; id < 4; ++id) {
    EXPECT_EQ(status_of(id).state, JobState::failed);
    EXPECT_NE(status_of(id).reason.find("--memory-limit"), std::string::npos);
  }
  wire::TaskGraph graph;
  graph.offsets = {0, 1};
  graph.sources = {wire::TaskGraph::kEdges};
  graph.indices = {4'000'000'000};
  EXPECT_NE(refusal(graph_job(4, graph, {edge(1, EdgePattern::list)})).find("--memory-limit"),
            std::string::npos);
}

TEST_F(EdgesRetryTest, groups_that_would_take_very_many_results_are_refused) {
  client(c);
  worker(w);
  submit(items_job(1, std::vector<std::string>(20'000, "x")));
  JobEdge wide = edge(1, EdgePattern::group);
  wide.width = 10'000;
  wide.step = 1;
  submit(fed(2, {wide}));
  run_all();
  EXPECT_EQ(status_of(2).state, JobState::failed);
  EXPECT_NE(status_of(2).reason.find("larger step"), std::string::npos) << status_of(2).reason;
}

TEST_F(EdgesRetryTest, a_large_value_of_a_graph_is_not_copied_for_all_its_tasks_at_once) {
  client(c);
  constexpr std::uint32_t kTasks = 500;
  wire::TaskGraph graph;
  graph.value_sizes = {1u << 20};
  graph.values = wire::Buffer::adopt(Bytes(1u << 20, 'v'));
  graph.sources.assign(kTasks, wire::TaskGraph::kValues);
  graph.indices.assign(kTasks, 0);
  graph.offsets.assign(kTasks + 1, 0);
  std::iota(graph.offsets.begin(), graph.offsets.end(), 0u);
  const std::uint64_t before = core.memory_used();
  submit(graph_job(1, graph));
  settle();
  EXPECT_LT(core.memory_used() - before, 64u << 20);
  worker(w);
  std::size_t done = 0;
  work([&](const wire::Lease&, std::uint64_t, const std::string& payload) {
    done += payload.size() == 1u << 20 ? 1 : 0;
    return std::optional<std::string>("x");
  });
  EXPECT_EQ(done, kTasks);
  EXPECT_EQ(status_of(1).state, JobState::done);
}

TEST_F(EdgesRetryTest, a_job_that_starts_later_does_not_hold_back_what_it_takes) {
  Config config = small_config();
  config.memory_limit = 64u << 20;  // of which a job may fill a quarter with results
  replace_core(config);
  client(c);
  worker(w);
  padding = 512u << 10;
  submit(items_job(1, std::vector<std::string>(48, "x")));
  submit(fed(2, {edge(1), edge(1, EdgePattern::after)}));
  run_all();
  EXPECT_EQ(status_of(1).state, JobState::done);
  EXPECT_EQ(status_of(2).state, JobState::done);
}

TEST_F(EdgesRetryTest, a_function_that_takes_its_whole_input_is_no_node_of_a_graph) {
  client(c);
  worker(w);
  wire::TaskGraph graph;
  graph.value_sizes = {1};
  graph.values = wire::Buffer::adopt("v");
  graph.sources = {wire::TaskGraph::kValues, wire::TaskGraph::kSelf};
  graph.indices = {0, 0};
  graph.offsets = {0, 1, 2};
  wire::Submit job = graph_job(1, graph);
  job.function = "sort";
  submit(job);
  settle();
  EXPECT_EQ(status_of(1).state, JobState::failed);
  EXPECT_NE(status_of(1).reason.find("nodes of a graph"), std::string::npos) << status_of(1).reason;
}

}  // namespace
}  // namespace quern::broker
