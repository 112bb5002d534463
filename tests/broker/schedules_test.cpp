// Schedules: when their jobs are submitted, also after restarts.
#include <algorithm>
#include <random>

#include "broker/schedules_fixture.hpp"

namespace quern::broker {
namespace {

using Lines = std::vector<std::string>;

TEST_F(SchedulesTest, a_job_is_submitted_at_each_due_time) {
  const auto answer = answer_to(schedule("*/30 * * * *"));
  ASSERT_EQ(answer.schedules.size(), 1U);
  EXPECT_EQ(answer.schedules[0].next_ms, static_cast<std::uint64_t>(ms_of("2026-11-30 12:30")));
  run_until("2026-11-30 12:29");
  EXPECT_TRUE(all_jobs().empty());
  run_until("2026-11-30 12:31");
  const auto jobs = all_jobs();
  ASSERT_EQ(jobs.size(), 1U);
  EXPECT_EQ(jobs[0].name, "s");
  EXPECT_EQ(jobs[0].total, 2U);
  EXPECT_TRUE(jobs[0].detached);
  EXPECT_EQ(jobs[0].durability, Durability::durable);
  const auto metadata = job(value(jobs[0].number)).metadata;
  EXPECT_EQ(metadata.at("schedule"), "s");
  EXPECT_EQ(metadata.at("due"), "2026-11-30T12:30:00Z");
}

TEST_F(SchedulesTest, a_due_time_has_one_run_also_over_restarts) {
  answer_to(schedule("*/30 * * * *"));
  run_until("2026-11-30 12:30");
  cancel(all_jobs()[0].number);
  restart();
  restart();
  EXPECT_EQ(history(), Lines{"12:30 ran"});
  EXPECT_EQ(all_jobs().size(), 1U);
  run_until("2026-11-30 13:00");
  EXPECT_EQ(history(), (Lines{"12:30 ran", "13:00 ran"}));
}

TEST_F(SchedulesTest, a_run_that_was_not_committed_is_repeated_as_the_same_job) {
  answer_to(schedule("*/30 * * * *"));
  run_until("2026-11-30 12:29");
  now += 61s;
  turn();  // the job and its due time are in a commit that is never written
  ASSERT_TRUE(pending);
  restart();
  EXPECT_EQ(history(), Lines{"12:30 ran"});
  EXPECT_EQ(all_jobs().size(), 1U);
}

TEST_F(SchedulesTest, missed_due_times_become_one_run) {
  answer_to(schedule("*/10 * * * *"));
  down_until("2026-11-30 13:05");
  EXPECT_EQ(history(), (Lines{"12:10 missed", "13:00 ran"}));
  EXPECT_EQ(all_jobs().size(), 1U);
  run_until("2026-11-30 13:11");
  EXPECT_EQ(status().runs[0].due_ms, static_cast<std::uint64_t>(ms_of("2026-11-30 13:10")));
}

TEST_F(SchedulesTest, missed_due_times_can_be_skipped) {
  auto wanted = schedule("*/10 * * * *");
  wanted.missed = Missed::skip;
  answer_to(wanted);
  down_until("2026-11-30 13:05");
  EXPECT_EQ(history(), Lines{"12:10 missed"});
  EXPECT_TRUE(all_jobs().empty());
  run_until("2026-11-30 13:10");
  EXPECT_EQ(history(), (Lines{"12:10 missed", "13:10 ran"}));
}

TEST_F(SchedulesTest, a_short_restart_misses_nothing) {
  auto wanted = schedule("*/10 * * * *");
  wanted.missed = Missed::skip;
  answer_to(wanted);
  run_until("2026-11-30 12:09");
  down_until("2026-11-30 12:10:30");
  EXPECT_EQ(history(), Lines{"12:10 ran"});
}

TEST_F(SchedulesTest, years_without_the_broker_end_quickly) {
  answer_to(schedule("* * * * *"));
  down_until("2031-11-30 12:00:30");
  const auto runs = status().runs;
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0].due_ms, static_cast<std::uint64_t>(ms_of("2031-11-30 12:00")));
  EXPECT_NE(runs[1].text.find("1000 or more"), std::string::npos) << runs[1].text;
}

TEST_F(SchedulesTest, no_run_while_an_earlier_job_has_not_ended) {
  answer_to(schedule("*/10 * * * *"));
  run_until("2026-11-30 12:21");
  EXPECT_EQ(history(), (Lines{"12:10 ran", "12:20 skipped"}));
  const auto jobs = all_jobs();
  ASSERT_EQ(jobs.size(), 1U);
  cancel(jobs[0].number);
  run_until("2026-11-30 12:31");
  EXPECT_EQ(history(), (Lines{"12:10 ran", "12:20 skipped", "12:30 ran"}));
}

