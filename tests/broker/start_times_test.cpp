// Jobs that wait for their time, and wall clocks that are set while something waits for a time.
#include "broker/schedules_fixture.hpp"

namespace quern::broker {
namespace {

using Lines = std::vector<std::string>;

TEST_F(SchedulesTest, a_clock_that_is_set_forward_misses_due_times) {
  answer_to(schedule("0 * * * *"));
  set_clock("2026-11-30 15:30");
  EXPECT_EQ(history(), (Lines{"13:00 missed", "15:00 ran"}));
}

TEST_F(SchedulesTest, a_clock_that_is_set_back_a_little_repeats_nothing) {
  answer_to(schedule("*/10 * * * *"));
  run_until("2026-11-30 12:11");
  cancel(JobNumber{1});
  set_clock("2026-11-30 12:05");
  run_until("2026-11-30 12:19");
  EXPECT_EQ(history(), Lines{"12:10 ran"});
  run_until("2026-11-30 12:21");
  EXPECT_EQ(history(), (Lines{"12:10 ran", "12:20 ran"}));
}

TEST_F(SchedulesTest, a_clock_that_was_years_ahead_does_not_stop_a_schedule) {
  set_clock("2040-01-01 00:00");
  answer_to(schedule("*/10 * * * *"));
  run_until("2040-01-01 00:11");
  cancel(JobNumber{1});
  set_clock("2026-11-30 12:00");
  run_until("2026-11-30 12:11");
  EXPECT_EQ(all_jobs().size(), 2U);
  EXPECT_EQ(status().next_ms, static_cast<std::uint64_t>(ms_of("2026-11-30 12:20")));
}

TEST_F(SchedulesTest, a_clock_that_is_set_is_noticed_without_another_event) {
  answer_to(schedule("0 3 * * *"));
  const auto next = core.next_deadline();
  ASSERT_TRUE(next);
  EXPECT_LE(*next, now + 1s);
}

// ---- jobs that wait for their time

TEST_F(SchedulesTest, a_job_starts_at_its_time_and_not_before) {
  Peer w;
  join(w, "w", 200);
  wire::Submit submit = items(7, {"x"});
  submit.options.start_at_ms = static_cast<std::uint64_t>(ms_of("2026-11-30 12:05"));
  tell(c, submit);
  commit();
  EXPECT_EQ(job(1).reason, "it starts at 2026-11-30 12:05:00 UTC");
  EXPECT_EQ(job(1).start_at_ms, submit.options.start_at_ms);
  EXPECT_LT(job(1).eta_s, 0);
  for (int i = 0; i < 3; ++i) {
    now += 60s;
    tell(w, wire::Beat{});
    tell(c, wire::Beat{});
    commit();
  }
  EXPECT_FALSE(take<wire::Lease>(w));
  for (int i = 0; i < 3; ++i) {
    now += 60s;
    tell(w, wire::Beat{});
    tell(c, wire::Beat{});
    commit();
  }
  EXPECT_TRUE(take<wire::Lease>(w));
  EXPECT_EQ(job(1).start_at_ms, 0U);
}

TEST_F(SchedulesTest, a_delay_counts_from_the_acceptance_and_over_restarts) {
  wire::Submit submit = items(7, {"x"});
  submit.options.start_in_ms = 600'000;
  tell(c, submit);
  commit();
  down_until("2026-11-30 12:05");
  EXPECT_EQ(job(1).reason, "it starts at 2026-11-30 12:10:00 UTC");
  down_until("2026-11-30 12:11");
  EXPECT_EQ(job(1).reason, "no worker is connected");
}

TEST_F(SchedulesTest, a_start_after_the_deadline_is_refused) {
  auto wanted = items(1, {"a"});
  wanted.options.start_in_ms = 6000;
  wanted.options.deadline_ms = 2000;
  c.inbox.clear();
  tell(c, wanted);
  commit();
  EXPECT_NE(take<wire::ErrorMessage>(c).value().text.find("deadline"), std::string::npos);
}

TEST_F(SchedulesTest, the_latest_start_that_is_possible_does_not_keep_the_broker_busy) {
  auto wanted = items(1, {"a"});
  wanted.options.start_at_ms = wire::kWallMsMax;
  tell(c, wanted);
  commit();
  EXPECT_GT(core.next_deadline().value(), now);
}

TEST_F(SchedulesTest, a_time_that_has_passed_means_at_once) {
  wire::Submit submit = items(7, {"x"});
  submit.options.start_at_ms = 1;
  tell(c, submit);
  commit();
  EXPECT_EQ(job(1).reason, "no worker is connected");
}

TEST_F(SchedulesTest, a_job_that_waits_for_its_time_can_be_cancelled_in_every_way) {
  for (const std::uint8_t id : std::initializer_list<std::uint8_t>{7, 8, 9}) {
    wire::Submit submit = items(id, {"x"});
    submit.options.start_in_ms = 600'000;
    tell(c, submit);
    commit();
  }
  cancel(JobNumber{1});
  wire::Cancel waiting;
  waiting.token = ++token;
  waiting.number = JobNumber{2};
  waiting.waiting = true;
  tell(c, waiting);
  commit();
  EXPECT_EQ(job(1).state, JobState::cancelled);
  EXPECT_EQ(job(2).state, JobState::cancelled);
  EXPECT_EQ(job(3).state, JobState::waiting);
}

/// Random restarts, crashes before a commit, pauses and small steps of the clock: every due time
/// that the schedule did not miss, skip or pause has exactly one job.

}  // namespace
}  // namespace quern::broker
