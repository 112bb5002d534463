// Which messages and leases wait for the store.
#include "broker/durable_fixture.hpp"

namespace quern::broker {
namespace {

TEST_F(DurableTest, nothing_is_acknowledged_before_its_commit) {
  Peer c, w;
  join(c, 1);
  join(w, "w", 2);
  EXPECT_TRUE(take<wire::Welcome>(c)) << "it reveals nothing that must be committed first";
  tell(c, items(9, {"a"}));
  EXPECT_FALSE(take<wire::Accepted>(c));
  EXPECT_FALSE(take<wire::Lease>(w)) << "the job of this lease might not survive";
  commit();
  EXPECT_TRUE(take<wire::Accepted>(c));
  const auto lease = take<wire::Lease>(w);
  ASSERT_TRUE(lease);
  tell(w, report_of(*lease));
  EXPECT_FALSE(take<wire::Reported>(w)) << "the worker would drop its result";
  EXPECT_FALSE(take<wire::Results>(c));
  EXPECT_FALSE(take<wire::JobUpdate>(c));
  commit();
  EXPECT_TRUE(take<wire::Reported>(w));
  EXPECT_TRUE(take<wire::Results>(c));
  EXPECT_TRUE(take<wire::JobUpdate>(c));
}

TEST_F(DurableTest, a_memory_job_does_not_wait_for_the_store) {
  Peer c, w;
  join(c, 1);
  join(w, "w", 2);
  auto warm = items(8, {"x"});  // reserves job numbers
  tell(c, warm);
  commit();
  c.inbox.clear();
  w.inbox.clear();
  core.on_unreachable(w.id);
  Peer w2;
  join(w2, "w2", 3);
  auto submit = items(9, {"a"});
  submit.options.durability = Durability::memory;
  submit.options.priority = 5;
  tell(c, submit);
  EXPECT_TRUE(take<wire::Accepted>(c));
  EXPECT_TRUE(take<wire::Lease>(w2));
}

TEST_F(DurableTest, leases_below_the_reserved_frontier_do_not_wait_for_another_commit) {
  Peer c, w;
  join(c, 1);
  join(w, "w", 2);
  tell(c, items(9, std::vector<std::string>(12, "a")));
  commit();
  auto lease = take<wire::Lease>(w);
  ASSERT_TRUE(lease);
  tell(w, report_of(*lease));
  EXPECT_TRUE(pending) << "the report is on its way to the disk";
  EXPECT_TRUE(take<wire::Lease>(w)) << "and the next lease was granted already";
}

TEST_F(DurableTest, a_speculative_attempt_loads_payloads_that_are_only_on_disk) {
  Peer c, w;
  join(c, 1);
  join(w, "w", 2);
  tell(c, items(9, std::vector<std::string>(20, "x")));
  commit();
  const auto held = take<wire::Lease>(w);
  ASSERT_TRUE(held);
  restart();
  Peer again, other;
  join(again, "w", 2, {{held->lease, uuid(9), held->tasks, false, wire::LeaseKind::item}});
  for (int i = 0; i < 7; ++i) {  // by now, workers have named the leases that they hold
    now += 1s;
    tell(again, wire::Beat{});
  }
  join(other, "other", 3);
  tell(again, wire::Beat{});
  commit();
  // The other worker runs all the rest and is idle then.
  std::uint64_t done = 0;
  std::optional<wire::Lease> copy;
  for (int i = 0; i < 200 && !copy; ++i) {
    now += 10ms;
    tell(again, wire::Beat{});
    turn();
    commit();
    if (const auto lease = take<wire::Lease>(other)) {
      if (lease->tasks == held->tasks) {
        copy = lease;
        break;
      }
      done += wire::size(lease->tasks);
      tell(other, report_of(*lease));
      commit();
    }
  }
  EXPECT_EQ(done, 19u);
  ASSERT_TRUE(copy);
  EXPECT_EQ(items_of(copy->batch), std::vector<std::string>(wire::size(held->tasks), "x"));
}

TEST_F(DurableTest, a_report_of_results_already_in_the_store_is_acknowledged_and_dropped) {
  Peer c, w;
  join(c, 1);
  join(w, "w", 2);
  tell(c, items(9, {"a"}));
  commit();
  const auto lease = take<wire::Lease>(w);
  ASSERT_TRUE(lease);
  tell(w, report_of(*lease));
  commit();  // committed, but REPORTED never arrived
  restart();
  Peer again;
  join(again, "w", 2, {{lease->lease, uuid(9), lease->tasks, true, wire::LeaseKind::item}});
  commit();
  const auto welcome = take<wire::Welcome>(again);
  ASSERT_TRUE(welcome);
  EXPECT_EQ(welcome->dropped, (std::vector<wire::LeaseId>{lease->lease}));
  tell(again, report_of(*lease));
  EXPECT_TRUE(take<wire::Reported>(again));
  EXPECT_EQ(core.counters().late, 1u);
}

TEST_F(DurableTest, a_running_merge_is_not_mistaken_for_a_lease_of_tasks) {
  Peer c, w;
  join(c, 1);
  join(w, "w", 2);
  tell(c, items(9, {"a", "b"}));
  commit();
  const auto lease = take<wire::Lease>(w);
  ASSERT_TRUE(lease);
  restart();
  Peer again;
  join(again, "w", 2, {{lease->lease, uuid(9), lease->tasks, true, wire::LeaseKind::merge}});
  commit();
  EXPECT_EQ(take<wire::Welcome>(again)->dropped.size(), 1u);
}

TEST_F(DurableTest, a_full_disk_refuses_new_work_and_informs_waiting_clients) {
  Peer c;
  join(c, 1);
  tell(c, items(8, {"kept"}));
  commit();
  c.inbox.clear();
  tell(c, items(9, {"a"}));
  ASSERT_TRUE(pending);
  Effects effects;
  core.on_store_trouble("the disk is full", now);
  core.take_effects(effects);
  core.settle(now);
  core.take_effects(effects);
  core.check_invariants();
  keep(effects);
  auto told = take<wire::ErrorMessage>(c);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->code, ErrorCode::store);
  EXPECT_EQ(told->job, uuid(9));
  tell(c, items(10, {"b"}));
  told = take<wire::ErrorMessage>(c);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->code, ErrorCode::store);
  EXPECT_NE(told->text.find("--durability memory"), std::string::npos) << told->text;
  auto memory = items(11, {"c"});
  memory.options.durability = Durability::memory;
  tell(c, memory);
  EXPECT_TRUE(take<wire::Accepted>(c));
  core.on_store_healthy();
  core.take_effects(effects);
  commit();
  tell(c, items(9, {"a"}));
  commit();
  const auto accepted = take<wire::Accepted>(c);
  ASSERT_TRUE(accepted) << "repeating the submission is a new submission";
}