TEST_F(SchedulesTest, with_queue_a_run_waits_for_the_earlier_one) {
  auto wanted = schedule("*/10 * * * *");
  wanted.overlap = Overlap::queue;
  answer_to(wanted);
  run_until("2026-11-30 12:31");
  EXPECT_EQ(history(), (Lines{"12:10 ran", "12:20 ran", "12:30 ran"}));
  const auto jobs = all_jobs();
  ASSERT_EQ(jobs.size(), 3U);
  EXPECT_EQ(jobs[0].reason, "it starts after job 2");
  EXPECT_EQ(jobs[1].reason, "it starts after job 1");
  cancel(JobNumber{1});  // in whatever way it ends
  EXPECT_EQ(job(2).reason, "no worker is connected");
}

TEST_F(SchedulesTest, very_many_queued_runs_are_skipped) {
  auto wanted = schedule("* * * * *");
  wanted.overlap = Overlap::queue;
  answer_to(wanted);
  run_until("2026-11-30 13:45");
  EXPECT_EQ(all_jobs().size(), 100U);
  const auto runs = status().runs;
  ASSERT_EQ(runs.size(), 100U);
  EXPECT_EQ(runs[0].text, "100 jobs of earlier due times had not ended");
}

TEST_F(SchedulesTest, a_paused_schedule_lets_due_times_pass) {
  answer_to(schedule("*/10 * * * *"));
  const auto paused = answer_to(change(wire::ScheduleAction::pause));
  ASSERT_EQ(paused.schedules.size(), 1U);
  EXPECT_TRUE(paused.schedules[0].paused);
  EXPECT_EQ(paused.schedules[0].next_ms, 0U);
  run_until("2026-11-30 12:25");
  restart();
  EXPECT_TRUE(status().paused);
  answer_to(change(wire::ScheduleAction::resume));
  EXPECT_TRUE(all_jobs().empty());
  run_until("2026-11-30 12:31");
  EXPECT_EQ(history(), Lines{"12:30 ran"});
}

TEST_F(SchedulesTest, a_removed_schedule_is_gone_and_its_jobs_stay) {
  answer_to(schedule("*/10 * * * *"));
  run_until("2026-11-30 12:11");
  answer_to(change(wire::ScheduleAction::remove));
  EXPECT_EQ(status().name, "");
  EXPECT_NE(refused.find("no schedule `s`"), std::string::npos);
  restart();
  run_until("2026-11-30 12:31");
  EXPECT_EQ(all_jobs().size(), 1U);
}

TEST_F(SchedulesTest, a_replaced_schedule_keeps_its_history) {
  answer_to(schedule("*/10 * * * *"));
  run_until("2026-11-30 12:11");
  auto other = schedule("0 13 * * *", 2);
  EXPECT_NE(refusal_of(other).find("already"), std::string::npos);
  other.action = wire::ScheduleAction::replace;
  const auto answer = answer_to(other);
  ASSERT_EQ(answer.schedules.size(), 1U);
  EXPECT_EQ(answer.schedules[0].cron, "0 13 * * *");
  EXPECT_EQ(history(), Lines{"12:10 ran"});
  restart();
  cancel(JobNumber{1});
  run_until("2026-11-30 13:00");
  EXPECT_EQ(history(), (Lines{"12:10 ran", "13:00 ran"}));
}

TEST_F(SchedulesTest, the_same_message_again_gets_the_same_answer) {
  const auto wanted = schedule("*/10 * * * *");
  const auto first = answer_to(wanted), again = answer_to(wanted);
  EXPECT_EQ(first, again);
}

