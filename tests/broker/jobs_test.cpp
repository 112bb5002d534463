#include "broker/broker_fixture.hpp"

namespace quern::broker {
namespace {

class Jobs : public BrokerTest {
 protected:
  Peer c, w;

  /// The worker answers every lease with `answer` until none is left.
  template <typename F>
  void serve(F answer) {
    while (!w.inbox.empty()) {
      wire::Message message = std::move(w.inbox.front());
      w.inbox.pop_front();
      if (auto* lease = std::get_if<wire::Lease>(&message)) send(w, answer(*lease));
    }
  }

  /// Answers leases of one task (they measure) until one has more.
  wire::Lease larger_lease(std::uint64_t busy_us) {
    while (!w.inbox.empty()) {
      wire::Message message = std::move(w.inbox.front());
      w.inbox.pop_front();
      auto* lease = std::get_if<wire::Lease>(&message);
      if (lease && wire::size(lease->tasks) > 1) return *lease;
      if (lease) send(w, echo(*lease, busy_us));
    }
    ADD_FAILURE() << "no lease of several tasks";
    return {};
  }

  /// Every task of the lease fails, and says at which attempt.
  static wire::Report failure_that_wrote(const wire::Lease& lease) {
    wire::Report report = failure(lease, "no such thing");
    report.written = lease.tasks;
    report.batch = batch_of(std::vector<std::string>(wire::size(lease.tasks), "attempt " + std::to_string(lease.attempt)));
    return report;
  }

  void cancel_waiting() {
    wire::Cancel cancel{5, uuid(1), {}, {}};
    cancel.waiting = true;
    send(c, cancel);
  }

