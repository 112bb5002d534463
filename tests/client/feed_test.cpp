// Items that are pushed into a job, readers that do not wait, stop tokens, and what is coalesced.
#include "quern/feed.hpp"

#include <stop_token>
#include <thread>

#include "client/client_fixture.hpp"
#include "client/input_queue.hpp"
#include "quern/typed.hpp"

namespace quern::client {
namespace {

using namespace std::chrono_literals;

TEST(InputQueueTest, a_long_stream_of_items_of_different_sizes_does_not_stop) {
  InputQueue queue;
  queue.on_ready([] {});
  const std::string item(100, 'x');
  std::uint64_t taken = 0;
  // Together their sizes take many times the room that the queue has.
  for (std::uint64_t i = 0; i < 3'000'000; ++i) {
    const auto room = queue.put(BytesView(item).substr(0, i % 8));
    while (const auto chunk = room == InputQueue::Room::none ? queue.take() : std::nullopt)
      taken += chunk->batch.count();
  }
  while (const auto chunk = queue.take()) taken += chunk->batch.count();
  EXPECT_EQ(taken, 3'000'000u);
  EXPECT_EQ(queue.put("x"), InputQueue::Room::left) << "everything was taken, so there is room";
}

TEST_F(ClientTest, items_that_are_pushed_become_tasks_until_the_feed_is_closed) {
  Feed feed;
  EXPECT_EQ(feed.push("early"), Pushed::taken);
  const Job job = client.submit("echo", feed);
  EXPECT_EQ(job.next()->bytes, "early");
  EXPECT_EQ(feed.push("late"), Pushed::taken);
  EXPECT_EQ(job.next()->bytes, "late");
  EXPECT_FALSE(job.wait(0ms).finished());
  feed.close();
  EXPECT_FALSE(job.next());
  EXPECT_TRUE(job.wait().ok());
  EXPECT_THROW(feed.push("too late"), std::logic_error);
}

TEST_F(ClientTest, typed_items_are_pushed_as_values) {
  Feed feed(Encoding::value);
  const Job job = client.submit("echo", feed);
  feed.push_value(7);
  feed.close();
  EXPECT_EQ(job.get_all<int>(), std::vector<int>{7});
}

TEST_F(ClientTest, many_threads_push_into_one_feed) {
  Feed feed;
  const Job job = client.submit("echo", feed);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 5000; ++n) feed.push("x");
    });
  for (auto& thread : threads) thread.join();
  feed.close();
  EXPECT_EQ(job.get_all().size(), 20'000u);
}

TEST(FeedTest, a_feed_that_nobody_takes_from_is_full_after_a_while) {
  const Feed feed;
  const std::string item(1u << 20, 'x');
  int taken = 0;
  while (feed.try_push(item) == Pushed::taken) ASSERT_LT(++taken, 10);
  EXPECT_GE(taken, 4);
  EXPECT_EQ(feed.push_for(item, 2ms), Pushed::full);
}

TEST_F(ClientTest, a_push_that_waits_for_room_goes_on_when_the_broker_has_some) {
  broker.run([&] { broker.credit = 0; });
  Feed feed;
  const Job job = client.submit("echo", feed);
  const std::string item(1u << 20, 'x');
  while (feed.try_push(item) == Pushed::taken) {
  }
  std::thread pusher([&] { EXPECT_EQ(feed.push(item), Pushed::taken); });
  broker.run([&] {
    broker.credit = 1u << 30;
    broker.cut();  // the next session tells the new credit
  });
  pusher.join();
  feed.close();
  EXPECT_TRUE(job.wait().ok());
}

TEST_F(ClientTest, pushing_into_a_job_that_has_ended_says_so) {
  Feed feed;
  const Job job = client.submit("echo", feed);
  feed.push("x");
  job.next();
  job.cancel();
  job.wait();
  EXPECT_EQ(feed.push("y"), Pushed::ended);
  EXPECT_EQ(feed.try_push("y"), Pushed::ended);
}

