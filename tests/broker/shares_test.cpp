// The share of each worker in a job: which workers are listed, and how many fit into a message.
#include "broker/core/jobs/shares.hpp"
#include "broker/broker_fixture.hpp"

namespace quern::broker {
namespace {

using SharesOfWorkersTest = BrokerTest;

std::vector<std::string> names_of(const std::vector<WorkerShare>& shares) {
  std::vector<std::string> names;
  for (const auto& share : shares) names.push_back(share.worker);
  return names;
}

TEST(Shares, the_workers_that_did_most_come_first) {
  Shares shares;
  for (const auto& [name, tasks] :
       std::vector<std::pair<std::string, std::uint64_t>>{{"b", 3}, {"d", 9}, {"a", 3}, {"c", 1}}) {
    Worker worker;
    worker.name = name;
    shares.of(worker, JobNumber{1}).tasks = tasks;
  }
  EXPECT_EQ(names_of(shares.most(10)), (std::vector<std::string>{"d", "a", "b", "c"}));
  EXPECT_EQ(names_of(shares.most(2)), (std::vector<std::string>{"d", "a"}));
  EXPECT_TRUE(shares.most(0).empty());
  EXPECT_EQ(shares.most(10, 200).size(), 2u);
}

TEST(Shares, a_worker_of_the_same_name_continues_its_share_within_one_job) {
  Shares mine, other;
  Worker worker, again;
  worker.name = again.name = "w";
  mine.of(worker, JobNumber{1}).tasks = 5;
  other.of(worker, JobNumber{2}).tasks = 7;
  EXPECT_EQ(mine.of(worker, JobNumber{1}).tasks, 5u);
  EXPECT_EQ(mine.of(again, JobNumber{1}).tasks, 5u);
  EXPECT_EQ(mine.size(), 1u);
}

// With 1000 workers of the longest names, the shares alone would exceed the limit of a header, and
// the client would never receive the end of the job.
TEST_F(SharesOfWorkersTest, the_end_of_a_job_with_very_many_workers_fits_into_a_message) {
  Peer c;
  client(c);
  std::vector<Peer> all(1000);
  for (std::size_t i = 0; i < all.size(); ++i) {
    wire::Hello hello = worker_hello(0);
    hello.identity.bytes[0] = static_cast<std::uint8_t>(i >> 8);
    hello.identity.bytes[1] = static_cast<std::uint8_t>(i);
    hello.identity.bytes[2] = 1;
    hello.name = std::to_string(i) + std::string(240, 'w');
    connect(all[i], hello);
    expect<wire::Welcome>(all[i]);
  }
  send(c, items_job(1, std::vector<std::string>(1000, "x")));
  bool more = true;
  while (std::exchange(more, false)) {
    for (Peer& peer : all) {
      for (const auto& lease : leases_of(peer)) {
        send(peer, echo(lease, 10'000));
        more = true;
      }
    }
  }
  JobStatus end;
  for (auto& message : c.inbox)
    if (auto* update = std::get_if<wire::JobUpdate>(&message))
      end = update->status;  // every message went through the codec
  EXPECT_EQ(end.state, JobState::done);
  EXPECT_GT(end.workers, 900u);
  EXPECT_GT(end.shares.size(), 100u);
  EXPECT_LT(end.shares.size(), 300u);
}

}  // namespace
}  // namespace quern::broker
