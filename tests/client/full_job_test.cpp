// A job with its own handle, and what it requests from the actor.
#include "client/full_job.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

namespace quern::client {
namespace {

wire::Results results_of(std::size_t bytes) {
  wire::BatchBuilder builder;
  builder.add(std::string(bytes, 'x'));
  wire::Results results;
  results.tasks = {{0, 1}};
  results.batch = builder.take();
  return results;
}

TEST(FullJobTest, a_reader_of_one_job_does_not_wait_for_unread_results_of_others) {
  const auto outbox = std::make_shared<Outbox>();
  FullJob unread(JobKey{1}, {}, FullJob::Kind::own, outbox);
  const auto wanted = std::make_shared<FullJob>(JobKey{2}, Uuid{}, FullJob::Kind::own, outbox);
  unread.on_results(results_of(wire::kSessionResults / 2));
  std::thread reader([&] { EXPECT_THROW(wanted->next(), Error); });
  std::vector<Command> commands;
  const auto asked = [&] {
    return std::any_of(commands.begin(), commands.end(), [](const Command& command) {
      const auto* want = std::get_if<WantCommand>(&command);
      return want && want->job == JobKey{2};
    });
  };
  for (const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
       !asked() && std::chrono::steady_clock::now() < until;)
    outbox->drain(commands);
  EXPECT_TRUE(asked());
  wanted->on_ended({JobKey{2}, Ended::Stage::accepted, {ErrorCode::lost, "the end of the test"}});
  reader.join();
}

TEST(FullJobTest, a_reader_whose_handle_is_left_stops_waiting) {
  const auto outbox = std::make_shared<Outbox>();
  const auto job = std::make_shared<FullJob>(JobKey{1}, Uuid{}, FullJob::Kind::guest, outbox);
  std::thread other([&] { job->leave(); });
  try {
    job->next();
    FAIL();
  } catch (const ConnectionError& error) {
    EXPECT_EQ(error.code(), ErrorCode::shutdown);
  }
  other.join();
  EXPECT_EQ(job->wait(std::nullopt).code, ErrorCode::shutdown);
  EXPECT_THROW(job->next_completed(), ConnectionError);
}

TEST(FullJobTest, results_of_a_job_that_ended_before_it_was_read_come_in_order) {
  const auto outbox = std::make_shared<Outbox>();
  const auto job = std::make_shared<FullJob>(JobKey{1}, Uuid{}, FullJob::Kind::guest, outbox);
  wire::JobUpdate update;
  update.status.state = JobState::done;
  update.entries = 2;
  job->on_status(update);
  wire::Results second = results_of(1);
  second.tasks = {{1, 2}};
  job->on_results(std::move(second));
  std::thread broker([&] {
    std::vector<Command> commands;  // the reader asks for the rest
    while (commands.empty()) outbox->drain(commands);
    job->on_results(results_of(1));
  });
  EXPECT_EQ(job->next()->index, 0u);
  EXPECT_EQ(job->next()->index, 1u);
  EXPECT_FALSE(job->next());
  broker.join();
}

}  // namespace
}  // namespace quern::client
