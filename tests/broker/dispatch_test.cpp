// Which worker gets the next lease: many blocked jobs, resources across reconnects, plans, and
// workers that leave.
#include "broker/broker_fixture.hpp"

namespace quern::broker {
namespace {

class DispatchTest : public BrokerTest {
 protected:
  static Config slow_planner() {
    Config config = small_config();
    config.plan_slice = 100;  // so that a plan needs many calls of settle()
    return config;
  }
  explicit DispatchTest(Config config = small_config()) : BrokerTest(config) {}

  static wire::Hello offering(std::uint8_t identity,
                              const std::vector<std::pair<std::string, double>>& rates) {
    wire::Hello hello = worker_hello(identity);
    hello.worker->functions.clear();
    for (const auto& [name, rate] : rates)
      hello.worker->functions.push_back({name, Takes::item, Encoding::raw, "", false, rate});
    return hello;
  }

  /// Like the router: settles until the core has nothing to do at this time.
  void settle_all() {
    for (int i = 0; i < 100'000; ++i) {
      settle();
      if (const auto next = core.next_deadline(); !next || *next > now) return;
    }
    FAIL() << "the core never becomes idle";
  }

  static wire::Submit one(std::uint32_t number, const std::string& function) {
    wire::Submit submit = items_job(0, {"x"}, function);
    submit.job.bytes[0] = 1;
    for (int i = 0; i < 4; ++i)
      submit.job.bytes[static_cast<std::size_t>(12 + i)] =
          static_cast<std::uint8_t>(number >> (8 * i));
    return submit;
  }

  Peer c, w1, w2;
};

TEST_F(DispatchTest, thousands_of_blocked_jobs_do_not_delay_one_that_can_run) {
  client(c);
  connect(w1, offering(201, {{"f", 0}}));
  for (std::uint32_t i = 0; i < 3000; ++i) {
    Effects effects;
    core.on_message(c.id, c.user, {c.session, one(i, "f")}, now);
    core.take_effects(effects);
  }
  settle_all();
  leases_of(w1);
  connect(w2, offering(202, {{"g", 0}}));
  w2.inbox.clear();
  send(c, one(9999, "g"));
  settle_all();
  EXPECT_EQ(leases_of(w2).size(), 1u);
}

TEST_F(DispatchTest, resources_of_a_resumed_lease_are_not_granted_twice) {
  client(c);
  wire::Hello hello = offering(201, {{"f", 0}});
  hello.worker->capacity.slots = 4;
  hello.worker->resources["gpu"] = 1;
  connect(w1, hello);
  w1.inbox.clear();
  wire::Submit submit = items_job(1, {"a", "b", "c"}, "f");
  submit.options.require["gpu"] = "1";
  send(c, submit);
  const auto first = leases_of(w1);
  ASSERT_EQ(first.size(), 1u);
  hello.worker->held.push_back(
      {first[0].lease, submit.job, first[0].tasks, false, first[0].kind, first[0].attempt});
  connect(w1, hello);
  settle_all();
  EXPECT_TRUE(leases_of(w1).empty()) << "its gpu is taken";
  send(w1, echo(first[0]));
  EXPECT_EQ(leases_of(w1).size(), 1u);
}

TEST_F(DispatchTest, a_large_item_is_leased_alone_once_size_is_known_to_explain_time) {
  client(c);
  worker(w1);
  // 20 us a byte.
  const auto run = [&](const wire::Lease& lease) {
    std::uint64_t us = 0;
    for (const auto& item : items_of(lease.batch)) us += 20 * item.size();
    now += std::chrono::microseconds(us);
    send(w1, echo(lease, us));
  };
  std::vector<std::string> items;
  for (std::size_t i = 0; i < 400; ++i) items.emplace_back(10 + i % 90, 'x');
  send(c, items_job(1, items));
  for (int i = 0; i < 1000; ++i)
    for (const auto& lease : leases_of(w1)) run(lease);
  std::vector<std::string> mixed(40, std::string(10, 's'));
  mixed[5] = std::string(20'000, 'L');  // 0.4 s
  send(c, items_job(2, mixed));
  bool seen = false;
  for (int i = 0; i < 100; ++i) {
    for (const auto& lease : leases_of(w1)) {
      const bool large = wire::IntervalSet(lease.tasks).contains(5);
      seen = seen || large;
      EXPECT_TRUE(!large || wire::size(lease.tasks) == 1) << wire::size(lease.tasks);
      run(lease);
    }
  }
  EXPECT_TRUE(seen);
}

TEST_F(DispatchTest, tasks_do_not_wait_for_a_faster_worker_that_is_unreachable) {
  client(c);
  connect(w1, offering(201, {{"f", 1000}}));
  connect(w2, offering(202, {{"f", 1}}));
  w1.inbox.clear();
  w2.inbox.clear();
  core.on_unreachable(w1.id);
  send(c, items_job(1, {"x"}, "f"));
  settle_all();
  EXPECT_EQ(leases_of(w2).size(), 1u);
}

TEST_F(DispatchTest, an_undelivered_lease_goes_to_another_worker_at_once) {
  client(c);
  connect(w1, offering(201, {{"f", 1000}}));
  wire::Submit submit = items_job(1, {"x"}, "f");
  submit.options.at_most_once = true;  // it cannot have started, so it may be leased again
  send(c, submit);
  const auto held = leases_of(w1);
  ASSERT_EQ(held.size(), 1u);
  connect(w2, offering(202, {{"f", 1}}));
  w2.inbox.clear();
  core.on_undelivered(w1.id, held[0]);
  settle_all();
  const auto again = leases_of(w2);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].attempt, 1u);
  EXPECT_TRUE(core.knows(w1.id)) << "it may come back";
}

class DispatchPlannedTest : public DispatchTest {
 protected:
  DispatchPlannedTest() : DispatchTest(slow_planner()) {}

