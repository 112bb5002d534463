// The fair queue: priorities, principals, jobs.
#include "broker/core/scheduling/fair_queue.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <map>

#include "broker/core/jobs/job.hpp"

namespace quern::broker {
namespace {

class FairQueueTest : public ::testing::Test {
 protected:
  Job& job(const std::string& principal, double weight = 1, double principal_weight = 1,
           int priority = 0) {
    Job& made = jobs.emplace_back();
    made.number = JobNumber{jobs.size()};
    made.spec.principal = principal;
    wire::JobOptions options;
    options.weight = weight;
    options.priority = priority;
    made.spec.options = std::make_shared<const wire::JobOptions>(options);
    made.owner.weight = principal_weight;
    made.run.decision = std::make_shared<const Decision>();
    made.tasks.total = 1'000'000;
    made.tasks.pending.add({0, made.tasks.total});
    queue.enter(made);
    queue.update(made);
    return made;
  }

  /// Grants leases of one second each. Returns how many each job got.
  std::map<const Job*, int> deal(int leases) {
    std::map<const Job*, int> got;
    for (int i = 0; i < leases; ++i) {
      Job* next = queue.next(queue.levels().begin()->second);
      queue.serve(*next);
      queue.charge(*next, 1);
      queue.update(*next);
      ++got[next];
    }
    return got;
  }

  FairQueue queue;
  std::deque<Job> jobs;
};

TEST_F(FairQueueTest, jobs_of_one_principal_share_by_weight) {
  const Job &one = job("a"), &three = job("a", 3);
  const auto got = deal(400);
  EXPECT_NEAR(got.at(&one), 100, 2);
  EXPECT_NEAR(got.at(&three), 300, 2);
}

TEST_F(FairQueueTest, a_principal_with_many_jobs_gets_no_larger_share) {
  const Job& alone = job("alone");
  for (int i = 0; i < 9; ++i) job("many");
  EXPECT_NEAR(deal(1000).at(&alone), 500, 2);
}

TEST_F(FairQueueTest, principals_share_by_weight) {
  const Job &light = job("light", 1, 1), &heavy = job("heavy", 1, 4);
  const auto got = deal(500);
  EXPECT_NEAR(got.at(&light), 100, 2);
  EXPECT_NEAR(got.at(&heavy), 400, 2);
}

TEST_F(FairQueueTest, a_late_principal_starts_level_and_does_not_catch_up) {
  job("early");
  deal(1000);
  const Job& late = job("late");
  EXPECT_NEAR(deal(100).at(&late), 50, 2);
}

TEST_F(FairQueueTest, an_idle_principal_saves_up_no_share) {
  Job& sensor = job("sensor");
  const Job& busy = job("busy");
  deal(10);
  sensor.tasks.pending.clear();
  queue.update(sensor);
  deal(1000);
  sensor.tasks.pending.add({0, 100});
  queue.update(sensor);
  const auto got = deal(100);
  EXPECT_NEAR(got.at(&sensor), 50, 3);
  EXPECT_NEAR(got.at(&busy), 50, 3);
}

TEST_F(FairQueueTest, a_principal_with_many_single_task_jobs_does_not_delay_others) {
  std::deque<Job*> small;
  for (int i = 0; i < 100; ++i) small.push_back(&job("many"));
  Job& other = job("other");
  int got = 0;
  for (int i = 0; i < 100; ++i) {
    Job* next = queue.next(queue.levels().begin()->second);
    queue.serve(*next);
    queue.expect(*next, 1);
    if (next == &other) {
      ++got;
    } else {
      next->tasks.pending.clear();  // its only task was leased
      queue.update(*next);
    }
    queue.expect(*next, -1);
    queue.charge(*next, 1);
    if (next == &other) queue.update(*next);
  }
  EXPECT_NEAR(got, 50, 2);
}

TEST_F(FairQueueTest, an_overestimated_lease_does_not_disadvantage_newcomers) {
  Job& early = job("early");
  deal(10);
  queue.serve(early);
  queue.expect(early, 1000);  // nobody knows the function yet
  const Job& late = job("late");
  queue.expect(early, -1000);  // it took a second
  queue.charge(early, 1);
  queue.update(early);
  EXPECT_NEAR(deal(100).at(&late), 50, 2);
}

TEST_F(FairQueueTest, a_higher_priority_is_served_first) {
  job("a");
  const Job& urgent = job("b", 1, 1, 5);
  EXPECT_EQ(queue.next(queue.levels().begin()->second), &urgent);
  EXPECT_EQ(deal(10).at(&urgent), 10);
}

TEST_F(FairQueueTest, jobs_set_aside_are_restored_unless_they_have_left) {
  Job &first = job("a"), &second = job("a");
  Level& level = queue.levels().begin()->second;
  queue.set_aside(first);
  EXPECT_EQ(queue.next(level), &second);
  queue.set_aside(second);
  EXPECT_EQ(queue.next(level), nullptr);
  queue.leave(second);
  queue.restore();
  EXPECT_EQ(queue.next(level), &first);
  queue.leave(first);
  EXPECT_TRUE(queue.levels().empty());
}

}  // namespace
}  // namespace quern::broker
