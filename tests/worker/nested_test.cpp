// Jobs that tasks submit, at the worker: what is sent, what the task is told, and which slot is
// free while it waits.
#include "worker/worker_fixture.hpp"

namespace quern::worker {
namespace {

class NestedTest : public WorkerCoreTest {
 protected:
  static Config one_slot() {
    Config config = small_config();
    config.slots = 1;
    return config;
  }
  NestedTest() : WorkerCoreTest(one_slot()) {
    welcome();
    say(item_lease(1, {{0, 1}}));
  }

  static Uuid job(std::uint8_t number) {
    Uuid uuid;
    uuid.bytes.fill(number);
    return uuid;
  }
  static wire::Submit submit(std::uint64_t lease, std::uint8_t number = 9) {
    wire::Submit submit;
    submit.job = job(number);
    submit.function = "echo";
    submit.lease = id(lease);
    return submit;
  }
  template <typename M>
  Lines said(SlotId slot, M said) {
    core.handle(slot, std::move(said));
    return effects();
  }
  Lines waits(SlotId slot, std::uint64_t lease, std::uint8_t number = 9) {
    return said(slot, wire::Wait{id(lease), job(number)});
  }
  Lines goes_on(SlotId slot, std::uint64_t lease) { return said(slot, wire::Wait{id(lease), {}}); }
  Lines results(std::uint64_t seq) {
    wire::Results results;
    results.job = job(9);
    results.seq = seq;
    return say(results);
  }
  Lines ends(std::uint64_t entries) {
    wire::JobUpdate update;
    update.status.uuid = job(9);
    update.status.state = JobState::done;
    update.entries = entries;
    return say(update);
  }
};

TEST_F(NestedTest, another_lease_runs_while_a_task_waits) {
  EXPECT_EQ(say(item_lease(2, {{1, 2}})), Lines{});
  EXPECT_EQ(said(kFirst, submit(1)), Lines{"SUBMIT"});
  EXPECT_EQ(waits(kFirst, 1), (Lines{"WAIT L1", "start L2[1,2) on 1"}));
  EXPECT_EQ(core.capacity().slots, 1u);
  EXPECT_EQ(core.capacity().busy, 1u);
}

TEST_F(NestedTest, a_task_whose_wait_is_over_goes_on_and_nothing_else_starts) {
  said(kFirst, submit(1));
  say(item_lease(2, {{1, 2}}));
  waits(kFirst, 1);
  EXPECT_EQ(goes_on(kFirst, 1), Lines{"WAIT L1 goes on"});
  EXPECT_EQ(core.capacity().busy, 2u);
  say(item_lease(3, {{2, 3}}));
  reports(kSecond, report(2, 0, {{1, 2}}));
  EXPECT_EQ(returns(kSecond), Lines{}) << "the first task still runs";
  reports(kFirst, report(1, 0, {{0, 1}}));
  EXPECT_EQ(returns(kFirst), Lines{"start L3[2,3) on 0"});
}

TEST_F(NestedTest, the_task_gets_each_entry_once_and_the_end_last) {
  said(kFirst, submit(1));
  EXPECT_EQ(ends(2), Lines{}) << "two entries are missing";
  EXPECT_EQ(results(0), (Lines{"tell 0 RESULTS", "ACK 1 release"}));
  EXPECT_EQ(results(0), Lines{"ACK 1 release"}) << "received before";
  EXPECT_EQ(results(1), (Lines{"tell 0 RESULTS", "tell 0 JOB", "ACK 2 release"}));
  EXPECT_EQ(results(1), Lines{}) << "forgotten";
}

TEST_F(NestedTest, a_refusal_reaches_the_task) {
  said(kFirst, submit(1));
  EXPECT_EQ(say(wire::ErrorMessage{ErrorCode::queue_full, "full", job(9), 0, false}),
            Lines{"tell 0 ERROR"});
}

TEST_F(NestedTest, a_new_session_is_told_what_was_submitted_and_who_waits) {
  said(kFirst, submit(1));
  waits(kFirst, 1);
  core.on_lost("closed", now);
  effects();
  now += 1s;
  EXPECT_EQ(welcome(), (Lines{"SUBMIT", "WAIT L1"}));
  ends(0);
  core.on_lost("closed", now);
  effects();
  now += 10s;
  EXPECT_EQ(welcome(), Lines{"WAIT L1"}) << "until the task says that it goes on";
}

TEST_F(NestedTest, a_revoked_lease_takes_its_jobs_and_its_wait_with_it) {
  said(kFirst, submit(1));
  waits(kFirst, 1);
  EXPECT_EQ(say(wire::Revoke{{id(1)}}), Lines{"cancel L1 on 0"});
  EXPECT_EQ(results(0), Lines{});
  EXPECT_EQ(goes_on(kFirst, 1), Lines{});
  EXPECT_EQ(returns(kFirst), Lines{});
  EXPECT_EQ(say(item_lease(2, {{1, 2}})), Lines{"start L2[1,2) on 0"});
}

TEST_F(NestedTest, a_task_that_exceeds_its_time_limit_while_it_waits_is_reported_as_running) {
  said(kFirst, submit(1));
  waits(kFirst, 1);
  wire::Report late = report(1, 0, {});
  late.errors = {{0, 1, ErrorCode::timeout, "too late"}};
  EXPECT_EQ(reports(kFirst, late),
            (Lines{"WAIT L1 goes on", "BEAT", "REPORT L1/0 nothing error[0,1) last"}));
}

TEST_F(NestedTest, what_an_old_run_says_is_dropped) {
  EXPECT_EQ(said(kFirst, submit(7)), Lines{});
  EXPECT_EQ(waits(kSecond, 1), Lines{});
}

TEST_F(NestedTest, so_many_may_wait) {
  for (std::uint64_t n = 1; n <= Slots::kWaitingMost; ++n) {
    const SlotId slot{static_cast<std::uint32_t>(n - 1)};
    wire::Submit mine = submit(n);
    mine.job.bytes[0] = static_cast<std::uint8_t>(n);
    mine.job.bytes[1] = static_cast<std::uint8_t>(n >> 8);
    said(slot, mine);
    EXPECT_EQ(said(slot, wire::Wait{id(n), mine.job}).front(), "WAIT L" + std::to_string(n));
    say(item_lease(n + 1, {{n, n + 1}}));
  }
  const SlotId last{Slots::kWaitingMost};
  said(last, submit(Slots::kWaitingMost + 1, 200));
  EXPECT_EQ(waits(last, Slots::kWaitingMost + 1, 200),
            Lines{"tell " + std::to_string(Slots::kWaitingMost) + " ERROR"});
}

}  // namespace
}  // namespace quern::worker
