// Functions whose tasks are done by people, and functions with a largest lease.
#include "broker/jobs_fixture.hpp"

namespace quern::broker {
namespace {

class PeopleTest : public JobsTest {
 protected:
  Peer other;

  void offer(Peer& peer, std::uint8_t identity, FunctionDecl decl, std::uint32_t slots = 1) {
    auto hello = worker_hello(identity, slots);
    decl.name = "echo";
    hello.worker->functions = {decl};
    connect(peer, hello);
    expect<wire::Welcome>(peer);
  }
  /// Tasks of 10 us are measured, until leases are as large as they get.
  std::uint64_t largest_lease() {
    std::uint64_t most = 0;
    serve([&](const wire::Lease& lease) {
      most = std::max(most, wire::size(lease.tasks));
      now += 1ms;
      return echo(lease, 10 * wire::size(lease.tasks));
    });
    return most;
  }
  static std::size_t reclaims(const Peer& peer) {
    return static_cast<std::size_t>(
        std::count_if(peer.inbox.begin(), peer.inbox.end(), [](const wire::Message& message) {
          return std::holds_alternative<wire::Reclaim>(message);
        }));
  }
};

TEST_F(PeopleTest, no_lease_is_larger_than_the_function_allows) {
  client(c);
  offer(w, 200, {.max_lease = 3});
  send(c, items_job(1, std::vector<std::string>(200, "x")));
  EXPECT_EQ(largest_lease(), 3u);
  EXPECT_EQ(last_update().status.state, JobState::done);
}

TEST_F(PeopleTest, without_a_limit_leases_grow) {
  client(c);
  offer(w, 200, {});
  send(c, items_job(1, std::vector<std::string>(200, "x")));
  EXPECT_GT(largest_lease(), 3u);
}

TEST_F(PeopleTest, what_a_person_does_is_neither_repeated_nor_taken_back) {
  client(c);
  offer(w, 200, {.idempotent = true, .people = true});
  wire::Submit job = items_job(1, {"a"});
  job.options.idempotent = true;
  send(c, job);
  const auto lease = expect<wire::Lease>(w);
  offer(other, 201, {.idempotent = true});
  pass(30min, {&c, &w, &other});
  EXPECT_TRUE(leases_of(other).empty());
  EXPECT_EQ(reclaims(w), 0u);
  send(w, echo(lease, 1'800'000'000));
  EXPECT_EQ(last_update().status.state, JobState::done);
}

TEST_F(PeopleTest, nothing_waits_behind_what_a_person_does) {
  client(c);
  offer(w, 200, {.people = true}, 2);
  send(c, items_job(1, {"a", "b", "c", "d"}));
  auto leases = leases_of(w);
  ASSERT_EQ(leases.size(), 2u);
  send(w, echo(leases[0], 1000));
  leases = leases_of(w);
  ASSERT_EQ(leases.size(), 1u) << "one for the slot that is free again";
  EXPECT_EQ(wire::size(leases[0].tasks), 1u);
}

TEST_F(PeopleTest, the_speed_of_a_person_is_not_measured) {
  client(c);
  offer(w, 200, {.people = true});
  send(c, items_job(1, {"a", "b", "c"}));
  serve([](const wire::Lease& lease) { return echo(lease, 5'000'000); });
  send(c, wire::Query{.token = 5, .what = wire::QueryWhat::workers});
  const auto answer = std::get<wire::Answer>(c.inbox.back());
  ASSERT_EQ(answer.workers.at(0).rates.size(), 1u);
  EXPECT_EQ(answer.workers[0].rates[0].rate, 0);
  EXPECT_EQ(answer.workers[0].rates[0].tasks, 3u);
  EXPECT_TRUE(answer.workers[0].functions.at(0).people);
}

TEST_F(PeopleTest, people_help_machines_when_there_is_plenty) {
  client(c);
  offer(w, 200, {});
  send(c, items_job(1, std::vector<std::string>(2000, "x")));
  for (int i = 0; i < 5; ++i) {
    const auto leases = leases_of(w);
    for (const auto& lease : leases) {
      now += 10ms;
      send(w, echo(lease, 10'000 * wire::size(lease.tasks)));
    }
  }
  offer(other, 201, {.people = true});
  EXPECT_EQ(leases_of(other).size(), 1u);
}

}  // namespace
}  // namespace quern::broker
