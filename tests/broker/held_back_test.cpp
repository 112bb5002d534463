// Updates and results that wait until a client reads: each is sent eventually, whatever makes room
// for it.
#include "broker/broker_fixture.hpp"

namespace quern::broker {
namespace {

class HeldBackTest : public BrokerTest {
 protected:
  Peer c, w;

  void SetUp() override {
    client(c);
    worker(w, 200, 2);
  }

  static Uuid id(int n) {
    Uuid uuid;
    uuid.bytes[0] = static_cast<std::uint8_t>(1 + n / 62'500);
    uuid.bytes[1] = static_cast<std::uint8_t>(n / 250 % 250);
    uuid.bytes[2] = static_cast<std::uint8_t>(n % 250);
    return uuid;
  }

  void message(Peer& peer, wire::Message m) {
    Effects effects;
    core.on_message(peer.id, peer.user, {peer.session, std::move(m)}, now);
    core.take_effects(effects);
    core.settle(now);
    core.take_effects(effects);
    deliver(effects);
  }

  /// Submits jobs of one task each, numbered from `first`, and runs them.
  void run_jobs(int first, int count, const std::string& payload,
                const std::function<void(wire::Submit&)>& vary = {}) {
    for (int i = first; i < first + count; ++i) {
      wire::Submit submit = items_job(0, {payload});
      submit.job = id(i);
      if (vary) vary(submit);
      message(c, std::move(submit));
    }
    for (auto leases = leases_of(w); !leases.empty(); leases = leases_of(w)) {
      for (const auto& lease : leases) {
        now += 100us;
        message(w, echo(lease, 50));
      }
    }
  }

  /// The client answers each heartbeat, and all peers send heartbeats. Counts what the client gets.
  void pass(wire::Duration time) {
    for (const Time until = now + time; now < until; now += 500ms) {
      message(w, wire::Beat{});
      message(c, wire::Beat{});
      look();
    }
  }
  void look() {
    for (auto messages = std::exchange(c.inbox, {}); !messages.empty();
         messages = std::exchange(c.inbox, {})) {
      for (const auto& one : messages) {
        results += std::holds_alternative<wire::Results>(one) ? 1 : 0;
        if (const auto* update = std::get_if<wire::JobUpdate>(&one))
          ends += is_final(update->status.state) ? 1 : 0;
        if (const auto* heartbeat = std::get_if<wire::Beat>(&one); heartbeat && !heartbeat->reply) {
          wire::Beat reply;
          reply.reply = true;
          message(c, reply);
        }
      }
    }
  }

  const std::string mebibyte = std::string(1u << 20, 'y');
  int results = 0, ends = 0;
};

TEST_F(HeldBackTest, a_job_end_is_sent_although_results_of_other_jobs_are_unread) {
  run_jobs(0, 2200, "x", [](wire::Submit& s) { s.window = 0; });
  run_jobs(10'000, 80, mebibyte);
  look();
  pass(2s);
  EXPECT_EQ(ends, 2280);
}

TEST_F(HeldBackTest, results_are_sent_when_the_client_stops_following_other_jobs) {
  run_jobs(0, 70, mebibyte);
  look();
  ASSERT_LT(results, 70);
  for (int i = 0; i < 60; ++i) {
    wire::Attach attach;
    attach.job = id(i);
    attach.window = 0;
    attach.cursor = 1;
    message(c, attach);
  }
  look();
  EXPECT_EQ(results, 70);
}

TEST_F(HeldBackTest, results_are_sent_when_other_jobs_are_forgotten) {
  run_jobs(0, 60, mebibyte, [](wire::Submit& s) { s.options.ttl_s = 5; });
  run_jobs(100, 10, mebibyte, [](wire::Submit& s) { s.options.ttl_s = 1000; });
  look();
  ASSERT_LT(results, 70);
  pass(10s);
  EXPECT_EQ(results, 70);
}

TEST_F(HeldBackTest, the_job_attached_last_gets_results_although_others_fill_the_session) {
  run_jobs(0, 70, mebibyte);
  look();
  const int before = results;
  wire::Attach attach;
  attach.job = id(69);
  attach.window = wire::kResultWindow;
  message(c, attach);
  look();
  EXPECT_EQ(results, before + 1);
}

TEST_F(HeldBackTest, an_at_most_once_job_is_served_among_very_many_small_jobs) {
  run_jobs(0, 10, "x");  // the rate of the worker is known now
  for (int i = 0; i < 1000; ++i) {
    wire::Submit submit = items_job(0, {"x"});
    submit.job = id(1000 + i);
    message(c, std::move(submit));
  }
  std::deque<wire::Lease> queue;
  int done = 0, once_at = -1;
  const auto pull = [&] {
    for (auto& lease : leases_of(w)) queue.push_back(std::move(lease));
  };
  for (pull(); !queue.empty(); pull()) {
    const wire::Lease lease = queue.front();
    queue.pop_front();
    now += 100us;
    if (lease.job == id(9000)) once_at = done;
    if (++done == 10) {
      wire::Submit submit = items_job(0, {"once"});
      submit.job = id(9000);
      submit.options.at_most_once = true;
      submit.options.priority = 10;
      message(c, std::move(submit));
    }
    message(w, echo(lease, 50));
  }
  EXPECT_EQ(done, 1001);
  EXPECT_GE(once_at, 0);
  EXPECT_LT(once_at, 100);
}

}  // namespace
}  // namespace quern::broker