TEST_F(SchedulesTest, what_cannot_be_a_schedule_is_refused_with_the_reason) {
  const auto said = [&](const std::function<void(wire::Schedule&)>& spoil) {
    auto wanted = schedule("*/10 * * * *");
    spoil(wanted);
    return refusal_of(wanted);
  };
  const auto has = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  EXPECT_TRUE(has(said([](auto& s) { s.cron = "61 * * * *"; }), "minute"));
  EXPECT_TRUE(has(said([](auto& s) { s.cron = "0 0 30 2 *"; }), "does not come due"));
  EXPECT_TRUE(has(said([](auto& s) { s.zone = "Mars"; }), "time zone `Mars`"));
  EXPECT_TRUE(has(said([](auto& s) { s.job->open = true; }), "complete"));
  EXPECT_TRUE(has(said([](auto& s) {
                    for (int i = 0; i < 64; ++i)
                      s.job->options.metadata["k" + std::to_string(i)] = std::string(252, 'x');
                    s.job->options.metadata["z"] = std::string(60, 'x');
                  }),
                  "metadata"));
  EXPECT_TRUE(has(said([](auto& s) { s.job->options.unique = "k"; }), "idempotency key"));
  EXPECT_TRUE(has(said([](auto& s) { s.job->options.start_in_ms = 5; }), "when it is due"));
  EXPECT_TRUE(
      has(said([](auto& s) { s.job->options.durability = Durability::memory; }), "durable"));
  EXPECT_TRUE(has(said([](auto& s) {
                    s.job->common = wire::Buffer::adopt(Bytes(2 << 20, 'x'));
                    s.job->has_common = true;
                  }),
                  "1 MiB"));
  EXPECT_TRUE(has(said([](auto& s) {
                    JobEdge edge;
                    edge.number = JobNumber{1};
                    edge.pattern = EdgePattern::after;
                    s.job->edges.push_back(edge);
                  }),
                  "other jobs"));
  EXPECT_TRUE(has(said([](auto& s) { s.owner = "somebody"; }), "belongs to the key"));
  EXPECT_EQ(status().name, "");
}

TEST_F(SchedulesTest, the_job_of_a_schedule_belongs_to_no_task) {
  // It would run on behalf of a task, without the checks of what its key may submit.
  auto wanted = schedule("*/10 * * * *");
  wanted.job->lease = {1, 1};
  const auto decoded = wire::decode(wire::encode({c.session, wanted}));
  EXPECT_TRUE(std::holds_alternative<wire::DecodeError>(decoded));
  Principal limited;
  limited.name = "limited";
  limited.rights =
      static_cast<std::uint8_t>(Right::submit) | static_cast<std::uint8_t>(Right::work);
  limited.functions = {"sum"};
  EXPECT_FALSE(decide(limited, wire::Message(wanted), std::nullopt).allowed);
}

TEST_F(SchedulesTest, a_key_for_certain_names_may_add_a_schedule_with_such_a_name) {
  Principal limited;
  limited.name = "limited";
  limited.rights = static_cast<std::uint8_t>(Right::submit);
  limited.jobs = {"nightly*"};
  auto wanted = schedule("*/10 * * * *");
  EXPECT_FALSE(decide(limited, wire::Message(wanted), std::nullopt).allowed);
  wanted.name = "nightly-1";  // the jobs get the name of the schedule
  EXPECT_TRUE(decide(limited, wire::Message(wanted), std::nullopt).allowed);
}

TEST_F(SchedulesTest, a_job_that_is_not_accepted_is_in_the_history) {
  auto wanted = schedule("*/10 * * * *");
  wanted.job->options.blobs = {std::string(64, 'a')};
  EXPECT_NE(refusal_of(wanted).find("file"), std::string::npos);  // at once, if it can be told
  answer_to(schedule("*/10 * * * *"));
  run_until("2026-11-30 12:09");
  Effects effects;
  core.on_store_trouble("disk full", now);
  run_until("2026-11-30 12:31");
  core.on_store_healthy();
  run_until("2026-11-30 12:32");
  EXPECT_EQ(history(), (Lines{"12:10 missed", "12:30 ran"}));
}

TEST_F(SchedulesTest, a_due_time_does_not_keep_a_broker_busy_whose_store_cannot_write) {
  answer_to(schedule("*/10 * * * *"));
  core.on_store_trouble("disk full", now);
  run_until("2026-11-30 12:11");
  turn();
  const auto next = core.next_deadline();
  ASSERT_TRUE(next);
  EXPECT_GT(*next, now);
}

// ---- a clock that is set

TEST_F(SchedulesTest, a_clock_that_comes_to_a_due_time_again_does_not_run_it_again) {
  answer_to(schedule("0 * * * *"));
  run_until("2026-11-30 13:01");
  set_clock("2026-11-30 18:00");
  set_clock("2026-11-30 12:59");
  run_until("2026-11-30 13:02");
  const auto runs = history();
  EXPECT_EQ(std::count(runs.begin(), runs.end(), "13:00 ran"), 1) << ::testing::PrintToString(runs);
  run_until("2026-11-30 14:01");
  EXPECT_EQ(history().back(), "14:00 skipped") << "the job of 13:00 has not ended";
}

