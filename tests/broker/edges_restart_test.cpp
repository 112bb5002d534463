// Edges over a restart of the broker, and random graphs with faults against a reference.
#include <algorithm>
#include <random>

#include "broker/durable_fixture.hpp"
#include "broker/edges_fixture.hpp"

namespace quern::broker {
namespace {

class EdgesRestartTest : public DurableTest {
 protected:
  Peer c, w;
  std::map<std::pair<Uuid, std::uint64_t>, std::string> results;  ///< by job and task
  std::map<Uuid, JobState> ended;
  std::uint8_t identity = 10;

  void meet(std::vector<wire::HeldLease> held = {}) {
    w = Peer{};
    join(w, "w", 200, std::move(held));
    commit();
  }
  void submit(wire::Submit submit) {
    submit.options.detach = true;
    tell(c, submit);
    commit();
  }
  /// Runs one lease that the worker has; false: none.
  bool run_one(const std::function<std::optional<std::string>(std::uint64_t job, std::uint64_t task,
                                                              const std::string&)>& function) {
    auto lease = take<wire::Lease>(w);
    if (!lease) return false;
    wire::Report report{{lease->lease, 0}, true, false, {}, {}, {}, 10, {}};
    wire::BatchBuilder builder;
    wire::BatchReader reader(lease->batch);
    wire::IntervalSet done;
    for (const auto& tasks : lease->tasks)
      for (std::uint64_t task = tasks.begin; task < tasks.end; ++task) {
        const std::string payload(reader.next());
        if (const auto result = function(value(lease->number), task, payload)) {
          builder.add(*result);
          done.add({task, task + 1});
        } else {
          report.errors.push_back({task, 1, ErrorCode::permanent, "boom"});
        }
      }
    report.tasks = done.list();
    report.batch = builder.take();
    tell(w, report);
    return true;
  }
  void attach(Uuid job) {
    wire::Attach attach;
    attach.job = job;
    attach.token = 5;
    tell(c, attach);
    commit();
  }
  void read() {
    for (const auto& message : c.inbox) {
      if (const auto* update = std::get_if<wire::JobUpdate>(&message))
        if (is_final(update->status.state)) ended[update->status.uuid] = update->status.state;
      const auto* some = std::get_if<wire::Results>(&message);
      if (!some) continue;
      wire::BatchReader reader(some->batch);
      for (const auto& tasks : some->tasks)
        for (std::uint64_t task = tasks.begin; task < tasks.end; ++task)
          results[{some->job, task}] = std::string(reader.next());
      for (const auto& error : some->errors)
        for (std::uint64_t i = 0; i < error.count; ++i) results[{some->job, error.first + i}] = "!";
    }
    c.inbox.clear();
  }
  /// Kills the broker; the worker and the client come back.
  void crash() {
    restart();
    c = Peer{};
    join(c, ++identity);
    commit();
    meet();
    // Nobody holds leases of before, and the broker waits for that long.
    for (int i = 0; i < 20; ++i) {
      now += 500ms;
      tell(w, wire::Beat{});
      tell(c, wire::Beat{});
      commit();
    }
  }
};

const auto wrapped = [](std::uint64_t job, std::uint64_t, const std::string& payload) {
  return std::optional(std::to_string(job) + "(" + payload + ")");
};

TEST_F(EdgesRestartTest, a_chain_goes_on_where_it_stopped) {
  join(c, 1);
  submit(items(1, {"a", "b", "c"}));
  submit(fed(2, {edge(1)}));
  submit(fed(3, {edge(2, EdgePattern::all)}));
  meet();
  for (int runs = 0; runs < 50; ++runs) {
    crash();
    if (!run_one(wrapped)) break;
    if (runs % 2 == 0) commit();  // every other report is lost
  }
  while (run_one(wrapped)) commit();
  commit();
  attach(uuid(3));
  commit();
  read();
  EXPECT_EQ((results[{uuid(3), 0}]), "3(2(1(a))2(1(b))2(1(c)))");
  EXPECT_EQ(ended[uuid(3)], JobState::done);
}

TEST_F(EdgesRestartTest, what_a_job_waits_for_is_known_after_a_restart) {
  join(c, 1);
  submit(items(1, {"a"}));
  wire::Submit second = items(2, {"b"});
  second.edges = {edge(1, EdgePattern::after)};
  submit(second);
  crash();
  const auto lease = take<wire::Lease>(w);
  ASSERT_TRUE(lease);
  EXPECT_EQ(value(lease->number), 1u);
  EXPECT_FALSE(take<wire::Lease>(w)) << "job 2 waits";
}

TEST_F(EdgesRestartTest, a_durable_job_cannot_depend_on_one_that_is_not) {
  join(c, 1);
  wire::Submit first = items(1, {"a"});
  first.options.durability = Durability::memory;
  submit(first);
  wire::Submit second = fed(2, {edge(1)});
  second.options.durability = Durability::durable;
  c.inbox.clear();
  submit(second);
  const auto error = take<wire::ErrorMessage>(c);
  ASSERT_TRUE(error);
  EXPECT_NE(error->text.find("does not survive a restart"), std::string::npos);
  second.options.durability = Durability::automatic;
  submit(second);
  EXPECT_TRUE(take<wire::Accepted>(c)) << "the broker chooses memory for both";
}

/// Runs what there is to run, until nothing is left.
class EdgesRetryRestartTest : public EdgesRestartTest {
 protected:
  std::set<std::string> broken{"bad"};  ///< payloads of which tasks fail

