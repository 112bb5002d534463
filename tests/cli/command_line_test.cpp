#include <gtest/gtest.h>

#include "cli/output/progress.hpp"
#include "cli/request/run_request.hpp"
#include "cli/syntax/job_id.hpp"
#include "cli/syntax/options.hpp"
#include "cli/syntax/states.hpp"
#include "cli/syntax/task_intervals.hpp"

namespace quern::cli {
namespace {

TEST(JobIdText, job_ids_are_parsed) {
  EXPECT_EQ(job_id("12"), (JobId{JobNumber{12}, std::nullopt}));
  EXPECT_EQ(job_id("12.0"), (JobId{JobNumber{12}, 0}));
  EXPECT_EQ(job_id("12.3456"), (JobId{JobNumber{12}, 3456}));
}

TEST(JobIdText, invalid_job_ids_are_refused) {
  for (const char* text :
       {"", "0", "-1", "x", "12.", ".5", "12.x", "1.2.3", " 1", "99999999999999999999"})
    EXPECT_THROW(job_id(text), UsageError) << text;
  EXPECT_THROW(job_number("12.5"), UsageError);
}

TEST(StatesText, states_are_parsed) {
  EXPECT_EQ(job_states("running"), std::vector{JobState::running});
  EXPECT_EQ(job_states("done,failed"), (std::vector{JobState::done, JobState::failed}));
}

TEST(StatesText, invalid_states_are_refused) {
  for (const char* text : {"", ",", "running,", "Running", "unknown", "done failed"})
    EXPECT_THROW(job_states(text), UsageError) << text;
}

TEST(TaskIntervalsText, intervals_are_parsed) {
  EXPECT_EQ(task_intervals("0:5"), (std::vector<TaskInterval>{{0, 5}}));
  EXPECT_EQ(task_intervals("0:5,9:10"), (std::vector<TaskInterval>{{0, 5}, {9, 10}}));
}

TEST(TaskIntervalsText, invalid_intervals_are_refused) {
  for (const char* text :
       {"", "5", "5:", ":5", "5:5", "6:5", "-1:5", "0:5,", "0:99999999999999999999"})
    EXPECT_THROW(task_intervals(text), UsageError) << text;
}

TEST(RangeText, ranges_are_parsed) {
  EXPECT_EQ(range_of("1:101"), (Range{1, 101}));
  EXPECT_EQ(range_of("-5:5"), (Range{-5, 5}));
  EXPECT_EQ(range_of("7:7"), (Range{7, 7}));
  EXPECT_EQ(range_of("-9223372036854775808:0").size(), 1ULL << 63);
}

TEST(RangeText, invalid_ranges_are_refused) {
  for (const char* text :
       {"", ":", "1", "1:", ":1", "a:b", "1:2:3", "1.5:2", "2:1", "1 :2", "0:9223372036854775808"})
    EXPECT_THROW(range_of(text), UsageError) << text;
}

TEST(RunRequestOptions, options_have_their_defaults) {
  const auto request = run_request({"sum", "--range", "1:3"});
  ASSERT_TRUE(request);
  EXPECT_EQ(request->function, "sum");
  EXPECT_EQ(request->submit, SubmitOptions{});
  EXPECT_EQ(std::get<Range>(request->input), (Range{1, 3}));
  EXPECT_EQ(request->order, Order::input);
}

TEST(RunRequestOptions, every_option_is_parsed) {
  const auto request =
      run_request({"f",      "--input",   "x",           "--reduce",   "sum",   "--priority",
                   "-3",     "--weight",  "2.5",         "--timeout",  "0.25",  "--retries",
                   "0",      "--name",    "n",           "--unique",   "k",     "--require",
                   "a=b",    "--require", "c=d=e",       "--resource", "gpu=1", "--durability",
                   "memory", "--detach",  "--unordered", "--json"});
  ASSERT_TRUE(request);
  SubmitOptions expected;
  expected.reduce = "sum";
  expected.priority = -3;
  expected.weight = 2.5;
  expected.timeout = std::chrono::milliseconds(250);
  expected.attempts = 1;
  expected.name = "n";
  expected.unique = "k";
  expected.require = {{"a", "b"}, {"c", "d=e"}};
  expected.resources = {{"gpu", 1}};
  expected.durability = Durability::memory;
  expected.detach = true;
  EXPECT_EQ(request->submit, expected);
  EXPECT_EQ(request->order, Order::completion);
  EXPECT_EQ(request->format, Format::json);
}

TEST(ProgressLine, a_running_job_shows_progress_rate_and_time_left) {
  Progress progress;
  progress.state = JobState::running;
  progress.total = 100;
  progress.done = 25;
  progress.rate = 10;
  progress.eta_s = 7.5;
  progress.workers = 3;
  EXPECT_EQ(progress_line(progress),
            "[######                  ] 25/100  25.0 %  10/s  7.5 s left  3 workers");
}

TEST(ProgressLine, an_open_job_shows_no_percentage_and_no_time_left) {
  Progress progress;
  progress.state = JobState::running;
  progress.open = true;
  progress.total = 2000;
  progress.done = 1500;
  progress.failed = 2;
  progress.eta_s = 1;
  progress.workers = 1;
  EXPECT_EQ(progress_line(progress), "1.5k of 2.0k so far  1 worker  2 failed");
}

TEST(ProgressLine, a_waiting_job_shows_the_reason) {
  Progress progress;
  progress.reason = "nobody offers `f`";
  EXPECT_EQ(progress_line(progress), "waiting: nobody offers `f`");
}

}  // namespace
}  // namespace quern::cli