TEST_F(SchedulesTest, a_machine_that_starts_in_1970_repeats_nothing_when_its_clock_is_set) {
  answer_to(schedule("0 13 * * *"));
  run_until("2026-11-30 13:01");
  set_clock("1970-01-01 00:00");
  restart();
  set_clock("2026-11-30 13:05");
  run_until("2026-11-30 13:06");
  const auto runs = history();
  EXPECT_EQ(std::count(runs.begin(), runs.end(), "13:00 ran"), 1) << ::testing::PrintToString(runs);
  EXPECT_EQ(all_jobs().size(), 1u);
}

TEST_F(SchedulesTest, a_key_that_has_expired_runs_nothing) {
  Principal alice;
  alice.name = "alice";
  alice.rights = static_cast<std::uint8_t>(Right::submit);
  alice.expires = ms_of("2026-12-01 00:00") / 1000;
  Config config = with_store();
  config.open = false;
  config.incarnation = 101;
  config.find_zone = calendar::find_zone;
  replace_core(config);
  tell_clock();
  core.on_principals({{"anonymous", alice}}, false, now);
  c = Peer{};
  join(c, next_identity());
  commit();
  auto wanted = schedule("0 13 * * *");
  wanted.overlap = Overlap::queue;
  answer_to(wanted);
  run_until("2026-11-30 13:01");
  EXPECT_EQ(history(), Lines{"13:00 ran"});
  set_clock("2026-12-02 12:00");  // before anybody could tell the core that the key is void
  EXPECT_EQ(history().back(), "13:00 refused");
}

TEST_F(SchedulesTest, schedules_with_the_same_uuid_get_jobs_of_their_own) {
  auto first = schedule("0 13 * * *"), second = schedule("0 13 * * *");
  second.name = "t";
  answer_to(first);
  answer_to(second);
  run_until("2026-11-30 13:01");  // the store refuses the same UUID twice
  EXPECT_EQ(all_jobs().size(), 2u);
}

TEST_F(SchedulesTest, the_run_of_a_store_without_room_comes_when_there_is_room) {
  answer_to(schedule("0 13 * * *"));
  while (wall() < ms_of("2026-11-30 13:00")) {
    now += 2000ms;
    tell(c, wire::Beat{});
    if (wall() < ms_of("2026-11-30 13:00")) commit();
  }
  turn();
  ASSERT_TRUE(pending) << "the job is to be written";
  core.on_store_trouble("no space left on device", now);
  turn();
  core.on_store_healthy();
  commit();
  EXPECT_EQ(history(), Lines{"13:00 ran"});
  EXPECT_EQ(all_jobs().size(), 1u);
}

TEST_F(SchedulesTest, nothing_about_schedules_changes_while_the_store_cannot_write) {
  answer_to(schedule("0 13 * * *"));
  core.on_store_trouble("no space left on device", now);
  for (const auto action :
       {wire::ScheduleAction::pause, wire::ScheduleAction::resume, wire::ScheduleAction::remove}) {
    refused.clear();
    answer_to(change(action));
    EXPECT_NE(refused.find("no space left"), std::string::npos);
  }
  core.on_store_healthy();
  EXPECT_FALSE(status().paused);
}

TEST_F(SchedulesTest, random_faults_never_give_a_due_time_two_jobs) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    store = {};
    pending.reset();
    wall_offset = 0;
    use_zones();
    set_clock("2026-11-30 12:00");
    c = Peer{};
    join(c, next_identity());
    commit();
    std::minstd_rand random(seed);
    auto wanted = schedule("*/3 * * * *", static_cast<std::uint8_t>(seed));
    wanted.overlap = Overlap::queue;
    answer_to(wanted);
    for (int step = 0; step < 200; ++step) {
      const auto what = random() % 10;
      if (what == 0) {
        restart();
      } else if (what == 1) {
        now += std::chrono::seconds(random() % 600);
        restart();
      } else if (what == 2) {
        now += std::chrono::seconds(random() % 200);
        turn();  // perhaps a commit that is lost
        restart();
      } else if (what == 3) {
        wall_offset += static_cast<std::int64_t>(random() % 600'000) - 300'000;
        tell_clock();
      } else {
        now += std::chrono::milliseconds(random() % 2500);
      }
      tell(c, wire::Beat{});
      commit();
      for (const JobStatus& one : all_jobs())
        if (!is_final(one.state) && random() % 4 == 0) cancel(one.number);
    }
    std::map<std::string, int> by_due;
    for (const JobStatus& one : all_jobs()) ++by_due[job(value(one.number)).metadata.at("due")];
    EXPECT_GT(by_due.size(), 3U);
    for (const auto& [due, count] : by_due) EXPECT_EQ(count, 1) << due;
  }
}

}  // namespace
}  // namespace quern::broker