TEST_F(DurableTest, retry_reruns_the_failed_tasks_and_clears_their_errors) {
  Peer c, w;
  join(c, 1);
  join(w, "w", 2);
  auto submit = items(9, {"a", "b"});
  submit.options.attempts = 1;
  tell(c, submit);
  commit();
  for (int i = 0; i < 2; ++i) {
    const auto lease = take<wire::Lease>(w);
    ASSERT_TRUE(lease);
    wire::Report report = report_of(*lease);
    if (lease->tasks[0].begin == 1) {
      report.tasks.clear();
      report.batch = {};
      report.errors = {{1, 1, ErrorCode::failed, "not today"}};
    }
    tell(w, report);
    commit();
  }
  restart();
  Peer admin, again;
  join(admin, 4);
  join(again, "w", 2);
  tell(admin, wire::Retry{5, uuid(9), {}});
  commit();
  const auto update = take<wire::JobUpdate>(admin);
  ASSERT_TRUE(update);
  EXPECT_EQ(update->token, 5u);
  EXPECT_EQ(update->status.failed, 0u);
  auto lease = take<wire::Lease>(again);  // its payload is still stored
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->tasks, (wire::Intervals{{1, 2}}));
  tell(again, report_of(*lease));
  commit();
  tell(admin, wire::Query{6, wire::QueryWhat::job, uuid(9), {}, 1});
  const auto answer = take<wire::Answer>(admin);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->jobs[0].state, JobState::done);
  EXPECT_EQ(answer->jobs[0].done, 2u);
  const Recovered kept = store.recover();
  for (const auto& result : kept.jobs[0].results) EXPECT_TRUE(result.entry.errors.empty());
}

}  // namespace
}  // namespace quern::broker
