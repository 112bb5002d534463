// CANCEL and RETRY of some tasks, and how many it would be.
#include "broker/jobs_fixture.hpp"

namespace quern::broker {
namespace {

class SelectionTest : public JobsTest {
 protected:
  /// A job of six tasks that has ended. Tasks 0 and 1 failed in one run ("disk"), 2 and 3 timed
  /// out, 4 and 5 are done.
  void fail_some() {
    client(c);
    worker(w);
    wire::Submit job = items_job(1, {"0", "1", "2", "3", "4", "5"});
    job.options.attempts = 1;
    job.options.detach = true;
    send(c, job);
    serve([](const wire::Lease& lease) {
      wire::Report report{{lease.lease, 0}, true, false, {}, {}, {}, 10, {}};
      wire::BatchBuilder results;
      for (const auto& tasks : lease.tasks) {
        for (std::uint64_t i = tasks.begin; i < tasks.end; ++i) {
          if (i >= 4) {
            report.tasks.push_back({i, i + 1});
            results.add("done");
          } else if (i < 2) {
            report.errors.push_back({i, 1, ErrorCode::failed, "disk"});
          } else {
            report.errors.push_back({i, 1, ErrorCode::timeout, "over 1 s"});
          }
        }
      }
      report.batch = results.take();
      return report;
    });
    ASSERT_EQ(last_update().status.failed, 4u);
  }
  template <typename M>
  std::optional<wire::JobUpdate> answer(M message) {
    message.token = 7;
    message.job = uuid(1);
    c.inbox.clear();
    send(c, message);
    for (const auto& received : c.inbox)
      if (const auto* update = std::get_if<wire::JobUpdate>(&received);
          update && update->token == 7)
        return *update;
    return std::nullopt;
  }
  std::uint64_t touched(wire::Retry retry) {
    retry.dry_run = true;
    const auto update = answer(std::move(retry));
    return update ? update->touched : 99;
  }
};

TEST_F(SelectionTest, a_dry_run_of_retry_counts_what_meets_all_conditions) {
  fail_some();
  EXPECT_EQ(touched({}), 4u);
  EXPECT_EQ(touched({.tasks = {{1, 3}}}), 2u);
  EXPECT_EQ(touched({.tasks = {{4, 6}}}), 0u);
  EXPECT_EQ(touched({.code = ErrorCode::timeout}), 2u);
  EXPECT_EQ(touched({.text = "disk"}), 2u);
  EXPECT_EQ(touched({.text = "Disk"}), 0u);
  EXPECT_EQ(touched({.code = ErrorCode::timeout, .text = "disk"}), 0u);
  EXPECT_EQ(touched({.tasks = {{0, 1}, {3, 6}}, .code = ErrorCode::failed}), 1u);
  EXPECT_TRUE(leases_of(w).empty()) << "nothing runs again";
}

TEST_F(SelectionTest, the_text_of_an_error_group_selects_all_of_its_tasks) {
  fail_some();  // the timeouts say "over 1 s"
  EXPECT_EQ(touched({.text = "over <n> s"}), 2u);
  EXPECT_EQ(touched({.text = "over 1 s"}), 2u);
  for (const char* other : {"over <n>", "over <n><n> s", "<n>", "over n s", "over 2 s", "<n> s",
                            "over <n> seconds", "over  s"})
    EXPECT_EQ(touched({.text = other}), 0u) << other;
}

TEST_F(SelectionTest, only_the_selected_tasks_run_again) {
  fail_some();
  const auto update = answer(wire::Retry{.code = ErrorCode::timeout});
  ASSERT_TRUE(update);
  EXPECT_EQ(update->touched, 2u);
  EXPECT_EQ(update->status.failed, 2u);
  EXPECT_FALSE(is_final(update->status.state));
  c.inbox.clear();
  serve([](const wire::Lease& lease) {
    for (const auto& tasks : lease.tasks) EXPECT_TRUE(tasks.begin >= 2 && tasks.end <= 4);
    return echo(lease);
  });
  const auto after = last_update();
  EXPECT_EQ(after.status.state, JobState::failed);
  EXPECT_EQ(after.status.done, 4u);
  EXPECT_EQ(after.status.failed, 2u);
  EXPECT_EQ(touched({}), 2u) << "the others can still be retried";
}

TEST_F(SelectionTest, a_retry_of_nothing_is_refused) {
  fail_some();
  EXPECT_FALSE(answer(wire::Retry{.text = "no such error"}));
  ASSERT_TRUE(std::holds_alternative<wire::ErrorMessage>(c.inbox.back()));
  EXPECT_EQ(std::get<wire::ErrorMessage>(c.inbox.back()).code, ErrorCode::bad_input);
}

TEST_F(SelectionTest, a_dry_run_of_cancel_cancels_nothing) {
  client(c);
  send(c, items_job(1, {"0", "1", "2", "3"}, "absent"));
  wire::Cancel cancel;
  cancel.dry_run = true;
  EXPECT_EQ(answer(cancel)->touched, 4u);
  cancel.tasks = {{1, 3}, {3, 100}};
  EXPECT_EQ(answer(cancel)->touched, 3u);
  cancel.tasks = {{50, 60}};
  EXPECT_EQ(answer(cancel)->touched, 0u);
  EXPECT_EQ(answer(cancel)->status.cancelled, 0u);
  cancel.dry_run = false;
  cancel.tasks = {{1, 3}};
  EXPECT_EQ(answer(cancel)->touched, 2u);
  cancel.dry_run = true;
  cancel.tasks = {};
  EXPECT_EQ(answer(cancel)->touched, 2u);
  cancel.waiting = true;
  EXPECT_EQ(answer(cancel)->touched, 2u);
}

TEST_F(SelectionTest, the_errors_of_a_run_are_split_when_a_part_of_it_runs_again) {
  ResultLog log;
  log.put({.errors = {{0, 10, ErrorCode::failed, "disk"}, {20, 1, ErrorCode::failed, "net"}}});
  wire::IntervalSet again;
  again.add({3, 5});
  EXPECT_EQ(log.erase_errors(again), std::vector<std::uint64_t>{0});
  EXPECT_EQ(log.at(0).errors, (std::vector<TaskError>{{0, 3, ErrorCode::failed, "disk"},
                                                      {5, 5, ErrorCode::failed, "disk"},
                                                      {20, 1, ErrorCode::failed, "net"}}));
  wire::IntervalSet others;
  others.add({12, 15});
  EXPECT_TRUE(log.erase_errors(others).empty());
}

}  // namespace
}  // namespace quern::broker