TEST_F(ClientTest, a_push_that_waits_ends_with_the_job) {
  broker.run([&] { broker.credit = 0; });
  Feed feed;
  const Job job = client.submit("hold", feed);
  const std::string item(1u << 20, 'x');
  while (feed.try_push(item) == Pushed::taken) {
  }
  std::thread pusher([&] { EXPECT_EQ(feed.push(item), Pushed::ended); });
  job.cancel();
  pusher.join();
}

TEST_F(ClientTest, a_feed_is_the_input_of_one_job_only) {
  Feed feed;
  const Job first = client.submit("echo", feed), second = client.submit("echo", feed);
  EXPECT_EQ(second.wait().code, ErrorCode::bad_input);
  feed.push("x");
  feed.close();
  EXPECT_EQ(first.get(), "x");
}

TEST_F(ClientTest, the_feed_of_a_refused_job_takes_nothing) {
  Feed feed;
  const Job job = client.submit("echo", feed, {.weight = -1});
  EXPECT_EQ(job.wait().code, ErrorCode::bad_input);
  EXPECT_EQ(feed.push("x"), Pushed::ended);
}

TEST(FeedTest, an_item_over_the_limit_is_refused) {
  const Feed feed;
  EXPECT_THROW(feed.push(std::string((64u << 20) + 1, 'x')), Error);
}

// ---- readers that do not wait

TEST_F(ClientTest, a_reader_that_does_not_wait_finds_nothing_then_a_result_then_the_end) {
  Feed feed;
  const Job job = client.submit("echo", feed);
  EXPECT_FALSE(job.try_next());
  EXPECT_FALSE(job.try_next().end);
  EXPECT_FALSE(job.next_for(5ms));
  feed.push("rye");
  const Polled found = job.next_for(20s);
  ASSERT_TRUE(found);
  EXPECT_EQ(found.result->bytes, "rye");
  feed.close();
  job.wait();
  EXPECT_TRUE(job.try_next().end);
  EXPECT_TRUE(job.next_for(20s, Order::completion).end);
}

TEST_F(ClientTest, a_reader_that_does_not_wait_reads_in_both_orders) {
  broker.run([&] { broker.entry_tasks = 1; });
  const Job job = client.submit("reverse", Items::of(std::vector<std::string>{"a", "b", "c"}));
  job.wait();
  EXPECT_EQ(job.try_next(Order::completion).result->bytes, "c");
  EXPECT_EQ(job.try_next().result->bytes, "a");
}

TEST_F(ClientTest, a_single_submit_is_read_without_waiting) {
  const Job held = client.submit("hold", Whole{"x"});
  EXPECT_FALSE(held.try_next());
  EXPECT_FALSE(held.next_for(2ms).end);
  const Job done = client.submit("echo", Whole{"rye"});
  EXPECT_EQ(done.next_for(20s).result->bytes, "rye");
  EXPECT_TRUE(done.try_next().end);
}

TEST_F(ClientTest, a_reader_that_does_not_wait_learns_that_the_broker_lost_the_job) {
  const Job job = client.submit("hold", Items::of(std::vector<std::string>{"a"}));
  job.number();
  broker.run([&] { broker.restart(); });
  job.wait();
  EXPECT_THROW(job.try_next(), JobError);
}

// ---- stop tokens

TEST_F(ClientTest, a_requested_stop_cancels_the_job) {
  std::stop_source stop;
  const Job job =
      client.submit("hold", Items::of(std::vector<std::string>{"a"}), {.stop = stop.get_token()});
  job.number();
  stop.request_stop();
  EXPECT_EQ(job.wait().state, JobState::cancelled);
}

TEST_F(ClientTest, a_requested_stop_cancels_one_of_the_coalesced_tasks) {
  std::stop_source stop;
  const Job one = client.submit("hold", Whole{"a"}, {.stop = stop.get_token()});
  const Job two = client.submit("hold", Whole{"b"});
  EXPECT_EQ(one.number(), two.number()) << "a token does not keep them apart";
  stop.request_stop();
  EXPECT_EQ(one.wait().state, JobState::cancelled);
  EXPECT_FALSE(two.wait(0ms).finished());
}

