// Failed tasks, lost workers, and reports that arrive late, twice or forged.
#include "broker/jobs_fixture.hpp"

namespace quern::broker {
namespace {

TEST_F(JobsTest, a_task_is_retried_and_then_fails_with_its_own_text_while_others_finish) {
  client(c);
  worker(w, 200, 4);
  wire::Submit submit = items_job(1, {"good", "bad", "fine"});
  submit.options.attempts = 2;
  send(c, submit);
  expect<wire::Accepted>(c);
  int runs = 0;
  const auto answer = [&](const wire::Lease& lease) {
    if (items_of(lease.batch).at(0) != "bad") return echo(lease);
    EXPECT_EQ(lease.attempt, static_cast<std::uint32_t>(++runs));
    return failure(lease, "no such thing");
  };
  serve(answer);
  EXPECT_EQ(runs, 1) << "not before the back-off has passed";
  pass(300ms, {&w, &c});
  serve(answer);
  EXPECT_EQ(runs, 2);
  std::vector<TaskError> errors;
  std::uint64_t results = 0;
  for (auto& message : c.inbox) {
    if (auto* r = std::get_if<wire::Results>(&message)) {
      errors.insert(errors.end(), r->errors.begin(), r->errors.end());
      results += wire::size(r->tasks);
    }
  }
  EXPECT_EQ(errors, (std::vector<TaskError>{{1, 1, ErrorCode::failed, "no such thing"}}));
  EXPECT_EQ(results, 2u);
  const auto update = last_update();
  EXPECT_EQ(update.status.state, JobState::failed);
  EXPECT_EQ(update.status.failed, 1u);
  EXPECT_EQ(update.status.done, 2u);
}

TEST_F(JobsTest, a_failing_range_is_halved_until_only_the_bad_task_fails) {
  client(c);
  worker(w);
  wire::Submit submit = range_job(1, 0, 1000);
  submit.options.attempts = 2;
  submit.options.backoff_ms = 0;
  send(c, submit);
  const auto answer = [&](const wire::Lease& lease) {
    wire::IntervalSet tasks(lease.tasks);
    return tasks.contains(std::uint64_t{123}) ? failure(lease, "123 is unlucky") : sum(lease, 1);
  };
  for (int i = 0; i < 200 && core.status(now).jobs > 0; ++i) {
    serve(answer);
    pass(500ms, {&w, &c});
  }
  const auto update = last_update();
  EXPECT_EQ(update.status.state, JobState::failed);
  EXPECT_EQ(update.status.failed, 1u);
  EXPECT_EQ(update.status.done, 999u);
  ASSERT_TRUE(update.has_value) << "the partial result is available";
  EXPECT_EQ(update.value.view(), wire::bytes_of(wire::Int128{499'500 - 123}));
}

TEST_F(JobsTest, tasks_of_a_lost_worker_go_to_another_and_its_late_report_is_dropped) {
  client(c);
  worker(w);
  send(c, items_job(1, {"a"}));
  const auto lease = expect<wire::Lease>(w);
  Peer other;
  worker(other, 201);
  expect_nothing(other);
  pass(4s, {&other, &c});
  const auto again = expect<wire::Lease>(other);
  EXPECT_EQ(again.tasks, lease.tasks);
  send(other, echo(again));
  expect<wire::Reported>(other);
  // The frozen worker wakes up: its session has ended, and its new session does not get the lease
  // back.
  send(w, echo(lease));
  expect<wire::HelloAgain>(w);
  Peer awake;
  wire::Hello hello = worker_hello(200);
  hello.worker->held = {{lease.lease, lease.job, lease.tasks, true}};
  connect(awake, hello);
  EXPECT_EQ(expect<wire::Welcome>(awake).dropped.size(), 1u);
  send(awake, echo(lease));
  expect<wire::Reported>(awake);
  EXPECT_EQ(core.counters().late, 1u);
  EXPECT_EQ(last_update().status.done, 1u);
}

TEST_F(JobsTest, a_report_sent_twice_counts_once) {
  client(c);
  worker(w);
  send(c, items_job(1, {"a", "b"}));
  const auto lease = expect<wire::Lease>(w);
  wire::Report part = echo(lease);
  part.last = false;
  send(w, part);
  send(w, part);
  expect<wire::Reported>(w);
  expect<wire::Reported>(w);
  send(c, wire::Query{1, wire::QueryWhat::job, uuid(1), {}, 1});
  for (; !c.inbox.empty(); c.inbox.pop_front())
    if (auto* answer = std::get_if<wire::Answer>(&c.inbox.front())) {
      EXPECT_EQ(answer->jobs.at(0).done, 1u);
    }
}

TEST_F(JobsTest, tasks_missing_from_the_last_report_are_granted_again) {
  client(c);
  worker(w);
  send(c, items_job(1, {"a"}));
  const auto lease = expect<wire::Lease>(w);
  send(w, wire::Report{{lease.lease, 0}, true, false, {}, {}, {}, 0, {}});
  expect<wire::Reported>(w);
  EXPECT_EQ(expect<wire::Lease>(w).tasks, lease.tasks);
}

TEST_F(JobsTest, a_report_of_tasks_outside_the_lease_ends_the_session) {
  client(c);
  worker(w);
  send(c, items_job(1, {"a", "b", "c"}));
  const auto lease = expect<wire::Lease>(w);
  send(w, wire::Report{{lease.lease, 0}, true, false, {{1, 3}}, {}, {}, 0, batch_of({"x", "y"})});
  EXPECT_TRUE(expect<wire::ErrorMessage>(w).fatal);
  EXPECT_FALSE(core.knows(w.id));
}

TEST_F(JobsTest, a_partial_for_a_job_without_a_reducer_ends_the_session) {
  client(c);
  worker(w, 200, 4);
  send(c, items_job(1, {"a", "b", "c"}));
  expect<wire::Accepted>(c);
  wire::Report report = echo(expect<wire::Lease>(w));
  report.partial = true;  // one payload for all tasks instead of one for each
  report.batch = batch_of({"forged"});
  send(w, report);
  EXPECT_FALSE(core.knows(w.id));
  EXPECT_TRUE(std::none_of(c.inbox.begin(), c.inbox.end(), [](const auto& message) {
    return std::holds_alternative<wire::Results>(message);
  }));
}

TEST_F(JobsTest, a_task_that_repeatedly_takes_down_its_worker_is_failed_as_poison) {
  client(c);
  send(c, items_job(1, {"a"}));
  for (std::uint8_t i = 0; i < 4; ++i) {
    Peer victim;
    worker(victim, static_cast<std::uint8_t>(210 + i));
    expect<wire::Lease>(victim);
    pass(4s, {&c});
    peers.erase(victim.id);
  }
  const auto update = last_update();
  EXPECT_EQ(update.status.state, JobState::failed);
  EXPECT_EQ(update.status.failed, 1u);
}

TEST_F(JobsTest, tasks_that_shared_a_lease_with_a_poison_task_do_not_fail) {
  client(c);
  worker(w);
  std::vector<std::string> items(64, "good");
  items[20] = "bad";
  send(c, items_job(1, items));
  std::uint8_t identity = 0;
  for (int round = 0; round < 100 && core.status(now).jobs > 0; ++round) {
    bool died = false;
    while (!w.inbox.empty() && !died) {
      wire::Message message = std::move(w.inbox.front());
      w.inbox.pop_front();
      auto* lease = std::get_if<wire::Lease>(&message);
      if (!lease) continue;
      const auto payloads = items_of(lease->batch);
      died = std::count(payloads.begin(), payloads.end(), "bad") > 0;
      if (!died) send(w, echo(*lease, 1));
    }
    if (!died) continue;
    w.inbox.clear();
    pass(4s, {&c});
    worker(w, ++identity);
  }
  const auto update = last_update();
  EXPECT_EQ(update.status.failed, 1u);
  EXPECT_EQ(update.status.done, 63u);
}

TEST_F(JobsTest, a_permanent_failure_of_a_merge_or_finishing_step_is_not_retried) {
  struct Case {
    std::string function, reduce;
    wire::LeaseKind kind;
  };
  client(c);
  worker(w);
  std::uint8_t number = 0;
  for (const Case& each :
       {Case{"sum", "merge", wire::LeaseKind::merge}, Case{"pi", "sum", wire::LeaseKind::finish}}) {
    // Two tasks, so that there is only one merge, and none has been granted when it fails.
    wire::Submit submit = range_job(++number, 0, 2, each.function);
    submit.options.reduce = each.reduce;
    submit.options.attempts = 5;
    send(c, submit);
    int failures = 0;
    serve([&](const wire::Lease& lease) {
      if (lease.kind != each.kind) return sum(lease, 1);
      ++failures;
      wire::Report report = failure(lease, "no use");
      report.errors = {{lease.tasks.front().begin, 1, ErrorCode::permanent, "no use"}};
      return report;
    });
    EXPECT_EQ(failures, 1) << each.function;
    const auto update = last_update();
    EXPECT_EQ(update.status.state, JobState::failed) << each.function;
    EXPECT_NE(update.status.reason.find("no use"), std::string::npos) << update.status.reason;
  }
}

TEST_F(JobsTest, the_output_of_a_failed_task_comes_with_its_last_failure) {
  client(c);
  worker(w);
  wire::Submit job = items_job(1, {"bad", "bad"});
  job.options.attempts = 2;
  job.options.backoff_ms = 1;
  send(c, job);
  expect<wire::Accepted>(c);
  serve([](const wire::Lease& lease) {
    EXPECT_EQ(lease.attempts, 2u);
    return failure_that_wrote(lease);
  });
  pass(300ms, {&w, &c});
  serve(failure_that_wrote);
  std::vector<std::string> written;
  for (auto& message : c.inbox) {
    auto* r = std::get_if<wire::Results>(&message);
    if (!r || r->written.empty()) continue;
    EXPECT_TRUE(r->tasks.empty());
    for (const auto& item : items_of(r->batch)) written.push_back(item);
  }
  EXPECT_EQ(written, (std::vector<std::string>{"attempt 2", "attempt 2"}));
  EXPECT_EQ(last_update().status.failed, 2u);
}

TEST_F(JobsTest, an_input_that_the_function_cannot_take_fails_with_advice) {
  client(c);
  worker(w);
  send(c, items_job(1, {"a"}, "sum"));
  const auto update = last_update();
  EXPECT_EQ(update.status.state, JobState::failed);
  EXPECT_NE(update.status.reason.find("--range A:B"), std::string::npos);
}

}  // namespace
}  // namespace quern::broker
