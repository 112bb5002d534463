// What tasks say about themselves on its way to the broker, what they know about their job, and
// which errors are tried again.
#include "worker/slot_fixture.hpp"

namespace quern::worker {
namespace {

using Errors = std::vector<TaskError>;

class NotebookTest : public ::testing::Test {
 protected:
  std::vector<TaskNote> posted;
  Notebook notebook{{7, 1}, [this](wire::Notes notes) {
                      EXPECT_EQ(notes.lease, (wire::LeaseId{7, 1}));
                      for (auto& note : notes.notes) posted.push_back(std::move(note));
                    }};
  Notebook::Clock::time_point now{1000s};
};

TEST_F(NotebookTest, lines_are_posted_as_they_are_said) {
  notebook.log(3, "started", now);
  EXPECT_EQ(posted, std::vector<TaskNote>({{.task = 3, .text = "started"}}));
}

TEST_F(NotebookTest, too_many_lines_are_counted_instead_of_sent) {
  for (int i = 0; i < 150; ++i) notebook.log(0, "x", now);
  EXPECT_EQ(posted.size(), 100u);
  now += 1s;
  notebook.log(0, "y", now);
  ASSERT_EQ(posted.size(), 101u);
  EXPECT_EQ(posted.back().text, "(50 lines were left out: more than 100 in a second) y");
  notebook.log(0, "z", now);
  EXPECT_EQ(posted.back().text, "z");
}

TEST_F(NotebookTest, progress_is_thinned_out_except_for_the_first_and_the_last_of_a_task) {
  for (int i = 0; i <= 1000; ++i) notebook.progress(0, i / 1000.0, "", now + i * 1ms);
  EXPECT_GE(posted.size(), 10u);
  EXPECT_LE(posted.size(), 12u);
  EXPECT_EQ(posted.front().progress, 0);
  EXPECT_EQ(posted.back().progress, 1);
  notebook.progress(1, 0.1, "next", now + 1001ms);
  EXPECT_EQ(posted.back().task, 1u);
  EXPECT_EQ(posted.back().text, "next");
}

TEST_F(NotebookTest, progress_that_is_no_part_is_clamped_or_ignored) {
  notebook.progress(0, 7, "", now);
  EXPECT_EQ(posted.at(0).progress, 1);
  notebook.progress(1, -1, "", now);
  notebook.progress(1, std::numeric_limits<double>::quiet_NaN(), "", now);
  EXPECT_EQ(posted.size(), 1u);
}

TEST_F(NotebookTest, text_is_made_fit_for_a_message) {
  notebook.log(0, "K\xffse " + std::string(5000, 'x'), now);
  EXPECT_EQ(posted.at(0).text.size(), 4096u);
  EXPECT_EQ(posted.at(0).text.substr(0, 5), "K?se ");
}

TEST_F(SlotTest, a_task_knows_the_number_of_its_job_and_has_no_metadata_by_default) {
  functions.add("ask", [](int, Task& task) {
    return static_cast<int>(value(task.job())) + static_cast<int>(task.metadata().size());
  });
  wire::Lease lease = items(1, "ask");
  lease.number = JobNumber{12};
  const auto reports = run(lease);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].batch.bytes.view(), to_value(12));
}

TEST_F(SlotTest, an_error_that_no_retry_can_mend_is_reported_as_permanent) {
  functions.add(
      "choosy", [](int x) -> int { throw std::runtime_error(x == 0 ? "never" : "later"); },
      {.retry = [](const std::exception& error) { return std::string(error.what()) != "never"; }});
  wire::Lease lease = items(2, "choosy");
  EXPECT_EQ(errors(run(lease)),
            (Errors{{0, 1, ErrorCode::permanent, "never"}, {1, 1, ErrorCode::failed, "later"}}));
}

TEST_F(SlotTest, a_retry_predicate_that_throws_means_yes) {
  functions.add(
      "odd", [](int) -> int { throw std::runtime_error("stones"); },
      {.retry = [](const std::exception&) -> bool { throw std::runtime_error("no idea"); }});
  EXPECT_EQ(errors(run(items(1, "odd"))), (Errors{{0, 1, ErrorCode::failed, "stones"}}));
}

TEST_F(WorkerCoreTest, notes_of_a_running_lease_pass_through_and_others_are_dropped) {
  welcome();
  say(item_lease(1, {{0, 2}}));
  const wire::Notes notes{id(1), {{.task = 0, .text = "started"}}};
  core.handle(kFirst, notes);
  EXPECT_EQ(effects(), Lines{"NOTES"});
  core.handle(kSecond, notes);
  core.handle(kFirst, wire::Notes{id(2), {}});
  EXPECT_EQ(effects(), Lines{});
  core.on_lost("gone", now);
  effects();
  core.handle(kFirst, notes);
  EXPECT_EQ(effects(), Lines{});
}

TEST_F(WorkerCoreTest, metadata_arrives_with_the_run_of_a_lease) {
  welcome();
  wire::Lease lease = item_lease(1, {{0, 1}});
  lease.common = true;
  core.on_message({kSession, wire::Common{lease.job, {}, {}, {{"experiment", "7"}}}}, now);
  core.on_message({kSession, lease}, now);
  Effects taken;
  core.take_effects(taken);
  for (const auto& effect : taken)
    if (const auto* start = std::get_if<StartRun>(&effect)) {
      ASSERT_TRUE(start->common.metadata);
      EXPECT_EQ(start->common.metadata->at("experiment"), "7");
      return;
    }
  ADD_FAILURE() << "the lease was not started";
}

}  // namespace
}  // namespace quern::worker