  wire::JobUpdate last_update() {
    std::optional<wire::JobUpdate> update;
    for (auto& message : c.inbox)
      if (auto* u = std::get_if<wire::JobUpdate>(&message)) update = *u;
    EXPECT_TRUE(update) << "no JOB arrived";
    c.inbox.clear();
    return update.value_or(wire::JobUpdate{});
  }
};

TEST_F(Jobs, a_range_is_carved_in_growing_leases_and_summed) {
  client(c);
  worker(w);
  send(c, range_job(1, 1, 10'001));
  EXPECT_EQ(expect<wire::Accepted>(c).number, JobNumber{1});
  ASSERT_FALSE(w.inbox.empty());
  EXPECT_EQ(wire::size(std::get<wire::Lease>(w.inbox.front()).tasks), 1u) << "an unknown function starts with one task";
  std::uint64_t leases = 0;
  serve([&](const wire::Lease& lease) {
    ++leases;
    EXPECT_EQ(lease.reduce, "sum");
    return sum(lease, wire::size(lease.tasks));  // a microsecond each
  });
  EXPECT_GT(leases, 3u);
  EXPECT_LT(leases, 60u);
  const auto update = last_update();
  EXPECT_EQ(update.status.state, JobState::done);
  EXPECT_TRUE(update.status.divisible);
  ASSERT_TRUE(update.has_value);
  EXPECT_EQ(update.value.view(), wire::bytes_of(wire::Int128{50'005'000}));
}

TEST_F(Jobs, a_range_of_a_million_million_costs_no_memory) {
  client(c);
  send(c, range_job(1, 0, 1'000'000'000'000));
  EXPECT_EQ(core.memory_used(), 0u);
}

TEST_F(Jobs, items_come_back_and_acknowledged_ones_free_the_memory) {
  client(c);
  worker(w, 200, 3);
  send(c, items_job(1, {"a", "bb", "ccc"}));
  expect<wire::Accepted>(c);
  serve([](const wire::Lease& lease) { return echo(lease); });
  std::map<std::uint64_t, std::string> got;
  std::uint64_t cursor = 0;
  while (!c.inbox.empty() && std::holds_alternative<wire::Results>(c.inbox.front())) {
    const auto results = expect<wire::Results>(c);
    EXPECT_EQ(results.seq, cursor++);
    const auto payloads = items_of(results.batch);
    std::size_t n = 0;
    for (const auto& tasks : results.tasks)
      for (auto i = tasks.begin; i < tasks.end; ++i) EXPECT_TRUE(got.emplace(i, payloads.at(n++)).second);
  }
  EXPECT_EQ(got, (std::map<std::uint64_t, std::string>{{0, "a"}, {1, "bb"}, {2, "ccc"}}));
  EXPECT_EQ(expect<wire::JobUpdate>(c).entries, cursor);
  EXPECT_GT(core.memory_used(), 0u);
  send(c, wire::Ack{uuid(1), cursor, true});
  EXPECT_EQ(core.memory_used(), 0u);
}

TEST_F(Jobs, a_failed_task_is_tried_again_then_fails_with_its_own_text_and_the_others_finish) {
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
  EXPECT_EQ(runs, 1) << "not before its back-off";
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

TEST_F(Jobs, a_failing_range_is_halved_until_only_the_culprit_fails) {
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
  ASSERT_TRUE(update.has_value) << "the partial result is there";
  EXPECT_EQ(update.value.view(), wire::bytes_of(wire::Int128{499'500 - 123}));
}

TEST_F(Jobs, a_lost_workers_tasks_go_to_another_and_its_late_report_is_dropped) {
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
  // The frozen worker wakes: its session is over, and with a new one its lease is not its own any more.
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

TEST_F(Jobs, a_report_sent_twice_counts_once) {
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

TEST_F(Jobs, what_no_report_names_goes_back) {
  client(c);
  worker(w);
  send(c, items_job(1, {"a"}));
  const auto lease = expect<wire::Lease>(w);
  send(w, wire::Report{{lease.lease, 0}, true, false, {}, {}, {}, 0, {}});
  expect<wire::Reported>(w);
  EXPECT_EQ(expect<wire::Lease>(w).tasks, lease.tasks);
}

TEST_F(Jobs, a_report_of_tasks_that_were_not_leased_ends_the_session) {
  client(c);
  worker(w);
  send(c, items_job(1, {"a", "b", "c"}));
  const auto lease = expect<wire::Lease>(w);
  send(w, wire::Report{{lease.lease, 0}, true, false, {{1, 3}}, {}, {}, 0, batch_of({"x", "y"})});
  EXPECT_TRUE(expect<wire::ErrorMessage>(w).fatal);
  EXPECT_FALSE(core.knows(w.id));
}

TEST_F(Jobs, a_task_that_takes_its_worker_down_again_and_again_is_poisonous) {
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

TEST_F(Jobs, innocents_that_shared_a_lease_with_a_poisonous_task_are_not_failed) {
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

TEST_F(Jobs, what_a_failed_task_had_written_comes_with_its_last_failure) {
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

TEST_F(Jobs, cancelling_what_waits_lets_the_rest_end) {
  client(c);
  worker(w);
  send(c, items_job(1, {"a", "b", "c"}));
  const auto lease = expect<wire::Lease>(w);
  cancel_waiting();
  EXPECT_EQ(expect<wire::Reclaim>(w).lease, lease.lease);
  send(w, wire::Reclaimed{lease.lease, {}});
  send(w, echo(lease));
  expect<wire::Reported>(w);
  const auto update = last_update();
  EXPECT_EQ(update.status.state, JobState::cancelled);
  EXPECT_EQ(update.status.done, wire::size(lease.tasks));
  EXPECT_EQ(update.status.cancelled, 3 - wire::size(lease.tasks));
  EXPECT_TRUE(w.inbox.empty()) << "no further lease";
}

TEST_F(Jobs, cancelling_what_waits_closes_an_open_job) {
  client(c);
  worker(w);
  wire::Submit job = items_job(1, {"a"});
  job.open = true;
  send(c, job);
  const auto lease = expect<wire::Lease>(w);
  cancel_waiting();
  send(c, wire::Append{uuid(1), 1, true, batch_of({"late"}), {}});
  for (const auto& message : c.inbox) EXPECT_FALSE(std::holds_alternative<wire::ErrorMessage>(message));
  send(w, wire::Reclaimed{lease.lease, {}});
  send(w, echo(lease));
  const auto update = last_update();
  EXPECT_EQ(update.status.state, JobState::done) << "its client reads a terminal, and need not come to its end";
  EXPECT_EQ(update.status.total, 1u);
}

TEST_F(Jobs, what_is_given_back_while_waiting_is_cancelled_is_not_granted_again) {
  client(c);
  worker(w);
  send(c, items_job(1, {"a", "b"}));
  const auto lease = expect<wire::Lease>(w);
  cancel_waiting();
  expect<wire::Reclaim>(w);
  send(w, wire::Reclaimed{lease.lease, lease.tasks});
  wire::Report nothing;
  nothing.id = {lease.lease, 0};
  nothing.last = true;
  send(w, nothing);
  const auto update = last_update();
  EXPECT_EQ(update.status.state, JobState::cancelled);
  EXPECT_EQ(update.status.cancelled, 2u);
}

TEST_F(Jobs, cancelling_a_job_fences_its_leases) {
  client(c);
  worker(w);
  send(c, items_job(1, {"a", "b"}));
  const auto lease = expect<wire::Lease>(w);
  send(c, wire::Cancel{5, uuid(1), {}, {}});
  EXPECT_EQ(expect<wire::Revoke>(w).leases, (std::vector<wire::LeaseId>{lease.lease}));
  const auto update = last_update();
  EXPECT_EQ(update.status.state, JobState::cancelled);
  EXPECT_EQ(update.status.cancelled, 2u);
  send(w, echo(lease));
  expect<wire::Reported>(w);
  EXPECT_EQ(core.counters().late, 1u);
}

TEST_F(Jobs, cancelling_one_task_of_a_lease_keeps_the_others) {
  client(c);
  wire::Hello hello = worker_hello(200);
  hello.worker->functions[0].rate = 1e6;
  connect(w, hello);
  expect<wire::Welcome>(w);
  send(c, items_job(1, std::vector<std::string>(30, "x")));
  const auto lease = larger_lease(1);
  const std::uint64_t victim = lease.tasks[0].begin + 1;
  send(c, wire::Cancel{5, uuid(1), {}, {{victim, victim + 1}}});
  send(w, echo(lease));
  serve([](const wire::Lease& l) { return echo(l); });
  std::uint64_t results = 0, errors = 0;
  for (auto& message : c.inbox) {
    if (auto* r = std::get_if<wire::Results>(&message)) {
      results += wire::size(r->tasks);
      for (const auto& e : r->errors) errors += e.count;
      for (const auto& tasks : r->tasks) EXPECT_FALSE(tasks.contains(victim));
    }
  }
  EXPECT_EQ(results, 29u);
  EXPECT_EQ(errors, 1u);
  EXPECT_EQ(last_update().status.state, JobState::cancelled) << "not done: a result is missing";
}

TEST_F(Jobs, appends_are_idempotent_and_gaps_are_errors) {
  client(c);
  wire::Submit submit = items_job(1, {"0", "1"});
  submit.open = true;
  send(c, submit);
  expect<wire::Accepted>(c);
  send(c, wire::Append{uuid(1), 2, false, batch_of({"2", "3"}), {}});
  EXPECT_EQ(expect<wire::Accepted>(c).accepted_to, 4u);
  send(c, wire::Append{uuid(1), 2, false, batch_of({"2", "3"}), {}});
  EXPECT_EQ(expect<wire::Accepted>(c).accepted_to, 4u);
  send(c, wire::Append{uuid(1), 3, true, batch_of({"3", "4"}), {}});
  EXPECT_EQ(expect<wire::Accepted>(c).accepted_to, 5u);
  send(c, wire::Append{uuid(1), 9, false, batch_of({"9"}), {}});
  EXPECT_EQ(expect<wire::ErrorMessage>(c).code, ErrorCode::malformed);
  worker(w);
  std::map<std::uint64_t, std::string> seen;
  serve([&](const wire::Lease& lease) {
    const auto payloads = items_of(lease.batch);
    std::size_t n = 0;
    for (const auto& tasks : lease.tasks)
      for (auto i = tasks.begin; i < tasks.end; ++i) seen[i] = payloads.at(n++);
    return echo(lease);
  });
  EXPECT_EQ(seen, (std::map<std::uint64_t, std::string>{{0, "0"}, {1, "1"}, {2, "2"}, {3, "3"}, {4, "4"}}));
}

TEST_F(Jobs, the_same_submission_twice_is_one_job) {
  client(c);
  send(c, items_job(1, {"a"}));
  send(c, items_job(1, {"a"}));
  EXPECT_EQ(expect<wire::Accepted>(c).number, expect<wire::Accepted>(c).number);
  EXPECT_EQ(core.status(now).jobs, 1u);
}

TEST_F(Jobs, a_unique_key_attaches_to_the_job_that_exists) {
  client(c);
  wire::Submit submit = items_job(1, {"a"});
  submit.options.unique = "nightly";
  send(c, submit);
  expect<wire::Accepted>(c);
  submit.job = uuid(2);
  send(c, submit);
  const auto accepted = expect<wire::Accepted>(c);
  EXPECT_TRUE(accepted.existing);
  EXPECT_EQ(accepted.job, uuid(1));
  EXPECT_EQ(accepted.submitted, uuid(2));
}

TEST_F(Jobs, an_unknown_function_waits_and_names_the_nearest) {
  client(c);
  worker(w);
  send(c, items_job(1, {"a"}, "ecko"));
  send(c, wire::Query{1, wire::QueryWhat::job, uuid(1), {}, 1});
  expect<wire::Accepted>(c);
  const auto status = expect<wire::Answer>(c).jobs.at(0);
  EXPECT_EQ(status.state, JobState::waiting);
  EXPECT_NE(status.reason.find("did you mean `echo`"), std::string::npos) << status.reason;
}

TEST_F(Jobs, an_unknown_reducer_waits_and_says_so) {
  client(c);
  worker(w);
  wire::Submit submit = items_job(1, {"a"});
  submit.options.reduce = "marge";
  send(c, submit);
  send(c, wire::Query{1, wire::QueryWhat::job, uuid(1), {}, 1});
  expect<wire::Accepted>(c);
  const auto status = expect<wire::Answer>(c).jobs.at(0);
  EXPECT_NE(status.reason.find("reducer `marge`"), std::string::npos) << status.reason;
}

TEST_F(Jobs, empty_jobs_end_at_once_with_the_reduction_of_nothing) {
  client(c);
  worker(w);
  struct Case {
    std::string reduce;
    bool has_value;
    std::string value;
  };
  std::uint8_t id = 10;
  for (const auto& [reduce, has_value, value] :
       {Case{"sum", true, std::string(1, '\0')}, Case{"count", true, std::string(1, '\0')}, Case{"concat", true, ""},
        Case{"min", false, ""}, Case{"max", false, ""}, Case{"merge", true, "\x80"}, Case{"", false, ""}}) {
    wire::Submit submit = items_job(++id, {}, "square");
    submit.options.reduce = reduce;
    send(c, submit);
    const auto update = last_update();
    EXPECT_EQ(update.status.state, JobState::done) << reduce;
    EXPECT_EQ(update.has_value, has_value) << reduce;
    EXPECT_EQ(update.value.view(), value) << reduce;
  }
  send(c, range_job(5, 3, 3));
  EXPECT_EQ(last_update().value.view(), std::string(1, '\0')) << "the function's own reducer is sum";
}

TEST_F(Jobs, items_for_a_whole_function_are_joined) {
  client(c);
  worker(w);
  send(c, items_job(1, {"b", "a"}, "sort"));
  const auto lease = expect<wire::Lease>(w);
  EXPECT_EQ(lease.kind, wire::LeaseKind::whole);
  EXPECT_EQ(items_of(lease.batch), (std::vector<std::string>{"b\na\n"}));
}

TEST_F(Jobs, a_range_for_an_item_function_hands_it_the_index) {
  client(c);
  worker(w);
  send(c, range_job(1, -5, 5, "square"));
  const auto lease = expect<wire::Lease>(w);
  EXPECT_TRUE(lease.indexed);
  EXPECT_EQ(lease.base, -5);
  EXPECT_EQ(lease.kind, wire::LeaseKind::item);
}

TEST_F(Jobs, a_misfit_fails_with_what_to_do) {
  client(c);
  worker(w);
  send(c, items_job(1, {"a"}, "sum"));
  const auto update = last_update();
  EXPECT_EQ(update.status.state, JobState::failed);
  EXPECT_NE(update.status.reason.find("--range A:B"), std::string::npos);
}

TEST_F(Jobs, common_input_travels_once_per_worker_and_is_forgotten_at_the_end) {
  client(c);
  worker(w, 200, 1);
  wire::Submit submit = items_job(1, {"a", "b"});
  submit.has_common = true;
  submit.common = wire::Buffer::copy("model");
  send(c, submit);
  EXPECT_EQ(expect<wire::Common>(w).bytes.view(), "model");
  std::uint64_t commons = 0;
  for (int i = 0; i < 2; ++i) {
    while (!std::holds_alternative<wire::Lease>(w.inbox.front())) {
      commons += std::holds_alternative<wire::Common>(w.inbox.front());
      w.inbox.pop_front();
    }
    const auto lease = expect<wire::Lease>(w);
    EXPECT_TRUE(lease.common);
    send(w, echo(lease));
  }
  EXPECT_EQ(commons, 0u);
  EXPECT_TRUE(std::any_of(w.inbox.begin(), w.inbox.end(), [](auto& m) { return std::holds_alternative<wire::Forget>(m); }));
}

TEST_F(Jobs, named_partials_are_merged_by_workers) {
  client(c);
  wire::Hello hello = worker_hello(200, 4);
  connect(w, hello);
  expect<wire::Welcome>(w);
  std::vector<std::string> items;
  for (int i = 0; i < 100; ++i) items.push_back("<" + std::to_string(i) + ">");
  wire::Submit submit = items_job(1, items, "square");
  submit.options.reduce = "merge";
  send(c, submit);
  int merges = 0;
  // The stand-in for an associative function: concatenation, which shows order and completeness.
  serve([&](const wire::Lease& lease) {
    wire::Report report{{lease.lease, 0}, true, true, lease.tasks, {}, {}, 10, {}};
    std::string folded;
    for (const auto& item : items_of(lease.batch)) folded += item;
    report.batch = batch_of({folded});
    if (lease.kind == wire::LeaseKind::merge) {
      ++merges;
      EXPECT_EQ(lease.function, "merge");
      EXPECT_LE(items_of(lease.batch).size(), 64u);
    } else {
      EXPECT_EQ(lease.reduce, "merge");
    }
    return report;
  });
  EXPECT_GT(merges, 0);
  std::string all;
  for (const auto& item : items) all += item;
  EXPECT_EQ(last_update().value.view(), all);
}

TEST_F(Jobs, the_finishing_step_runs_once_on_the_last_partial) {
  client(c);
  worker(w);
  send(c, range_job(1, 0, 1000, "pi"));
  int finishes = 0;
  serve([&](const wire::Lease& lease) {
    if (lease.kind != wire::LeaseKind::finish) return sum(lease, 1);
    ++finishes;
    EXPECT_EQ(lease.total, 1000u);
    EXPECT_EQ(items_of(lease.batch).at(0), wire::bytes_of(wire::Int128{499'500}));
    wire::Report report{{lease.lease, 0}, true, true, lease.tasks, {}, {}, 10, {}};
    report.batch = batch_of({"done"});
    return report;
  });
  EXPECT_EQ(finishes, 1);
  EXPECT_EQ(last_update().value.view(), "done");
}

TEST_F(Jobs, higher_priority_goes_first_and_equals_share) {
  client(c);
  send(c, items_job(1, std::vector<std::string>(50, "low")));
  send(c, items_job(2, std::vector<std::string>(50, "low2")));
  wire::Submit urgent = items_job(3, std::vector<std::string>(10, "high"));
  urgent.options.priority = 5;
  send(c, urgent);
  worker(w);
  std::vector<std::string> order;
  serve([&](const wire::Lease& lease) {
    for (const auto& item : items_of(lease.batch)) order.push_back(item);
    return echo(lease, 50'000 * wire::size(lease.tasks));
  });
  ASSERT_EQ(order.size(), 110u);
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(order[i], "high");
  const auto lows = std::count(order.begin() + 10, order.begin() + 60, "low");
  EXPECT_NEAR(static_cast<double>(lows), 25, 6) << "jobs of one priority share";
}

TEST_F(Jobs, results_stop_at_the_window_and_go_on_when_acknowledged) {
  client(c);
  worker(w);
  wire::Submit submit = items_job(1, std::vector<std::string>(20, std::string(1000, 'x')));
  submit.window = 3000;
  send(c, submit);
  serve([](const wire::Lease& lease) { return echo(lease, 1'000'000); });
  std::uint64_t seen = 0;
  const auto take = [&] {
    std::uint64_t tasks = 0;
    while (!c.inbox.empty()) {
      if (auto* r = std::get_if<wire::Results>(&c.inbox.front())) {
        EXPECT_EQ(r->seq, seen++);
        tasks += wire::size(r->tasks);
      }
      c.inbox.pop_front();
    }
    return tasks;
  };
  std::uint64_t tasks = take();
  EXPECT_LT(tasks, 6u);
  for (int i = 0; i < 20 && tasks < 20; ++i) {
    send(c, wire::Ack{uuid(1), seen, true});
    tasks += take();
  }
  EXPECT_EQ(tasks, 20u);
}

TEST_F(Jobs, drained_workers_get_no_more_leases) {
  client(c);
  worker(w);
  send(c, wire::Drain{3, "worker200"});
  expect<wire::Drain>(w);
  EXPECT_EQ(expect<wire::Answer>(c).text.size(), 1u);
  send(w, wire::Draining{});
  send(c, items_job(1, {"a"}));
  expect_nothing(w);
  send(c, wire::Drain{4, "nobody"});
  expect<wire::Accepted>(c);
  EXPECT_EQ(expect<wire::ErrorMessage>(c).token, 4u);
}

TEST_F(Jobs, tasks_queued_behind_a_slow_one_are_asked_back_for_an_idle_worker) {
  client(c);
  wire::Hello fast = worker_hello(200);
  fast.worker->functions[0].rate = 1000;
  connect(w, fast);
  expect<wire::Welcome>(w);
  send(c, items_job(1, std::vector<std::string>(30, "x")));
  const auto lease = larger_lease(1000);
  w.inbox.clear();
  Peer idle;
  worker(idle, 201);
  const auto serve_idle = [&] {
    while (!idle.inbox.empty()) {
      wire::Message message = std::move(idle.inbox.front());
      idle.inbox.pop_front();
      if (auto* l = std::get_if<wire::Lease>(&message)) send(idle, echo(*l, 1000));
    }
  };
  serve_idle();               // it takes all that was pending
  pass(2s, {&w, &idle, &c});  // far longer than the millisecond a task was thought to take
  std::optional<wire::Reclaim> reclaim;
  for (auto& message : w.inbox)
    if (auto* r = std::get_if<wire::Reclaim>(&message); r && r->lease == lease.lease) reclaim = *r;
  ASSERT_TRUE(reclaim);
  const std::uint64_t end = lease.tasks[0].end;
  send(w, wire::Reclaimed{lease.lease, {{end - 1, end}}});
  bool moved = false;
  for (auto& message : idle.inbox)
    if (auto* l = std::get_if<wire::Lease>(&message)) moved = moved || wire::IntervalSet(l->tasks).contains(end - 1);
  EXPECT_TRUE(moved);
}

}  // namespace
}  // namespace quern::broker
