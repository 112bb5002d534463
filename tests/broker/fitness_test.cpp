// What a worker is good at beside the others, and how that is found out.
#include "broker/broker_fixture.hpp"

namespace quern::broker {
namespace {

class Fitness : public BrokerTest {
 protected:
  Peer c;

  void SetUp() override { client(c); }

  static std::vector<std::string> many(std::size_t n = 400) { return std::vector<std::string>(n, "x"); }

  static std::vector<wire::Lease> leases(Peer& peer) {
    std::vector<wire::Lease> out;
    for (auto& message : peer.inbox)
      if (auto* lease = std::get_if<wire::Lease>(&message)) out.push_back(*lease);
    peer.inbox.clear();
    return out;
  }

  /// It ends what it holds, each task in 10 ms: the functions of what it gets then.
  std::vector<std::string> next(Peer& peer, std::deque<wire::Lease>& held) {
    const wire::Lease lease = held.front();
    held.pop_front();
    now += 10ms * wire::size(lease.tasks);
    send(peer, echo(lease, 10'000 * wire::size(lease.tasks)));
    std::vector<std::string> functions;
    for (auto& got : leases(peer)) {
      functions.push_back(got.function);
      held.push_back(std::move(got));
    }
    return functions;
  }
};

TEST_F(Fitness, nothing_is_queued_behind_a_first_lease) {
  Peer quick, slow;
  worker(quick, 200);
  send(c, items_job(1, many()));
  std::deque<wire::Lease> held;
  for (auto& lease : leases(quick)) held.push_back(lease);
  ASSERT_EQ(held.size(), 1u);
  for (int i = 0; i < 10; ++i) next(quick, held);
  EXPECT_EQ(held.size(), 2u) << "one runs, one hides the way";

  worker(slow, 201);
  const auto first = leases(slow);
  ASSERT_EQ(first.size(), 1u) << "what its others take says nothing of it";
  EXPECT_EQ(wire::size(first[0].tasks), 1u);
  now += 1s;
  send(slow, echo(first[0], 1'000'000));
  EXPECT_GE(leases(slow).size(), 1u);
}

// The quick worker has done echo; two more are at their first task of it for a second; another one is at a square, and squares wait.
TEST_F(Fitness, first_leases_that_take_longer_than_others_took_keep_the_quick_at_what_it_does) {
  Peer quick, other, another, fourth;
  worker(quick, 200);
  worker(other, 201);
  worker(another, 202);
  send(c, items_job(1, many()));
  std::deque<wire::Lease> held;
  for (auto& lease : leases(quick)) held.push_back(lease);
  ASSERT_EQ(held.size(), 1u);
  for (int i = 0; i < 5; ++i) next(quick, held);
  ASSERT_EQ(leases(other).size(), 1u);
  ASSERT_EQ(leases(another).size(), 1u);
  wire::Hello hello = worker_hello(203);
  hello.worker->functions = {{"square", Takes::item, Encoding::value, "", false, 0}};
  connect(fourth, hello);
  send(c, items_job(2, many(), "square"));
  ASSERT_EQ(leases(fourth).size(), 1u);
  now += 1s;
  settle();
  // Squares have had hardly any slot time, so it would be their turn.
  for (int i = 0; i < 12; ++i)
    for (const auto& function : next(quick, held)) EXPECT_EQ(function, "echo");

  c.inbox.clear();
  send(c, wire::Query{.what = wire::QueryWhat::explain, .job = uuid(2)});
  const auto explained = expect<wire::Answer>(c);
  EXPECT_TRUE(std::any_of(explained.text.begin(), explained.text.end(), [](const auto& line) { return line.find("1 of these workers leaves it to the others") == 0; }))
      << ::testing::PrintToString(explained.text);
}

TEST_F(Fitness, a_worker_that_comes_back_without_a_result_of_its_first_lease_is_not_taken_for_slow) {
  Peer quick, cut;
  worker(quick, 200);
  send(c, items_job(1, many(1000)));
  std::deque<wire::Lease> held;
  for (auto& lease : leases(quick)) held.push_back(lease);
  for (int i = 0; i < 5; ++i) next(quick, held);
  worker(cut, 201);
  ASSERT_EQ(leases(cut).size(), 1u);
  for (int i = 0; i < 20; ++i) next(quick, held);
  settle();
  Peer again;  // the same worker: its session was cut, the lease never arrived
  worker(again, 201);
  EXPECT_EQ(leases(again).size(), 1u);
  send(c, wire::Query{.what = wire::QueryWhat::job, .job = uuid(1)});
  JobStatus job;
  for (auto& message : c.inbox)
    if (auto* answer = std::get_if<wire::Answer>(&message)) job = answer->jobs.at(0);
  // Two workers of the quick one's speed, and not one and a very slow one.
  ASSERT_GT(job.pending, 100u);
  EXPECT_NEAR(job.eta_s, 0.010 * static_cast<double>(job.pending + job.leased) / 2, 0.2);
}

TEST_F(Fitness, a_kind_of_work_that_one_of_many_idle_workers_can_do_finds_it) {
  std::vector<Peer> idle(5);
  for (std::size_t i = 0; i < idle.size(); ++i) worker(idle[i], static_cast<std::uint8_t>(210 + i));
  Peer rare;
  wire::Hello hello = worker_hello(200);
  hello.worker->functions = {{"rare", Takes::item, Encoding::raw, "", false, 0}};
  connect(rare, hello);
  expect<wire::Welcome>(rare);
  send(c, items_job(1, many(), "rare"));
  EXPECT_EQ(leases(rare).size(), 1u);
  for (Peer& other : idle) EXPECT_TRUE(leases(other).empty());
}

// 1000 workers with the longest names there are: their shares alone would be more than a header may have, and the client would never hear the end.
TEST_F(Fitness, a_job_of_very_many_workers_tells_its_end) {
  std::vector<Peer> all(1000);
  for (std::size_t i = 0; i < all.size(); ++i) {
    wire::Hello hello = worker_hello(0);
    hello.identity.octets[0] = static_cast<std::uint8_t>(i >> 8);
    hello.identity.octets[1] = static_cast<std::uint8_t>(i);
    hello.identity.octets[2] = 1;
    hello.name = std::to_string(i) + std::string(240, 'w');
    connect(all[i], hello);
    expect<wire::Welcome>(all[i]);
  }
  send(c, items_job(1, many(1000)));
  bool more = true;
  while (std::exchange(more, false)) {
    for (Peer& peer : all) {
      for (const auto& lease : leases(peer)) {
        send(peer, echo(lease, 10'000));
        more = true;
      }
    }
  }
  JobStatus end;
  for (auto& message : c.inbox)
    if (auto* update = std::get_if<wire::JobUpdate>(&message)) end = update->status;  // each went through the codec
  EXPECT_EQ(end.state, JobState::done);
  EXPECT_GT(end.workers, 900u);
  EXPECT_GT(end.shares.size(), 100u);
  EXPECT_LT(end.shares.size(), 300u);
}

}  // namespace
}  // namespace quern::broker
