// What a broker recovers from the store after a kill.
#include "broker/durable_fixture.hpp"
#include "wire/blob.hpp"

namespace quern::broker {
namespace {

TEST_F(DurableTest, after_a_restart_workers_cannot_claim_leases_that_they_cannot_have_held) {
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

TEST_F(DurableTest, tasks_handed_back_again_after_a_restart_wait_for_the_worker_that_holds_them) {
  Peer c, w, second, third;
  join(c, 1);
  join(w, "w", 2);
  tell(c, items(9, {"a"}));
  commit();
  const auto lease = take<wire::Lease>(w);
  ASSERT_TRUE(lease);
  // The task is handed back unrun and granted to another worker before that was committed.
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
  EXPECT_FALSE(take<wire::Lease>(third))
      << "the second worker holds it but has not reconnected yet";
  join(second, "second", 3, {{next->lease, uuid(9), next->tasks, false}});
  commit();
  EXPECT_EQ(take<wire::Welcome>(second)->dropped.size(), 0u);
}

TEST_F(DurableTest, after_a_restart_unleased_tasks_are_granted_at_once_and_the_rest_after_a_wait) {
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
        EXPECT_TRUE(tasks.begin >= 17 || i >= 11)
            << "tasks inside the frontier are granted only after the wait";
      }
      tell(other, report_of(*more));
      commit();
    }
  }
  EXPECT_EQ(seen.size(), 100u);
}

TEST_F(DurableTest, a_worker_keeps_its_lease_across_a_restart) {
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
  // The report that the old broker never acknowledged, with any part number.
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

TEST_F(DurableTest, task_costs_survive_a_restart) {
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
  // Unknown rates lead to leases of one task; the first one predicts the last one.
  auto lease = take<wire::Lease>(w);
  ASSERT_TRUE(lease);
  tell(w, wire::Report{{lease->lease, 0},
                       true,
                       false,
                       lease->tasks,
                       {},
                       {},
                       1'000'000 * wire::size(lease->tasks),
                       lease->batch});
  commit();
  now += 2s;
  tell(c, wire::Query{6, wire::QueryWhat::job, uuid(1), {}, 1});
  double eta = -1;
  while (const auto answer = take<wire::Answer>(c)) eta = answer->jobs.at(0).eta_s;
  EXPECT_GT(eta, 50) << "the last task takes a hundred times as long";
}

TEST_F(DurableTest, a_retried_job_is_not_cancelled_after_a_restart_when_its_old_owner_is_gone) {
  Peer c, w, later;
  join(c, 1);
  join(w, "w", 2);
  auto submit = items(9, {"a"});
  submit.options.detach = false;
  submit.options.attempts = 1;
  tell(c, submit);
  commit();
  tell(w, failure(*take<wire::Lease>(w), "no such thing"));
  commit();
  tell(w, wire::Bye{});
  tell(c, wire::Retry{5, uuid(9), {}});
  commit();
  restart();
  now += 31s;  // longer than the grace period
  turn();
  commit();
  join(later, 3);
  tell(later, wire::Attach{6, uuid(9), {}, 0, 0, 0, false, 0, 0});
  commit();
  EXPECT_EQ(take<wire::JobUpdate>(later)->status.state, JobState::waiting);
}

TEST_F(DurableTest, a_blob_and_the_job_that_needs_it_survive_a_restart) {
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

TEST_F(DurableTest, an_upload_interrupted_by_a_kill_can_be_repeated) {
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
