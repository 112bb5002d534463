// What waits for the store, and what comes back from it.
#include "broker_fixture.hpp"
#include "sim/memory_store.hpp"
#include "wire/blob.hpp"

namespace quern::broker {
namespace {

class Durable : public BrokerTest {
 protected:
  static Config with_store() {
    Config config = small_config();
    config.store = true;
    return config;
  }
  Durable() : BrokerTest(with_store()) {}

  std::optional<Commit> pending;
  sim::MemoryStore store;

  void keep(Effects& effects) {
    std::vector<Effect> loads;
    for (auto& effect : effects) {
      if (auto* commit = std::get_if<Commit>(&effect)) {
        EXPECT_FALSE(pending) << "one commit at a time";
        pending = std::move(*commit);
      } else if (!std::holds_alternative<Send>(effect)) {
        loads.push_back(effect);
      }
    }
    deliver(effects);
    // What is asked for from the store comes at once.
    for (const auto& effect : loads) {
      if (const auto* load = std::get_if<Load>(&effect)) core.on_loaded(load->job, load->tasks, store.load(load->job, load->tasks));
      if (const auto* load = std::get_if<LoadResult>(&effect))
        core.on_result_loaded(load->job, load->seq, store.load_result(load->job, load->seq));
    }
    if (!loads.empty()) turn();
  }
  /// send() of the fixture, with an eye on commits.
  void tell(Peer& peer, const wire::Message& message) {
    Effects effects;
    core.on_message(peer.id, "anonymous", {peer.session, through_codec(message, peer.session)}, now, effects);
    core.settle(now, effects);
    core.check_invariants();
    keep(effects);
  }
  void commit() {
    while (pending) {
      store.apply(pending->ops);
      const std::uint64_t ticket = pending->ticket;
      pending.reset();
      Effects effects;
      core.on_committed(ticket, now, effects);
      core.settle(now, effects);
      core.check_invariants();
      keep(effects);
    }
  }
  void turn() {
    Effects effects;
    core.settle(now, effects);
    core.check_invariants();
    keep(effects);
  }
  wire::Submit items(std::uint8_t id, const std::vector<std::string>& payloads) {
    wire::Submit submit;
    submit.job = uuid(id);
    submit.function = "echo";
    submit.input = InputKind::items;
    submit.options.detach = true;
    submit.batch = batch_of(payloads);
    return submit;
  }
  void join(Peer& peer, const char* name, std::uint8_t id, std::vector<wire::HeldLease> held = {}) {
    wire::Hello hello;
    hello.role = wire::Role::worker;
    hello.identity = uuid(id);
    hello.name = name;
    hello.worker.emplace();
    hello.worker->functions = {{"echo", Takes::item, Encoding::raw, "", false, 0}};
    hello.worker->capacity.slots = 1;
    hello.worker->held = std::move(held);
    peer.id = PeerId{++last_peer};
    peers[peer.id] = &peer;
    tell(peer, hello);
  }
  void join(Peer& peer, std::uint8_t id) {
    wire::Hello hello;
    hello.identity = uuid(id);
    peer.id = PeerId{++last_peer};
    peers[peer.id] = &peer;
    tell(peer, hello);
  }
  template <typename M>
  std::optional<M> take(Peer& peer) {
    for (auto it = peer.inbox.begin(); it != peer.inbox.end(); ++it)
      if (auto* message = std::get_if<M>(&*it)) {
        M out = std::move(*message);
        peer.inbox.erase(it);
        return out;
      }
    return std::nullopt;
  }
  /// The broker was killed: another one from what was committed.
  void restart() {
    Config config = with_store();
    Recovered recovered = store.recover();
    config.incarnation = 100 + recovered.incarnation;
    pending.reset();
    core = Core(config);
    Effects effects;
    core.recover(std::move(recovered), now, effects);
    core.check_invariants();
    keep(effects);
    turn();
    commit();
  }
};

wire::Report report_of(const wire::Lease& lease) {
  wire::Report report;
  report.id = {lease.lease, 0};
  report.last = true;
  report.tasks = lease.tasks;
  report.batch = lease.batch;
  report.busy_us = 1000;
  return report;
}

TEST_F(Durable, nothing_is_acknowledged_before_its_commit) {
  Peer c, w;
  join(c, 1);
  join(w, "w", 2);
  EXPECT_TRUE(take<wire::Welcome>(c)) << "it reveals nothing that must be safe";
  tell(c, items(9, {"a"}));
  EXPECT_FALSE(take<wire::Accepted>(c));
  EXPECT_FALSE(take<wire::Lease>(w)) << "a lease of a job that may not exist";
  commit();
  EXPECT_TRUE(take<wire::Accepted>(c));
  const auto lease = take<wire::Lease>(w);
  ASSERT_TRUE(lease);
  tell(w, report_of(*lease));
  EXPECT_FALSE(take<wire::Reported>(w)) << "the worker would let go of its result";
  EXPECT_FALSE(take<wire::Results>(c));
  EXPECT_FALSE(take<wire::JobUpdate>(c));
  commit();
  EXPECT_TRUE(take<wire::Reported>(w));
  EXPECT_TRUE(take<wire::Results>(c));
  EXPECT_TRUE(take<wire::JobUpdate>(c));
}

TEST_F(Durable, a_memory_job_waits_for_no_disk) {
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

TEST_F(Durable, leases_before_the_reserved_frontier_wait_for_no_further_commit) {
  Peer c, w;
  join(c, 1);
  join(w, "w", 2);
  tell(c, items(9, std::vector<std::string>(12, "a")));
  commit();
  auto lease = take<wire::Lease>(w);
  ASSERT_TRUE(lease);
  tell(w, report_of(*lease));
  EXPECT_TRUE(pending) << "the report is on its way to the disk";
  EXPECT_TRUE(take<wire::Lease>(w)) << "and the next lease is out already";
}

TEST_F(Durable, after_a_restart_nobody_takes_up_leases_that_he_could_not_have_had) {
  Peer c, w;
  join(c, 1);
  join(w, "w", 2);
  auto submit = items(9, std::vector<std::string>(100, "a"));
  tell(c, submit);
  commit();
  const auto lease = take<wire::Lease>(w);
  ASSERT_TRUE(lease);
  restart();
  Peer offers_something_else;
  wire::Hello hello;
  hello.role = wire::Role::worker;
  hello.identity = uuid(3);
  hello.name = "thief";
  hello.worker.emplace();
  hello.worker->functions = {{"other", Takes::item, Encoding::raw, "", false, 0}};
  hello.worker->capacity.slots = 1;
  hello.worker->held = {{lease->lease, uuid(9), lease->tasks, true}};
  offers_something_else.id = PeerId{++last_peer};
  peers[offers_something_else.id] = &offers_something_else;
  tell(offers_something_else, hello);
  commit();
  EXPECT_EQ(take<wire::Welcome>(offers_something_else)->dropped.size(), 1u);
  Peer claims_what_nobody_had;
  join(claims_what_nobody_had, "liar", 4, {{lease->lease, uuid(9), {{99, 100}}, true}});
  commit();
  EXPECT_EQ(take<wire::Welcome>(claims_what_nobody_had)->dropped.size(), 1u);
  Peer back;
  join(back, "w", 2, {{lease->lease, uuid(9), lease->tasks, true}});
  commit();
  EXPECT_EQ(take<wire::Welcome>(back)->dropped.size(), 0u);
}

TEST_F(Durable, what_is_handed_back_again_after_a_restart_is_not_run_while_another_worker_holds_it) {
  Peer c, w, second, third;
  join(c, 1);
  join(w, "w", 2);
  tell(c, items(9, {"a"}));
  commit();
  const auto lease = take<wire::Lease>(w);
  ASSERT_TRUE(lease);
  // It comes back unrun, and is with another worker before that is safe.
  wire::Report back;
  back.id = {lease->lease, 0};
  back.last = true;
  join(second, "second", 3);
  tell(w, wire::Draining{});
  tell(w, back);
  const auto next = take<wire::Lease>(second);
  ASSERT_TRUE(next);
  restart();
  join(third, "third", 4);
  join(w, "w", 2, {{lease->lease, uuid(9), lease->tasks, true}});
  commit();
  ASSERT_EQ(take<wire::Welcome>(w)->dropped.size(), 0u);
  tell(w, wire::Draining{});
  tell(w, back);
  commit();
  EXPECT_FALSE(take<wire::Lease>(third)) << "the second worker holds it, and has not come back yet";
  join(second, "second", 3, {{next->lease, uuid(9), next->tasks, false}});
  commit();
  EXPECT_EQ(take<wire::Welcome>(second)->dropped.size(), 0u);
}

TEST_F(Durable, after_a_restart_what_was_never_leased_goes_out_at_once_and_the_rest_after_a_wait) {
  Peer c, w;
  join(c, 1);
  join(w, "w", 2);
  tell(c, items(9, std::vector<std::string>(100, "a")));
  commit();
  const auto lease = take<wire::Lease>(w);
  ASSERT_TRUE(lease);
  restart();
  Peer other;
  join(other, "other", 3);
  commit();
  const auto granted = take<wire::Lease>(other);
  ASSERT_TRUE(granted);
  EXPECT_GT(granted->tasks[0].begin, lease->tasks[0].end) << "beyond the frontier";
  tell(other, report_of(*granted));
  commit();
  wire::IntervalSet seen(granted->tasks);
  for (int i = 0; i < 40; ++i) {
    now += 500ms;
    tell(other, wire::Beat{});
    commit();
    while (auto more = take<wire::Lease>(other)) {
      for (const auto& tasks : more->tasks) {
        EXPECT_EQ(seen.add(tasks), tasks.size()) << "no task twice";
        EXPECT_TRUE(tasks.begin >= 17 || i >= 11) << "inside the frontier only after the wait";
      }
      tell(other, report_of(*more));
      commit();
    }
  }
  EXPECT_EQ(seen.size(), 100u);
}

TEST_F(Durable, a_worker_that_still_holds_a_lease_keeps_it_over_a_restart) {
  Peer c, w;
  join(c, 1);
  join(w, "w", 2);
  tell(c, items(9, {"a", "b"}));
  commit();
  const auto lease = take<wire::Lease>(w);
  ASSERT_TRUE(lease);
  restart();
  Peer again, other;
  join(again, "w", 2, {{lease->lease, uuid(9), lease->tasks, true, wire::LeaseKind::item}});
  join(other, "other", 3);
  commit();
  const auto welcome = take<wire::Welcome>(again);
  ASSERT_TRUE(welcome);
  EXPECT_TRUE(welcome->dropped.empty());
  // The result that the old broker never acknowledged, whatever its part number.
  wire::Report report = report_of(*lease);
  report.id.part = 4;
  tell(again, report);
  commit();
  EXPECT_TRUE(take<wire::Reported>(again));
  EXPECT_EQ(core.counters().late, 0u);
  Peer reader;
  join(reader, 7);
  tell(reader, wire::Attach{1, uuid(9), {}, 0, 1000, 0, false});
  commit();
  const auto results = take<wire::Results>(reader);
  ASSERT_TRUE(results);
  EXPECT_EQ(results->tasks, lease->tasks);
}

TEST_F(Durable, an_overdue_lease_whose_payloads_are_on_the_disk_only_is_copied_all_the_same) {
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
  for (int i = 0; i < 7; ++i) {  // who held something has said so by now
    now += 1s;
    tell(again, wire::Beat{});
  }
  join(other, "other", 3);
  tell(again, wire::Beat{});
  commit();
  // The other one does all the rest, and then has nothing to do.
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

TEST_F(Durable, a_report_of_what_the_store_has_already_is_dropped_politely) {
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

TEST_F(Durable, a_merge_under_way_is_not_taken_for_a_lease_of_tasks) {
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

TEST_F(Durable, without_room_on_the_disk_new_work_is_refused_and_who_waits_is_told) {
  Peer c;
  join(c, 1);
  tell(c, items(8, {"kept"}));
  commit();
  c.inbox.clear();
  tell(c, items(9, {"a"}));
  ASSERT_TRUE(pending);
  Effects effects;
  core.on_store_trouble("the disk is full", now, effects);
  core.settle(now, effects);
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
  core.on_store_healthy(effects);
  commit();
  tell(c, items(9, {"a"}));
  commit();
  const auto accepted = take<wire::Accepted>(c);
  ASSERT_TRUE(accepted) << "the same submission again is a new one";
}

TEST_F(Durable, retry_runs_the_failed_tasks_and_their_errors_are_gone) {
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
  auto lease = take<wire::Lease>(again);  // its payload was kept
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

TEST_F(Durable, what_tasks_cost_is_known_after_a_restart) {
  Peer c, w;
  join(c, 100);
  wire::Submit submit = items(1, {"a", "b", "c"});
  submit.costs = {1, 1, 100};
  tell(c, submit);
  commit();
  restart();
  join(c, 101);
  c.inbox.clear();
  tell(c, wire::Query{5, wire::QueryWhat::job, uuid(1), {}, 1});
  join(w, "w", 200);
  commit();
  // Unknown rates make leases of one task; what the first took says what the last will.
  auto lease = take<wire::Lease>(w);
  ASSERT_TRUE(lease);
  tell(w, wire::Report{{lease->lease, 0}, true, false, lease->tasks, {}, {}, 1'000'000 * wire::size(lease->tasks), lease->batch});
  commit();
  now += 2s;
  tell(c, wire::Query{6, wire::QueryWhat::job, uuid(1), {}, 1});
  double eta = -1;
  while (const auto answer = take<wire::Answer>(c)) eta = answer->jobs.at(0).eta_s;
  EXPECT_GT(eta, 50) << "the last task takes a hundred times as long";
}

TEST_F(Durable, a_file_and_the_job_that_needs_it_are_there_after_a_restart) {
  Peer c, w;
  join(c, 100);
  const std::string name(64, 'a');
  wire::Submit blob = items(1, {"one"});
  blob.function = std::string(wire::kBlobFunction);
  blob.options.detach = false;
  blob.options.unique = wire::blob_key(name, false);
  tell(c, blob);
  commit();
  wire::Submit job = items(2, {"x"});
  job.options.blobs = {name};
  tell(c, job);
  commit();
  restart();
  join(w, "w", 200);
  commit();
  const auto common = take<wire::Common>(w);
  ASSERT_TRUE(common);
  EXPECT_EQ(common->blobs, std::vector<std::string>{name});
  tell(w, wire::Fetch{uuid(2), name, 0});
  const auto answer = take<wire::Blob>(w);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->bytes.view(), "one");
}

TEST_F(Durable, a_file_that_was_not_whole_at_the_kill_is_given_anew) {
  Peer c;
  join(c, 100);
  wire::Submit blob = items(1, {"one"});
  blob.function = std::string(wire::kBlobFunction);
  blob.options.detach = false;
  blob.options.unique = wire::blob_key(std::string(64, 'a'), false);
  blob.open = true;
  tell(c, blob);
  commit();
  restart();
  now += 31s;  // its client does not come back
  turn();
  commit();
  join(c, 101);
  c.inbox.clear();
  blob.job = uuid(2);
  blob.open = false;
  tell(c, blob);
  commit();
  EXPECT_FALSE(take<wire::Accepted>(c)->existing);
  EXPECT_EQ(take<wire::JobUpdate>(c)->status.state, JobState::done);
}

}  // namespace
}  // namespace quern::broker
