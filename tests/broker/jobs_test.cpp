#include "broker/jobs_fixture.hpp"
#include "wire/input_digest.hpp"

namespace quern::broker {
namespace {

TEST_F(JobsTest, a_range_is_carved_in_growing_leases_and_summed) {
  client(c);
  worker(w);
  send(c, range_job(1, 1, 10'001));
  EXPECT_EQ(expect<wire::Accepted>(c).number, JobNumber{1});
  ASSERT_FALSE(w.inbox.empty());
  EXPECT_EQ(wire::size(std::get<wire::Lease>(w.inbox.front()).tasks), 1u)
      << "an unknown function starts with one task";
  std::uint64_t leases = 0;
  serve([&](const wire::Lease& lease) {
    ++leases;
    EXPECT_EQ(lease.reduce, "sum");
    return sum(lease, wire::size(lease.tasks));  // a microsecond per task
  });
  EXPECT_GT(leases, 3u);
  EXPECT_LT(leases, 60u);
  const auto update = last_update();
  EXPECT_EQ(update.status.state, JobState::done);
  EXPECT_TRUE(update.status.divisible);
  ASSERT_TRUE(update.has_value);
  EXPECT_EQ(update.value.view(), wire::bytes_of(wire::Int128{50'005'000}));
}

TEST_F(JobsTest, a_range_of_a_trillion_tasks_uses_no_memory) {
  client(c);
  send(c, range_job(1, 0, 1'000'000'000'000));
  EXPECT_EQ(core.memory_used(), 0u);
}

TEST_F(JobsTest, results_arrive_and_acknowledging_them_frees_the_memory) {
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
      for (auto i = tasks.begin; i < tasks.end; ++i)
        EXPECT_TRUE(got.emplace(i, payloads.at(n++)).second);
  }
  EXPECT_EQ(got, (std::map<std::uint64_t, std::string>{{0, "a"}, {1, "bb"}, {2, "ccc"}}));
  EXPECT_EQ(expect<wire::JobUpdate>(c).entries, cursor);
  EXPECT_GT(core.memory_used(), 0u);
  send(c, wire::Ack{uuid(1), cursor, true});
  EXPECT_EQ(core.memory_used(), 0u);
}

TEST_F(JobsTest, a_session_that_only_hands_a_job_in_hears_of_it_once_it_attaches) {
  client(c);
  worker(w);
  auto submit = items_job(1, {"a"});
  submit.options.detach = true;
  submit.window = 0;
  submit.watch_ms = 0;
  send(c, submit);
  expect<wire::Accepted>(c);
  serve([](const wire::Lease& lease) { return echo(lease); });
  EXPECT_TRUE(c.inbox.empty());
  wire::Attach attach;
  attach.job = uuid(1);
  attach.token = 5;
  attach.own = true;
  send(c, attach);
  const auto answer = expect<wire::JobUpdate>(c);
  EXPECT_EQ(answer.token, 5u);
  EXPECT_EQ(answer.status.state, JobState::done);
  EXPECT_EQ(answer.entries, 1u);
  EXPECT_EQ(items_of(expect<wire::Results>(c).batch), (std::vector<std::string>{"a"}));
  EXPECT_TRUE(c.inbox.empty());
}

TEST_F(JobsTest, appends_are_idempotent_and_gaps_are_errors) {
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
  EXPECT_EQ(seen, (std::map<std::uint64_t, std::string>{
                      {0, "0"}, {1, "1"}, {2, "2"}, {3, "3"}, {4, "4"}}));
}

TEST_F(JobsTest, a_repeated_submission_creates_one_job) {
  client(c);
  send(c, items_job(1, {"a"}));
  send(c, items_job(1, {"a"}));
  EXPECT_EQ(expect<wire::Accepted>(c).number, expect<wire::Accepted>(c).number);
  EXPECT_EQ(core.status(now).jobs, 1u);
}

TEST_F(JobsTest, an_idempotency_key_attaches_to_the_existing_job) {
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

wire::Submit with_key(wire::Submit submit) {
  submit.options.unique = "nightly";
  return submit;
}

wire::Attach with_input(std::uint8_t id, const std::vector<std::string>& items) {
  wire::InputDigest digest;
  digest.add(batch_of(items));
  wire::Attach attach;
  attach.token = 77;
  attach.job = uuid(id);
  attach.input_digest = digest.value();
  attach.input_count = items.size();
  return attach;
}

/// Job 1, streamed: `first` in SUBMIT, `rest` in an APPEND each.
class StreamedTest : public JobsTest {
 protected:
  void SetUp() override {
    client(c);
    client(d, 150);
  }
  void open(const std::vector<std::string>& first) {
    wire::Submit submit = with_key(items_job(1, first));
    submit.open = true;
    send(c, submit);
    accepted_ = first.size();
  }
  void append(const std::vector<std::string>& items, bool close) {
    send(c, wire::Append{uuid(1), accepted_, close, batch_of(items), {}});
    accepted_ += items.size();
  }
  /// Another client submits `items`, open or not. Returns the answer.
  wire::Accepted submit_again(const std::vector<std::string>& items, bool open) {
    wire::Submit submit = with_key(items_job(2, items));
    submit.open = open;
    send(d, submit);
    return expect<wire::Accepted>(d);
  }
  ErrorCode refused(const std::vector<std::string>& items) {
    send(d, with_input(1, items));
    return expect<wire::ErrorMessage>(d).code;
  }

  Peer d;
  std::uint64_t accepted_ = 0;
};

TEST_F(StreamedTest, input_is_compared_with_a_complete_one_regardless_of_batching) {
  open({"a", "b"});
  append({"c"}, false);
  append({"d"}, true);
  const auto same = submit_again({"a", "b", "c", "d"}, false);
  EXPECT_TRUE(same.existing);
  EXPECT_FALSE(same.compare) << "the inputs were compared at once";
  wire::Submit other = with_key(items_job(3, {"a", "b", "cd"}));
  send(d, other);
  EXPECT_EQ(expect<wire::ErrorMessage>(d).code, ErrorCode::conflict);
  other.options.unique_any = true;
  send(d, other);
  EXPECT_FALSE(expect<wire::Accepted>(d).compare);
}

TEST_F(StreamedTest, two_streamed_inputs_are_compared_by_digest_once_the_second_is_complete) {
  open({"a"});
  append({"b"}, true);
  EXPECT_TRUE(submit_again({}, true).compare);
  send(d, with_input(1, {"a", "b"}));
  EXPECT_EQ(expect<wire::JobUpdate>(d).token, 77u);
  EXPECT_EQ(refused({"a", "c"}), ErrorCode::conflict);
  EXPECT_EQ(refused({"a"}), ErrorCode::conflict);
  EXPECT_EQ(refused({}), ErrorCode::conflict);
}

TEST_F(StreamedTest, the_comparison_waits_until_the_first_input_is_complete) {
  open({"a"});
  EXPECT_TRUE(submit_again({"a", "b"}, false).compare);
  send(d, with_input(1, {"a", "b"}));
  EXPECT_TRUE(d.inbox.empty());
  append({"b"}, false);
  EXPECT_TRUE(d.inbox.empty());
  append({}, true);
  EXPECT_EQ(expect<wire::JobUpdate>(d).token, 77u);
}

TEST_F(StreamedTest, a_different_input_is_a_conflict_once_the_first_is_complete) {
  open({"a"});
  submit_again({"a", "x"}, false);
  send(d, with_input(1, {"a", "x"}));
  send(d, with_input(1, {"a", "x"}));
  append({"b"}, true);
  const auto error = expect<wire::ErrorMessage>(d);
  EXPECT_EQ(error.code, ErrorCode::conflict);
  EXPECT_EQ(error.token, 77u);
  EXPECT_TRUE(d.inbox.empty()) << "a repeated request has one answer";
}

TEST_F(StreamedTest, a_job_that_ends_before_its_input_is_complete_is_not_compared) {
  open({"a"});
  submit_again({"a", "b"}, false);
  send(d, with_input(1, {"a", "b"}));
  send(c, wire::Cancel{0, uuid(1), {}, {}});
  EXPECT_EQ(expect<wire::JobUpdate>(d).status.state, JobState::cancelled);
  EXPECT_FALSE(submit_again({"a", "b"}, false).compare);
}

TEST_F(StreamedTest, a_pending_comparison_is_dropped_when_its_client_leaves) {
  open({"a"});
  submit_again({"a"}, true);
  send(d, with_input(1, {"a"}));
  send(d, wire::Bye{});
  append({}, true);
}

TEST_F(JobsTest, a_job_of_an_unknown_function_waits_and_names_the_nearest_one) {
  client(c);
  worker(w);
  send(c, items_job(1, {"a"}, "ecko"));
  send(c, wire::Query{1, wire::QueryWhat::job, uuid(1), {}, 1});
  expect<wire::Accepted>(c);
  const auto status = expect<wire::Answer>(c).jobs.at(0);
  EXPECT_EQ(status.state, JobState::waiting);
  EXPECT_NE(status.reason.find("did you mean `echo`"), std::string::npos) << status.reason;
}

TEST_F(JobsTest, a_job_with_an_unknown_reducer_waits_and_says_so) {
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

TEST_F(JobsTest, empty_jobs_end_at_once_with_the_identity_of_the_reducer) {
  client(c);
  worker(w);
  struct Case {
    std::string reduce;
    bool has_value;
    std::string value;
  };
  std::uint8_t id = 10;
  for (const auto& [reduce, has_value, value] :
       {Case{"sum", true, std::string(1, '\0')}, Case{"count", true, std::string(1, '\0')},
        Case{"concat", true, ""}, Case{"min", false, ""}, Case{"max", false, ""},
        Case{"merge", true, "\x80"}, Case{"", false, ""}}) {
    wire::Submit submit = items_job(++id, {}, "square");
    submit.options.reduce = reduce;
    send(c, submit);
    const auto update = last_update();
    EXPECT_EQ(update.status.state, JobState::done) << reduce;
    EXPECT_EQ(update.has_value, has_value) << reduce;
    EXPECT_EQ(update.value.view(), value) << reduce;
  }
  send(c, range_job(5, 3, 3));
  EXPECT_EQ(last_update().value.view(), std::string(1, '\0'))
      << "the function's own reducer is sum";
}

TEST_F(JobsTest, items_for_a_whole_function_are_joined_into_one_input) {
  client(c);
  worker(w);
  send(c, items_job(1, {"b", "a"}, "sort"));
  const auto lease = expect<wire::Lease>(w);
  EXPECT_EQ(lease.kind, wire::LeaseKind::whole);
  EXPECT_EQ(items_of(lease.batch), (std::vector<std::string>{"b\na\n"}));
}

TEST_F(JobsTest, an_item_function_gets_the_index_of_a_range_task) {
  client(c);
  worker(w);
  send(c, range_job(1, -5, 5, "square"));
  const auto lease = expect<wire::Lease>(w);
  EXPECT_TRUE(lease.indexed);
  EXPECT_EQ(lease.base, -5);
  EXPECT_EQ(lease.kind, wire::LeaseKind::item);
}

TEST_F(JobsTest, common_input_is_sent_once_per_worker_and_forgotten_at_the_end) {
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
  EXPECT_TRUE(std::any_of(w.inbox.begin(), w.inbox.end(),
                          [](auto& m) { return std::holds_alternative<wire::Forget>(m); }));
}

TEST_F(JobsTest, named_partials_are_merged_by_workers) {
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
  // Concatenation as the associative function, because it shows order and completeness.
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

TEST_F(JobsTest, the_finishing_step_runs_once_on_the_last_partial) {
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

TEST_F(JobsTest, higher_priority_runs_first_and_equal_priorities_share) {
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

TEST_F(JobsTest, results_stop_at_the_window_and_continue_after_acknowledgement) {
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

TEST_F(JobsTest, draining_workers_get_no_more_leases) {
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

TEST_F(JobsTest, tasks_queued_behind_a_slow_one_are_reclaimed_for_an_idle_worker) {
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
  serve_idle();               // it runs all pending tasks
  pass(2s, {&w, &idle, &c});  // far longer than the expected millisecond per task
  std::optional<wire::Reclaim> reclaim;
  for (auto& message : w.inbox)
    if (auto* r = std::get_if<wire::Reclaim>(&message); r && r->lease == lease.lease) reclaim = *r;
  ASSERT_TRUE(reclaim);
  const std::uint64_t end = lease.tasks[0].end;
  send(w, wire::Reclaimed{lease.lease, {{end - 1, end}}});
  bool moved = false;
  for (auto& message : idle.inbox)
    if (auto* l = std::get_if<wire::Lease>(&message))
      moved = moved || wire::IntervalSet(l->tasks).contains(end - 1);
  EXPECT_TRUE(moved);
}

}  // namespace
}  // namespace quern::broker