  void run_all() {
    const auto function = [this](std::uint64_t job, std::uint64_t task,
                                 const std::string& payload) -> std::optional<std::string> {
      return broken.contains(payload) ? std::nullopt : wrapped(job, task, payload);
    };
    do commit();
    while (run_one(function));
    commit();
  }
  void retry(std::uint8_t id) {
    wire::Retry retry;
    retry.token = 5;
    retry.job = uuid(id);
    tell(c, retry);
    run_all();
  }
  JobState state_of(std::uint8_t id) {
    wire::Query query;
    query.what = wire::QueryWhat::job;
    query.job = uuid(id);
    query.token = 6;
    c.inbox.clear();
    tell(c, query);
    commit();
    return take<wire::Answer>(c).value().jobs.at(0).state;
  }
};

TEST_F(EdgesRetryRestartTest, a_retry_after_a_restart_revives_every_pattern) {
  join(c, 1);
  submit(items(1, {"a", "bad", "c"}));
  submit(fed(2, {edge(1, EdgePattern::all)}));
  submit(fed(3, {edge(1)}));
  JobEdge pairs = edge(1, EdgePattern::group);
  pairs.width = 2;
  pairs.step = 1;
  submit(fed(4, {pairs}));
  wire::TaskGraph graph;
  graph.sources = {wire::TaskGraph::kEdges, wire::TaskGraph::kEdges};
  graph.indices = {1, 2};
  graph.offsets = {0, 1, 2};
  submit(graph_job(5, graph, {edge(1, EdgePattern::list)}));
  meet();
  run_all();
  for (std::uint8_t id = 2; id < 6; ++id) ASSERT_EQ(state_of(id), JobState::failed) << int{id};
  crash();
  broken.clear();
  retry(1);
  for (std::uint8_t id = 1; id < 6; ++id) EXPECT_EQ(state_of(id), JobState::done) << int{id};
}

TEST_F(EdgesRetryRestartTest, a_task_that_has_its_input_gets_it_only_once) {
  join(c, 1);
  submit(items(1, {"a", "b"}));
  submit(items(2, {"bad"}));
  meet();
  run_all();
  submit(fed(3, {edge(1), edge(2, EdgePattern::after)}));
  run_all();
  ASSERT_EQ(state_of(3), JobState::failed);
  crash();
  broken.clear();
  retry(2);  // the store refuses a second input
  EXPECT_EQ(state_of(3), JobState::done);
}

TEST_F(EdgesRetryRestartTest, a_task_without_input_does_not_run_although_its_error_was_read) {
  join(c, 1);
  submit(items(1, {"a", "bad", "c"}));
  wire::Submit second = fed(2, {edge(1)});
  tell(c, second);  // its client follows it
  commit();
  meet();
  run_all();
  ASSERT_EQ(state_of(2), JobState::failed);
  tell(c, wire::Ack{uuid(2), 1000, true});
  commit();
  crash();
  retry(2);
  EXPECT_EQ(state_of(2), JobState::failed);
  broken.clear();
  retry(1);
  EXPECT_EQ(state_of(2), JobState::done);
}

/// A random graph, run by a broker that is killed at random, must give what a loop gives.
class RandomGraphs : public EdgesRestartTest, public ::testing::WithParamInterface<unsigned> {};

TEST_P(RandomGraphs, give_the_same_as_a_loop) {
  std::mt19937 random(GetParam());
  const auto below = [&](std::uint64_t n) { return random() % std::max<std::uint64_t>(1, n); };
  const std::uint64_t tasks = 1 + below(40);
  wire::TaskGraph graph;
  Bytes values;
  std::vector<std::string> expected(tasks);
  std::vector<bool> bad(tasks);
  for (std::uint64_t task = 0; task < tasks; ++task) {
    std::string payload;
    bool broken = false;
    for (std::uint64_t links = below(4); links > 0; --links) {
      const bool constant = task == 0 || below(5) == 0;
      graph.sources.push_back(constant ? wire::TaskGraph::kValues : wire::TaskGraph::kSelf);
      if (constant) {
        graph.indices.push_back(static_cast<std::uint32_t>(graph.value_sizes.size()));
        const std::string value = std::to_string(below(1000));
        graph.value_sizes.push_back(static_cast<std::uint32_t>(value.size()));
        values += value;
        payload += value;
      } else {
        const std::uint64_t index = below(task);
        graph.indices.push_back(static_cast<std::uint32_t>(index));
        payload += expected[index];
        broken = broken || bad[index];
      }
    }
    graph.offsets.push_back(static_cast<std::uint32_t>(graph.indices.size()));
    bad[task] = broken || below(12) == 0;
    // Short, or the text doubles with every layer.
    const auto digest = std::hash<std::string>{}(payload) % 1'000'000;
    expected[task] = bad[task] ? "!" : std::to_string(task) + ":" + std::to_string(digest);
  }
  graph.values = wire::Buffer::copy(values);
  const auto function = [&](std::uint64_t job, std::uint64_t task,
                            const std::string& payload) -> std::optional<std::string> {
    if (job == 2) return "<" + payload + ">";
    if (bad[task]) return std::nullopt;
    return std::to_string(task) + ":" +
           std::to_string(std::hash<std::string>{}(payload) % 1'000'000);
  };

  join(c, 1);
  submit(graph_job(1, graph));
  submit(fed(2, {edge(1)}));
  meet();
  for (int steps = 0; steps < 5000; ++steps) {
    const auto what = below(20);
    if (what == 0) crash();
    if (what == 1) {  // the worker is lost with its leases
      tell(w, wire::Bye{});
      commit();
      meet();
    }
    if (what == 2) commit();
    if (!run_one(function)) {
      commit();
      now += 200ms;
      tell(w, wire::Beat{});
      tell(c, wire::Beat{});
      commit();
      if (what == 3 && !pending) {
        attach(uuid(2));
        read();
        if (ended.contains(uuid(2))) break;
      }
    }
  }
  attach(uuid(1));
  attach(uuid(2));
  read();
  ASSERT_TRUE(ended.contains(uuid(1))) << "the graph is stuck";
  ASSERT_TRUE(ended.contains(uuid(2))) << "the job behind the graph is stuck";
  for (std::uint64_t task = 0; task < tasks; ++task) {
    const std::string one = results[{uuid(1), task}], two = results[{uuid(2), task}];
    EXPECT_EQ(one, expected[task]) << "task " << task;
    EXPECT_EQ(two, bad[task] ? "!" : "<" + expected[task] + ">") << "task " << task;
  }
}

#ifdef __SANITIZE_ADDRESS__
constexpr unsigned kGraphs = 15;
#else
constexpr unsigned kGraphs = 200;
#endif
INSTANTIATE_TEST_SUITE_P(Seeds, RandomGraphs, ::testing::Range(0u, kGraphs));

}  // namespace
}  // namespace quern::broker