  void SetUp() override {
    client(c);
    connect(w1, offering(201, {{"f", 1}, {"g", 0.5}}));
    connect(w2, offering(202, {{"f", 0.5}, {"g", 1}}));
    w1.inbox.clear();
    w2.inbox.clear();
    // Both at once, so that no lease is granted before there is something to plan.
    Effects effects;
    core.on_message(c.id, c.user, {c.session, items_job(1, {"a", "b", "c"}, "f")}, now);
    core.take_effects(effects);
    core.on_message(c.id, c.user, {c.session, items_job(2, {"a", "b", "c"}, "g")}, now);
    core.take_effects(effects);
    settle();
    ASSERT_TRUE(leases_of(w1).empty() && leases_of(w2).empty()) << "they wait for the plan";
  }
};

TEST_F(DispatchPlannedTest, each_worker_gets_the_function_that_it_runs_fastest) {
  settle_all();
  const auto one = leases_of(w1), two = leases_of(w2);
  ASSERT_EQ(one.size(), 1u);
  ASSERT_EQ(two.size(), 1u);
  EXPECT_EQ(one[0].function, "f");
  EXPECT_EQ(two[0].function, "g");
  EXPECT_EQ(core.counters().plans, 1u);
}

TEST_F(DispatchPlannedTest, tasks_do_not_wait_for_a_worker_that_left_during_planning) {
  send(w1, wire::Bye{});
  settle_all();
  std::set<std::pair<std::string, std::uint64_t>> ran;
  for (int i = 0; i < 20 && ran.size() < 6; ++i) {
    for (const auto& lease : leases_of(w2)) {
      EXPECT_TRUE(ran.emplace(lease.function, lease.tasks[0].begin).second);
      now += 1s;
      send(w2, echo(lease, 1'000'000));
    }
    settle_all();
  }
  EXPECT_EQ(ran.size(), 6u);
}

TEST_F(DispatchPlannedTest, nothing_is_planned_for_an_unreachable_worker) {
  core.on_unreachable(w1.id);
  settle_all();
  std::size_t ran = 0;
  for (int i = 0; i < 20; ++i) {
    for (const auto& lease : leases_of(w2)) {
      ran += wire::size(lease.tasks);
      now += 1s;
      send(w2, echo(lease, 1'000'000));
    }
    settle_all();
  }
  EXPECT_EQ(ran, 6u) << "w2 must run everything before w1 is given up";
}

TEST_F(DispatchPlannedTest, tasks_do_not_wait_for_a_stalled_worker_while_another_is_idle) {
  settle_all();
  const auto held = leases_of(w1);
  ASSERT_EQ(held.size(), 1u);
  // w1 sends heartbeats but no report; w2 runs the rest.
  std::size_t ran = 0;
  for (int i = 0; i < 200 && ran < 5; ++i) {
    for (const auto& lease : leases_of(w2)) {
      ++ran;
      pass(1s, {&w1, &w2, &c});
      send(w2, echo(lease, 1'000'000));
    }
    pass(500ms, {&w1, &w2, &c});
    settle_all();
  }
  EXPECT_GE(ran, 5u);
}

TEST_F(DispatchPlannedTest, a_lower_priority_does_not_overtake_during_planning) {
  wire::Submit low = items_job(3, {"low"}, "f");
  low.options.priority = -1;
  send(c, low);
  settle_all();
  for (const auto& lease : leases_of(w1)) EXPECT_NE(lease.job, uuid(3));
  for (const auto& lease : leases_of(w2)) EXPECT_NE(lease.job, uuid(3));
}

// In a small pool all workers are compared for every lease; in a large pool that would cost too
// much.
TEST_F(DispatchTest, idle_workers_are_served_first_in_a_large_pool) {
  client(c);
  std::vector<Peer> many(300);
  for (std::size_t i = 0; i < many.size(); ++i) {
    wire::Hello hello = offering(1, {{"f", 10}});
    hello.identity.bytes[0] = 7;
    hello.identity.bytes[1] = static_cast<std::uint8_t>(i >> 8);
    hello.identity.bytes[2] = static_cast<std::uint8_t>(i);
    hello.name += "-" + std::to_string(i);
    connect(many[i], hello);
  }
  send(c, items_job(1, std::vector<std::string>(900, "x"), "f"));
  settle_all();
  Peer& w = many[0];
  const auto held = leases_of(w);
  ASSERT_EQ(held.size(), 2u) << "one runs, one waits";
  send(w, echo(held[0], 100'000));
  EXPECT_EQ(leases_of(w).size(), 0u) << "it still has a lease to run";
  send(w, echo(held[1], 100'000));
  EXPECT_EQ(leases_of(w).size(), 1u) << "it was idle";
  now += 5ms;
  settle_all();
  EXPECT_EQ(leases_of(w).size(), 1u);
}

TEST_F(DispatchTest, a_task_finds_the_only_idle_worker_that_can_run_it) {
  client(c);
  std::vector<Peer> idle(5);
  for (std::size_t i = 0; i < idle.size(); ++i) worker(idle[i], static_cast<std::uint8_t>(210 + i));
  Peer rare;
  wire::Hello hello = worker_hello(200);
  hello.worker->functions = {{"rare", Takes::item, Encoding::raw, "", false, 0}};
  connect(rare, hello);
  expect<wire::Welcome>(rare);
  send(c, items_job(1, std::vector<std::string>(400, "x"), "rare"));
  EXPECT_EQ(leases_of(rare).size(), 1u);
  for (Peer& other : idle) EXPECT_TRUE(leases_of(other).empty());
}

}  // namespace
}  // namespace quern::broker