TEST_F(ClientTest, a_stop_that_was_requested_before_cancels_at_once) {
  std::stop_source stop;
  stop.request_stop();
  const SubmitOptions options{.stop = stop.get_token()};
  EXPECT_EQ(client.submit("hold", Whole{"a"}, options).wait().state, JobState::cancelled);
  EXPECT_EQ(client.submit("hold", Items::of(std::vector<std::string>{"a"}), options).wait().state,
            JobState::cancelled);
}

TEST_F(ClientTest, a_stop_after_the_end_changes_nothing) {
  std::stop_source stop;
  const Job job = client.submit("echo", Whole{"a"}, {.stop = stop.get_token()});
  EXPECT_EQ(job.get(), "a");
  stop.request_stop();
  EXPECT_TRUE(job.wait().ok());
}

// ---- coalescing

std::size_t jobs_of(FakeBroker& broker) {
  return broker.run([&] { return broker.jobs.size(); });
}

TEST_F(ClientTest, single_submits_with_equal_names_and_metadata_are_coalesced) {
  const SubmitOptions options{.name = "mill", .metadata = {{"experiment", "7"}}};
  std::vector<Job> jobs;
  for (int i = 0; i < 100; ++i) jobs.push_back(client.submit("echo", Whole{"x"}, options));
  for (const Job& job : jobs) EXPECT_EQ(job.get(), "x");
  EXPECT_EQ(jobs_of(broker), 2u) << "the first one is a job of its own";
  broker.run([&] {
    for (const auto& [uuid, job] : broker.jobs) {
      EXPECT_EQ(job.submit.options.name, "mill");
      EXPECT_EQ(job.submit.options.metadata.at("experiment"), "7");
    }
  });
}

TEST_F(ClientTest, a_single_submit_with_a_name_is_a_job_that_ends_with_its_task) {
  const Job job = client.submit("echo", Whole{"x"}, {.name = "nightly"});
  EXPECT_EQ(job.get(), "x");
  EXPECT_EQ(broker.run([&] { return broker.jobs.begin()->second.state; }), JobState::done);
}

TEST_F(ClientTest, single_submits_with_different_names_are_different_jobs) {
  for (const char* name : {"a", "b", "c"}) client.submit("echo", Whole{"x"}, {.name = name}).get();
  EXPECT_EQ(jobs_of(broker), 3u);
}

TEST_F(ClientTest, a_deadline_is_of_one_single_submit) {
  const SubmitOptions options{.deadline = 60s};
  const Job one = client.submit("hold", Whole{"a"}, options),
            two = client.submit("hold", Whole{"b"}, options);
  EXPECT_NE(one.number(), two.number());
  EXPECT_EQ(broker.run([&] { return broker.jobs.begin()->second.submit.options.deadline_ms; }),
            60'000u);
}

TEST_F(ClientTest, bad_deadlines_and_metadata_are_refused) {
  EXPECT_EQ(client.submit("f", Whole{"a"}, {.deadline = -1ms}).wait().code, ErrorCode::limit);
  std::map<std::string, std::string> much;
  for (int i = 0; i < 100; ++i) much[std::to_string(i)] = std::string(255, 'x');
  EXPECT_EQ(client.submit("f", Whole{"a"}, {.metadata = much}).wait().code, ErrorCode::limit);
  EXPECT_EQ(client.submit("f", Whole{"a"}, {.metadata = {{std::string(256, 'x'), ""}}}).wait().code,
            ErrorCode::limit);
}

TEST_F(ClientTest, each_of_several_progress_callbacks_is_called) {
  std::promise<Progress> first, second;
  const Job job = client.submit("hold", Items::of(std::vector<std::string>{"a"}));
  std::atomic<int> ends{0};
  for (auto* promise : {&first, &second})
    job.on_progress(
        [promise, &ends](const Progress& progress) {
          if (!is_final(progress.state)) return;
          ++ends;
          promise->set_value(progress);
        },
        1ms);
  job.cancel();
  first.get_future().get();
  second.get_future().get();
  EXPECT_EQ(ends, 2);
}

}  // namespace
}  // namespace quern::client
