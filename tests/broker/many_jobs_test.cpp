// Very many small jobs: the cost of one does not depend on how many wait, whatever they differ in.
#include "broker/broker_fixture.hpp"

namespace quern::broker {
namespace {

class ManyJobsTest : public BrokerTest {
 protected:
  Peer c, busy, idle;
  static constexpr int kFunctions = 50;

  void SetUp() override {
    client(c);
    auto hello = worker_hello(200, 2);
    for (int i = 0; i < kFunctions; ++i)
      hello.worker->functions.push_back(
          {"f" + std::to_string(i), Takes::item, Encoding::raw, "", false, 0});
    connect(busy, hello);
    auto other = worker_hello(201, 2);
    other.worker->functions = {{"of another kind", Takes::item, Encoding::raw, "", false, 0}};
    connect(idle, other);
  }

  void message(Peer& peer, wire::Message m) {
    Effects effects;
    core.on_message(peer.id, peer.user, {peer.session, std::move(m)}, now);
    core.take_effects(effects);
    core.settle(now);
    core.take_effects(effects);
    deliver(effects);
  }

  /// Submits jobs of one task each.
  void queue(int jobs, const std::function<void(wire::Submit&, int)>& vary) {
    for (int i = 0; i < jobs; ++i) {
      wire::Submit submit = items_job(0, {"x"});
      submit.job.bytes[0] = static_cast<std::uint8_t>(i / 250);
      submit.job.bytes[1] = static_cast<std::uint8_t>(1 + i % 250);
      vary(submit, i);
      message(c, std::move(submit));
    }
  }

  /// Runs all waiting jobs. Returns the number of leases.
  int run() {
    int done = 0;
    while (true) {
      const auto leases = leases_of(busy);
      if (leases.empty()) return done;
      for (const auto& lease : leases) {
        now += 1ms;
        message(busy, echo(lease, 500));
        ++done;
      }
    }
  }

  /// Queues jobs of one task each and runs them. Returns how many jobs were examined per lease.
  double looks_per_lease(int jobs, const std::function<void(wire::Submit&, int)>& vary) {
    queue(jobs, vary);
    const Counters before = core.counters();
    const int done = run();
    c.inbox.clear();
    EXPECT_EQ(done, jobs);
    core.check_invariants();
    const auto leases = static_cast<double>(core.counters().leases - before.leases);
    return static_cast<double>(core.counters().turns - before.turns) / leases;
  }
};

TEST_F(ManyJobsTest, a_lease_does_not_examine_every_similar_job) {
  EXPECT_LT(looks_per_lease(3000, [](wire::Submit&, int) {}), 4);
}

TEST_F(ManyJobsTest, a_lease_does_not_examine_every_job_of_many_functions) {
  EXPECT_LT(looks_per_lease(3000, [](wire::Submit& s,
                                     int i) { s.function = "f" + std::to_string(i % kFunctions); }),
            2.0 * kFunctions);
}

TEST_F(ManyJobsTest, a_lease_does_not_examine_every_job_of_many_priorities_or_weights) {
  EXPECT_LT(looks_per_lease(1000, [](wire::Submit& s, int i) { s.options.priority = i; }), 4);
  EXPECT_LT(looks_per_lease(1000,
                            [](wire::Submit& s, int i) {
                              s.job.bytes[2] = 1;
                              s.options.weight = 1 + i;
                            }),
            4);
}

TEST_F(ManyJobsTest, a_slow_client_learns_each_job_end_once_with_few_visits_per_job) {
  constexpr int kJobs = 10'000;
  queue(kJobs, [](wire::Submit&, int) {});
  c.inbox.clear();
  const Counters before = core.counters();
  ASSERT_EQ(run(), kJobs);
  int told = 0, asked = 0;
  for (auto messages = std::exchange(c.inbox, {}); !messages.empty();
       messages = std::exchange(c.inbox, {})) {
    for (const auto& one : messages) {
      if (const auto* update = std::get_if<wire::JobUpdate>(&one))
        told += is_final(update->status.state) ? 1 : 0;
      if (const auto* heartbeat = std::get_if<wire::Beat>(&one); heartbeat && !heartbeat->reply) {
        ++asked;
        wire::Beat reply;
        reply.reply = true;
        message(c, reply);
      }
    }
  }
  EXPECT_EQ(told, kJobs);
  EXPECT_GT(asked, 3);
  EXPECT_LT(core.counters().visits - before.visits, 4u * kJobs);
}

}  // namespace
}  // namespace quern::broker
