// Single submits that share a job with others: progress callbacks, failures, what they left.
#include <atomic>
#include <future>
#include <thread>

#include "client/client_fixture.hpp"

namespace quern::client {
namespace {

using namespace std::chrono_literals;

/// Collects what a progress callback is called with, and on which thread.
struct Calls {
  std::promise<Progress> first;
  std::thread::id thread;
  std::atomic<int> count{0};

  std::function<void(const Progress&)> callback() {
    return [this](const Progress& progress) {
      thread = std::this_thread::get_id();
      if (++count == 1) first.set_value(progress);
    };
  }
  Progress await() {
    auto future = first.get_future();
    if (future.wait_for(20s) != std::future_status::ready) {
      ADD_FAILURE() << "the callback was never called";
      return {};
    }
    return future.get();
  }
};

TEST_F(ClientTest, the_progress_callback_of_a_lost_single_submit_is_called_at_its_end) {
  Calls calls;
  const Job job = client.submit("hold", Whole{"x"});
  job.number();
  job.on_progress(calls.callback(), 10ms);
  broker.run([&] { broker.restart(); });
  EXPECT_EQ(calls.await().state, JobState::lost);
  EXPECT_EQ(calls.count, 1);
}

TEST_F(ClientTest, the_progress_callback_of_a_single_submit_is_called_when_the_client_closes) {
  Calls calls;
  std::optional<Client> other(std::in_place, options_for(broker.endpoint()));
  const Job job = other->submit("hold", Whole{"x"});
  job.number();
  job.on_progress(calls.callback(), 10ms);
  other.reset();
  EXPECT_EQ(calls.count, 1);
  EXPECT_EQ(calls.await().state, JobState::lost);
}

TEST_F(ClientTest, every_single_submit_of_a_cancelled_job_gets_its_last_progress) {
  Calls first, second;
  const Job a = client.submit("hold", Whole{"a"}), b = client.submit("hold", Whole{"b"});
  a.on_progress(first.callback(), 10ms);
  b.on_progress(second.callback(), 10ms);
  a.number();
  broker.run([&] {
    broker.jobs.begin()->second.state = JobState::cancelled;
    broker.push();
  });
  EXPECT_EQ(first.await().state, JobState::cancelled);
  EXPECT_EQ(second.await().state, JobState::cancelled);
}

TEST_F(ClientTest, the_progress_callback_of_a_cancelled_single_submit_says_cancelled) {
  Calls calls;
  const Job job = client.submit("hold", Whole{"x"});
  job.on_progress(calls.callback(), 10ms);
  job.cancel();
  EXPECT_EQ(calls.await().state, JobState::cancelled);
}

TEST_F(ClientTest, the_progress_callback_of_an_ended_single_submit_runs_on_a_thread_of_the_sdk) {
  Calls calls;
  const Job job = client.submit("echo", Whole{"x"});
  job.wait();
  job.on_progress(calls.callback(), 10ms);
  const Progress progress = calls.await();
  EXPECT_EQ(progress.state, JobState::done);
  EXPECT_EQ(progress.done, 1u);
  EXPECT_NE(calls.thread, std::this_thread::get_id());
}

TEST_F(ClientTest, an_exception_of_a_progress_callback_of_an_ended_single_submit_is_dropped) {
  Calls calls;
  const Job job = client.submit("echo", Whole{"x"});
  job.wait();
  EXPECT_NO_THROW(job.on_progress([](const Progress&) { throw 5; }, 10ms));
  job.on_progress(calls.callback(), 10ms);
  EXPECT_EQ(calls.await().state, JobState::done) << "the thread of the SDK is alive";
}

TEST_F(ClientTest, a_failed_single_submit_keeps_the_output_of_its_task) {
  client.submit("write", Whole{"x"}).wait();  // so that the next one is not the first of its group
  const Job job = client.submit("write", Whole{"a cake"});
  const auto result = job.next();
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->ok);
  EXPECT_EQ(result->text, "a cake");
  EXPECT_EQ(result->bytes, "half of a cake");
}

TEST_F(ClientTest, the_errors_of_a_single_submit_have_index_0) {
  client.submit("fail", Whole{"x"}).wait();
  const Job job = client.submit("fail", Whole{"burnt"});
  const Outcome outcome = job.wait();
  const std::vector<TaskError> expected{{0, 1, ErrorCode::failed, "burnt"}};
  EXPECT_EQ(outcome.errors, expected);
  try {
    job.get();
    FAIL() << "the task has failed";
  } catch (const JobError& error) {
    EXPECT_EQ(error.tasks(), expected);
  }
  EXPECT_EQ(job.next()->index, 0u);
}

}  // namespace
}  // namespace quern::client
