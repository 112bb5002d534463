// The end of a job: overdue leases get a speculative attempt, and the first report wins.
#include "broker/broker_fixture.hpp"

namespace quern::broker {
namespace {

class TailTest : public BrokerTest {
 protected:
  Peer c, w1, w2;

  void SetUp() override {
    client(c);
    worker(w1, 200);
    worker(w2, 201);
    learn(w1, w2);
  }

  /// Both workers have run tasks of 10 ms.
  void learn(Peer& a, Peer& b) {
    send(c, items_job(9, std::vector<std::string>(40, "x")));
    for (int i = 0; i < 100; ++i) {
      for (Peer* w : {&a, &b}) {
        if (w->inbox.empty()) continue;
        wire::Message message = std::move(w->inbox.front());
        w->inbox.pop_front();
        if (auto* lease = std::get_if<wire::Lease>(&message)) {
          now += 10ms;
          send(*w, echo(*lease, 10'000 * wire::size(lease->tasks)));
        }
      }
    }
    c.inbox.clear();
    w1.inbox.clear();
    w2.inbox.clear();
  }

  template <typename M>
  static std::vector<M> all(Peer& peer) {
    std::vector<M> out;
    for (auto& message : peer.inbox)
      if (auto* m = std::get_if<M>(&message)) out.push_back(*m);
    peer.inbox.clear();
    return out;
  }

  /// A job of one task whose lease is overdue, and its speculative attempt: which worker has which.
  struct Pair {
    Peer *holder, *other;
    wire::Lease original, copy;
  };
  Pair overdue() {
    send(c, items_job(1, {"slow"}));
    auto one = all<wire::Lease>(w1), two = all<wire::Lease>(w2);
    EXPECT_EQ(one.size() + two.size(), 1u);
    Pair pair{
        one.empty() ? &w2 : &w1, one.empty() ? &w1 : &w2, one.empty() ? two.at(0) : one.at(0), {}};
    now += 20ms;
    settle();
    EXPECT_TRUE(all<wire::Lease>(*pair.other).empty()) << "it is not overdue yet";
    now += 200ms;
    settle();
    const auto copies = all<wire::Lease>(*pair.other);
    EXPECT_EQ(copies.size(), 1u);
    if (!copies.empty()) pair.copy = copies[0];
    EXPECT_EQ(pair.copy.tasks, pair.original.tasks);
    EXPECT_EQ(pair.copy.attempt, pair.original.attempt);
    EXPECT_EQ(items_of(pair.copy.batch), items_of(pair.original.batch));
    EXPECT_NE(pair.copy.lease, pair.original.lease);
    c.inbox.clear();
    return pair;
  }

  JobStatus ended() {
    const auto updates = all<wire::JobUpdate>(c);
    EXPECT_FALSE(updates.empty());
    return updates.empty() ? JobStatus{} : updates.back().status;
  }
};

TEST_F(TailTest, a_faster_speculative_attempt_wins_and_the_original_is_dropped) {
  auto [holder, other, original, copy] = overdue();
  send(*other, echo(copy, 10'000));
  const JobStatus status = ended();
  EXPECT_EQ(status.state, JobState::done);
  EXPECT_EQ(status.done, 1u);
  EXPECT_EQ(status.copies, 1u);
  EXPECT_GT(status.wasted_s, 0.1);
  EXPECT_EQ(all<wire::Revoke>(*holder).at(0).leases, std::vector{original.lease});
  send(*holder, echo(original, 300'000));
  EXPECT_EQ(all<wire::Reported>(*holder).size(), 1u) << "the worker must not repeat the report";
  EXPECT_TRUE(all<wire::Results>(c).empty());
}

TEST_F(TailTest, the_original_may_win_against_its_speculative_attempt) {
  auto [holder, other, original, copy] = overdue();
  send(*holder, echo(original, 300'000));
  EXPECT_EQ(ended().state, JobState::done);
  EXPECT_EQ(all<wire::Revoke>(*other).at(0).leases, std::vector{copy.lease});
}

TEST_F(TailTest, the_speculative_attempt_continues_when_the_worker_of_the_original_is_lost) {
  auto [holder, other, original, copy] = overdue();
  pass(4s, {other, &c});
  EXPECT_TRUE(all<wire::Lease>(*other).empty()) << "this worker has the task already";
  send(*other, echo(copy, 10'000));
  EXPECT_EQ(ended().state, JobState::done);
}

TEST_F(TailTest, the_original_continues_when_the_worker_of_the_speculative_attempt_is_lost) {
  auto [holder, other, original, copy] = overdue();
  pass(4s, {holder, &c});
  send(*holder, echo(original, 300'000));
  EXPECT_EQ(ended().state, JobState::done);
}

TEST_F(TailTest, the_original_continues_when_the_speculative_attempt_is_handed_back) {
  auto [holder, other, original, copy] = overdue();
  wire::Report nothing;
  nothing.id = {copy.lease, 0};
  nothing.last = true;
  send(*other, nothing);
  send(*holder, echo(original, 300'000));
  EXPECT_EQ(ended().state, JobState::done);
}

TEST_F(TailTest, cancelling_revokes_the_original_and_the_speculative_attempt) {
  auto [holder, other, original, copy] = overdue();
  wire::Cancel cancel;
  cancel.job = uuid(1);
  send(c, cancel);
  EXPECT_EQ(ended().state, JobState::cancelled);
  EXPECT_EQ(all<wire::Revoke>(*holder).size(), 1u);
  EXPECT_EQ(all<wire::Revoke>(*other).size(), 1u);
}

TEST_F(TailTest, a_speculative_attempt_makes_way_for_waiting_work) {
  auto [holder, other, original, copy] = overdue();
  send(c, items_job(2, {"new"}));
  settle();
  EXPECT_EQ(all<wire::Lease>(*other).size() + all<wire::Lease>(*holder).size(), 1u);
  send(*holder, echo(original, 300'000));
}

TEST_F(TailTest, speculative_attempts_over_budget_are_revoked) {
  auto [holder, other, original, copy] = overdue();
  // The budget is one second plus 5 % of the slot time of the job.
  pass(2s, {holder, other, &c});
  EXPECT_EQ(all<wire::Revoke>(*other).at(0).leases, std::vector{copy.lease});
  send(*holder, echo(original, 300'000));
  EXPECT_EQ(ended().state, JobState::done);
}

}  // namespace
}  // namespace quern::broker
