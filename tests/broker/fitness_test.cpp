// How fast a worker is compared with others, and how the broker finds this out.
#include "broker/broker_fixture.hpp"

namespace quern::broker {
namespace {

class FitnessTest : public BrokerTest {
 protected:
  Peer c;

  void SetUp() override { client(c); }

  static std::vector<std::string> many(std::size_t n = 400) {
    return std::vector<std::string>(n, "x");
  }

  /// The worker finishes its first lease with 10 ms per task. Returns the functions of its new
  /// leases.
  std::vector<std::string> next(Peer& peer, std::deque<wire::Lease>& held) {
    const wire::Lease lease = held.front();
    held.pop_front();
    now += 10ms * wire::size(lease.tasks);
    send(peer, echo(lease, 10'000 * wire::size(lease.tasks)));
    std::vector<std::string> functions;
    for (auto& got : leases_of(peer)) {
      functions.push_back(got.function);
      held.push_back(std::move(got));
    }
    return functions;
  }
};

TEST_F(FitnessTest, nothing_is_queued_behind_the_first_lease_of_a_function) {
  Peer quick, slow;
  worker(quick, 200);
  send(c, items_job(1, many()));
  std::deque<wire::Lease> held;
  for (auto& lease : leases_of(quick)) held.push_back(lease);
  ASSERT_EQ(held.size(), 1u);
  for (int i = 0; i < 10; ++i) next(quick, held);
  EXPECT_EQ(held.size(), 2u) << "one lease runs, one hides the round trip";

  worker(slow, 201);
  const auto first = leases_of(slow);
  ASSERT_EQ(first.size(), 1u) << "the speed of other workers says nothing about this one";
  EXPECT_EQ(wire::size(first[0].tasks), 1u);
  now += 1s;
  send(slow, echo(first[0], 1'000'000));
  EXPECT_GE(leases_of(slow).size(), 1u);
}

// The quick worker has run echo; two others have been running their first echo task for a second; a
// fourth runs a square, and more squares wait.
TEST_F(FitnessTest, slow_first_leases_keep_a_fast_worker_on_its_function) {
  Peer quick, other, another, fourth;
  worker(quick, 200);
  worker(other, 201);
  worker(another, 202);
  send(c, items_job(1, many()));
  std::deque<wire::Lease> held;
  for (auto& lease : leases_of(quick)) held.push_back(lease);
  ASSERT_EQ(held.size(), 1u);
  for (int i = 0; i < 5; ++i) next(quick, held);
  ASSERT_EQ(leases_of(other).size(), 1u);
  ASSERT_EQ(leases_of(another).size(), 1u);
  wire::Hello hello = worker_hello(203);
  hello.worker->functions = {{"square", Takes::item, Encoding::value, "", false, 0}};
  connect(fourth, hello);
  send(c, items_job(2, many(), "square"));
  ASSERT_EQ(leases_of(fourth).size(), 1u);
  now += 1s;
  settle();
  // Squares have used hardly any slot time, so the fair queue would serve them next.
  for (int i = 0; i < 12; ++i)
    for (const auto& function : next(quick, held)) EXPECT_EQ(function, "echo");

  c.inbox.clear();
  send(c, wire::Query{.what = wire::QueryWhat::explain, .job = uuid(2)});
  const auto explained = expect<wire::Answer>(c);
  EXPECT_TRUE(std::any_of(explained.text.begin(), explained.text.end(), [](const auto& line) {
    return line.find("1 worker leaves this job to the others") == 0;
  })) << ::testing::PrintToString(explained.text);
}

TEST_F(FitnessTest, a_worker_that_lost_its_first_lease_in_a_reconnect_is_not_considered_slow) {
  Peer quick, cut;
  worker(quick, 200);
  send(c, items_job(1, many(1000)));
  std::deque<wire::Lease> held;
  for (auto& lease : leases_of(quick)) held.push_back(lease);
  for (int i = 0; i < 5; ++i) next(quick, held);
  worker(cut, 201);
  ASSERT_EQ(leases_of(cut).size(), 1u);
  for (int i = 0; i < 20; ++i) next(quick, held);
  settle();
  Peer again;  // the same worker after a cut connection; the lease never arrived
  worker(again, 201);
  EXPECT_EQ(leases_of(again).size(), 1u);
  send(c, wire::Query{.what = wire::QueryWhat::job, .job = uuid(1)});
  JobStatus job;
  for (auto& message : c.inbox)
    if (auto* answer = std::get_if<wire::Answer>(&message)) job = answer->jobs.at(0);
  // The estimate assumes two fast workers, not a fast and a very slow one.
  ASSERT_GT(job.pending, 100u);
  EXPECT_NEAR(job.eta_s, 0.010 * static_cast<double>(job.pending + job.leased) / 2, 0.2);
}

}  // namespace
}  // namespace quern::broker
