// Futures, continuations and coroutines: what they give, where they run, and that each runs once.
#include "quern/future.hpp"

#include <poll.h>

#include <atomic>
#include <future>
#include <numeric>
#include <thread>

#include "client/callback_queue.hpp"
#include "client/client_fixture.hpp"
#include "quern/typed.hpp"

namespace quern::client {
namespace {

using namespace std::chrono_literals;

/// The value of a std::future that must come soon.
template <typename T>
T soon(std::future<T> future) {
  if (future.wait_for(20s) != std::future_status::ready) throw std::runtime_error("never called");
  return future.get();
}

template <typename E, typename T>
std::string error_of(Future<T> future) {
  try {
    future.get();
  } catch (const E& error) {
    return error.what();
  }
  return "no error";
}

TEST_F(ClientTest, a_call_gives_its_typed_result) {
  EXPECT_EQ(client.call<int>("echo", 42).get(), 42);
  EXPECT_EQ(client.call<std::string>("echo", std::string("rye")).get(), "rye");
  const auto future = client.call<std::vector<double>>("echo", std::vector<double>{1.5, 2});
  EXPECT_EQ(future.get(), (std::vector<double>{1.5, 2}));
  EXPECT_EQ(future.get().size(), 2u) << "it may be called again";
  EXPECT_TRUE(future.ready());
}

TEST_F(ClientTest, a_map_gives_all_results_in_order) {
  std::vector<int> numbers(5000);
  for (int i = 0; i < 5000; ++i) numbers[static_cast<std::size_t>(i)] = i;
  EXPECT_EQ(client.map<int>("reverse", numbers).get(), numbers);
}

TEST_F(ClientTest, items_of_numbers_travel_as_values) {
  const Job job = client.submit("echo", Items::of(std::vector<int>{7, 8}));
  EXPECT_EQ(job.get_all<int>(), (std::vector<int>{7, 8}));
  EXPECT_EQ(job.encoding(), Encoding::value);
  const Job text = client.submit("echo", Items::of(std::vector<std::string>{"7"}));
  EXPECT_EQ(text.get<std::string>(), "7");
  EXPECT_EQ(text.encoding(), Encoding::raw);
}

TEST_F(ClientTest, raw_results_are_read_as_json_or_as_strings) {
  EXPECT_EQ(client.submit("echo", Whole{"42"}).get<int>(), 42);
  EXPECT_EQ(client.submit("echo", Whole{"42"}).get<std::string>(), "42");
  EXPECT_THROW(client.submit("echo", Whole{"rye"}).get<int>(), std::invalid_argument);
  const Job job = client.submit("echo", Items::of(std::vector<std::string>{"3"}));
  EXPECT_EQ(job.next()->get<int>(), 3);
}

TEST_F(ClientTest, a_failed_task_result_throws_when_it_is_read_as_a_type) {
  const Job job = client.submit("fail", Items::of(std::vector<std::string>{"no rye"}));
  EXPECT_THROW(job.next()->get<int>(), JobError);
}

TEST_F(ClientTest, a_continuation_runs_on_a_thread_of_the_client_and_gives_a_future) {
  std::thread::id thread;
  const auto doubled = client.call<int>("echo", 21).then([&](int x) {
    thread = std::this_thread::get_id();
    return 2 * x;
  });
  EXPECT_EQ(doubled.get(), 42);
  EXPECT_NE(thread, std::this_thread::get_id());
  std::thread::id again;
  client.call<int>("echo", 1).then([&](int) { again = std::this_thread::get_id(); }).get();
  EXPECT_EQ(thread, again) << "one thread runs all of them";
}

TEST_F(ClientTest, a_continuation_may_block_and_submit) {
  const auto sum = client.call<int>("echo", 1).then([&](int x) {
    return x + client.call<int>("echo", 2).get() + client.map<int>("echo", std::vector{3}).get()[0];
  });
  EXPECT_EQ(sum.get(), 6);
}

TEST_F(ClientTest, a_continuation_that_returns_a_future_is_unwrapped) {
  const Future<int> last =
      client.call<int>("echo", 1).then([&](int x) { return client.call<int>("echo", x + 1); });
  EXPECT_EQ(last.get(), 2);
}

TEST_F(ClientTest, an_error_passes_by_until_somebody_takes_the_future) {
  int called = 0;
  const auto failed = client.call<int>("fail", 1).then([&](int) { return ++called; });
  EXPECT_THROW(failed.get(), JobError);
  const auto told = failed.then([](Future<int> before) { return error_of<JobError>(before); });
  EXPECT_NE(told.get(), "no error");
  EXPECT_EQ(called, 0);
}

TEST_F(ClientTest, what_a_continuation_throws_is_the_error_of_its_future) {
  const auto future =
      client.call<int>("echo", 1).then([](int) -> int { throw std::runtime_error("no flour"); });
  EXPECT_EQ(error_of<std::runtime_error>(future), "no flour");
}

TEST_F(ClientTest, a_continuation_of_nothing_takes_nothing) {
  const Future<void> done = client.submit("echo", Whole{"x"}).future<void>();
  EXPECT_EQ(done.then([] { return 5; }).get(), 5);
  done.get();
  EXPECT_THROW(client.submit("fail", Whole{"x"}).future<void>().get(), JobError);
}

TEST_F(ClientTest, waiting_for_a_continuation_inside_a_continuation_is_refused_and_does_not_hang) {
  const Future<int> never = client.call<int>("hold", 1).then([](int x) { return x; });
  const auto tried = client.call<int>("echo", 1).then([never](int) { return never.get(); });
  EXPECT_NE(error_of<std::logic_error>(tried).find("then()"), std::string::npos);
}

TEST_F(ClientTest, all_values_come_in_the_order_of_the_futures) {
  std::vector<Future<int>> futures;
  for (int i = 0; i < 1000; ++i) futures.push_back(client.call<int>("echo", i));
  const auto all = when_all(futures).get();
  ASSERT_EQ(all.size(), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)], i);
  EXPECT_TRUE(when_all(std::vector<Future<int>>{}).get().empty());
}

TEST_F(ClientTest, futures_of_different_types_give_a_tuple) {
  const auto all = when_all(client.call<int>("echo", 1), client.call<std::string>("echo", "rye"),
                            client.submit("echo", Whole{"x"}).future<void>());
  EXPECT_EQ(all.get(), (std::tuple<int, std::string, std::monostate>(1, "rye", {})));
}

TEST_F(ClientTest, the_first_error_fails_all_while_others_still_run) {
  std::vector<Future<int>> futures{client.call<int>("hold", 1), client.call<int>("fail", 2)};
  EXPECT_THROW(when_all(futures).get(), JobError);
  EXPECT_FALSE(futures[0].ready());
}

TEST_F(ClientTest, the_first_of_several_is_the_one_that_is_ready) {
  std::vector<Future<int>> futures{client.call<int>("hold", 1), client.call<int>("echo", 2)};
  const First<int> first = when_any(futures).get();
  EXPECT_EQ(first.index, 1u);
  EXPECT_EQ(first.future.get(), 2);
  const First<int> failed = when_any(std::vector{client.call<int>("fail", 1)}).get();
  EXPECT_THROW(failed.future.get(), JobError);
  EXPECT_THROW(when_any(std::vector<Future<int>>{}).get(), std::invalid_argument);
}

TEST_F(ClientTest, all_of_several_jobs_gives_how_they_ended) {
  const auto ends = when_all({client.submit("echo", Whole{"x"}), client.submit("fail", Whole{"y"}),
                              client.submit("echo", Items::of(std::vector<std::string>{"a"}))})
                        .get();
  ASSERT_EQ(ends.size(), 3u);
  EXPECT_TRUE(ends[0].ok());
  EXPECT_EQ(ends[1].state, JobState::failed);
  EXPECT_TRUE(ends[2].ok());
}

TEST_F(ClientTest, cancelling_a_future_cancels_the_jobs_behind_it) {
  const auto one = client.map<int>("hold", std::vector{1}),
             two = client.map<int>("hold", std::vector{2});
  const auto all =
      when_all(std::vector{one, two}).then([](const auto& lists) { return lists.size(); });
  all.cancel();
  EXPECT_THROW(all.get(), JobError);
  EXPECT_THROW(one.get(), JobError);
  EXPECT_THROW(two.get(), JobError);
}

TEST_F(ClientTest, a_wait_for_a_future_ends_after_its_time) {
  const auto held = client.call<int>("hold", 1);
  EXPECT_FALSE(held.wait_for(5ms));
  EXPECT_FALSE(held.then([](int x) { return x; }).wait_for(5ms));
  const auto done = client.call<int>("echo", 1);
  EXPECT_TRUE(done.wait_for(20s));
}

TEST_F(ClientTest, the_end_of_a_job_is_told_once_with_its_outcome) {
  std::promise<Outcome> job_ended, single_ended, late;
  const Job job = client.submit("echo", Items::of(std::vector<std::string>(3000, "x")));
  job.on_end([&](const Outcome& outcome) { job_ended.set_value(outcome); });
  const Job single = client.submit("fail", Whole{"no rye"});
  single.on_end([&](const Outcome& outcome) { single_ended.set_value(outcome); });
  EXPECT_TRUE(soon(job_ended.get_future()).ok());
  EXPECT_EQ(job.get_all().size(), 3000u);
  EXPECT_EQ(soon(single_ended.get_future()).text, "no rye");
  single.on_end([&](const Outcome& outcome) { late.set_value(outcome); });
  EXPECT_EQ(soon(late.get_future()).state, JobState::failed);
}

TEST_F(ClientTest, results_keep_flowing_for_a_job_whose_end_is_waited_for_by_a_callback) {
  // More than the window: without acknowledgements the broker would stop.
  broker.run([&] { broker.entry_tasks = 1; });
  const std::vector<std::string> items(40, std::string(1u << 20, 'x'));
  const Job job = client.submit("echo", Items::of(items));
  std::promise<Outcome> ended;
  job.on_end([&](const Outcome& outcome) { ended.set_value(outcome); });
  EXPECT_TRUE(soon(ended.get_future()).ok());
  EXPECT_GT(broker.run([&] { return broker.jobs.begin()->second.acked; }), 20u);
  EXPECT_EQ(job.get_all().size(), 40u);
}

TEST_F(ClientTest, a_job_that_was_attached_to_gives_its_results_to_a_future) {
  const Job job = client.submit("echo", Items::of(std::vector<int>{5}));
  job.wait();
  Client other(options_for(broker.endpoint()));
  const auto seen = other.attach(job.number()).future_all<int>();
  EXPECT_EQ(seen.then([](const std::vector<int>& all) { return all.at(0); }).get(), 5);
}

// ---- coroutines

Future<int> add_remotely(Client& client, int a, int b) {
  const int x = co_await client.call<int>("echo", a);
  const int y = co_await client.call<int>("echo", b);
  co_return x + y;
}

Future<void> note_failure(Client& client, std::string& text) {
  try {
    co_await client.call<int>("fail", 1);
  } catch (const JobError& error) {
    text = "failed";
  }
}

Future<std::string> wait_for_job(Job job) {
  const Outcome outcome = co_await job;
  co_return outcome.ok() ? job.get() : outcome.text;
}

Future<int> fail_with(std::string text) {
  throw std::runtime_error(text);
  co_return 0;
}

TEST_F(ClientTest, a_coroutine_waits_for_futures_and_is_one) {
  EXPECT_EQ(add_remotely(client, 2, 3).get(), 5);
  EXPECT_EQ(add_remotely(client, 2, 3).then([](int x) { return x + 1; }).get(), 6);
  std::string text;
  note_failure(client, text).get();
  EXPECT_EQ(text, "failed");
  EXPECT_EQ(error_of<std::runtime_error>(fail_with("stones")), "stones");
}

TEST_F(ClientTest, a_coroutine_waits_for_jobs_of_both_kinds) {
  EXPECT_EQ(wait_for_job(client.submit("echo", Whole{"rye"})).get(), "rye");
  EXPECT_EQ(wait_for_job(client.submit("fail", Whole{"stones"})).get(), "stones");
  EXPECT_EQ(wait_for_job(client.submit("echo", Items::of(std::vector<std::string>{"a"}))).get(),
            "a");
  const Job ended = client.submit("echo", Whole{"oats"});
  ended.wait();
  EXPECT_EQ(wait_for_job(ended).get(), "oats");
}

TEST_F(ClientTest, many_coroutines_wait_at_the_same_time) {
  std::vector<Future<int>> sums;
  for (int i = 0; i < 500; ++i) sums.push_back(add_remotely(client, i, i));
  const auto all = when_all(std::move(sums)).get();
  for (int i = 0; i < 500; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)], 2 * i);
}

Future<int> depth(int n) {
  if (n == 0) co_return 0;
  const int below = co_await depth(n - 1);
  co_return below + 1;
}

TEST(FutureTest, a_long_chain_needs_no_deep_stack) {
  Future<int> first = ready_future(0), last = first;
  auto open = std::make_shared<FutureState<int>>(nullptr);
  last = Future<int>(open);
  for (int i = 0; i < 200'000; ++i) last = last.then([](int x) { return x + 1; });
  open->set(0);
  EXPECT_EQ(last.get(), 200'000);
  EXPECT_EQ(depth(100).get(), 100);
}

TEST(FutureTest, a_value_that_is_used_last_is_moved_out_and_not_copied) {
  struct Counted {
    std::shared_ptr<int> copies = std::make_shared<int>(0);
    Counted() = default;
    Counted(const Counted& other) : copies(other.copies) { ++*copies; }
    Counted(Counted&&) = default;
    Counted& operator=(const Counted&) = default;
    Counted& operator=(Counted&&) = default;
  };
  EXPECT_EQ(*ready_future(Counted{}).get().copies, 0);
  const auto kept = ready_future(Counted{});
  EXPECT_EQ(*kept.get().copies, 1);
}

TEST(FutureTest, an_empty_future_says_so) {
  const Future<int> empty;
  EXPECT_FALSE(empty.valid());
  EXPECT_THROW(empty.get(), std::logic_error);
}

// ---- the client's end, and dispatching

TEST_F(ClientTest, continuations_run_before_a_client_is_gone) {
  std::atomic<int> called{0};
  std::string code;
  {
    Client other(options_for(broker.endpoint()));
    const auto held = other.call<int>("hold", 1);
    other.connect();
    held.then([&](Future<int> ended) {
      code = error_of<ConnectionError>(ended);
      ++called;
    });
    held.then([&](int) { ++called; });
  }
  EXPECT_EQ(called, 1);
  EXPECT_EQ(code, "the client was closed");
}

TEST_F(ClientTest, a_continuation_may_destroy_its_client) {
  client.connect();  // first: the fake broker sends results to whoever connected last
  auto other =
      std::make_shared<std::optional<Client>>(std::in_place, options_for(broker.endpoint()));
  std::promise<void> gone;
  (*other)->call<int>("echo", 1).then([&, other](int) {
    other->reset();
    gone.set_value();
  });
  soon(gone.get_future());
}

TEST_F(ClientTest, a_continuation_that_is_added_after_the_end_of_the_client_runs_at_once) {
  client.connect();
  Future<int> future;
  {
    Client other(options_for(broker.endpoint()));
    future = other.call<int>("echo", 1);
    future.wait();
  }
  EXPECT_EQ(future.then([](int x) { return x + 1; }).get(), 2);
}

class DispatchTest : public ::testing::Test {
 protected:
  static ClientOptions options(const std::string& endpoint) {
    ClientOptions options = options_for(endpoint);
    options.callbacks = Callbacks::dispatch;
    return options;
  }
  bool readable(int timeout_ms) const {
    pollfd ready{client.descriptor(), POLLIN, 0};
    return ::poll(&ready, 1, timeout_ms) == 1;
  }
  /// Dispatches until the condition holds.
  template <typename F>
  void until(F condition) {
    while (!condition()) {
      ASSERT_TRUE(readable(20'000)) << "nothing came";
      client.dispatch();
    }
  }

  FakeBroker broker;
  Client client{options(broker.endpoint())};
};

TEST_F(DispatchTest, callbacks_run_where_dispatch_is_called) {
  const auto here = std::this_thread::get_id();
  std::vector<std::thread::id> threads;
  const auto note = [&](auto&&...) { threads.push_back(std::this_thread::get_id()); };
  const Job job = client.submit("echo", Items::of(std::vector<std::string>{"x"}));
  const Job single = client.submit("echo", Whole{"x"});
  job.on_end(note);
  job.on_intake(note);
  job.on_progress(note, 1ms);
  single.on_intake(note);
  single.on_progress(note, 1ms);
  single.future<std::string>().then(note);
  until([&] { return threads.size() >= 6; });
  for (const auto& thread : threads) EXPECT_EQ(thread, here);
}

TEST_F(DispatchTest, nothing_runs_before_dispatch_and_the_descriptor_is_quiet_after_it) {
  EXPECT_FALSE(readable(0));
  int called = 0;
  client.call<int>("echo", 1).then([&](int) { ++called; });
  ASSERT_TRUE(readable(20'000));
  EXPECT_EQ(called, 0);
  until([&] { return called == 1; });
  EXPECT_FALSE(readable(0));
  EXPECT_EQ(client.dispatch(), 0u);
}

TEST_F(DispatchTest, a_coroutine_is_resumed_by_dispatch) {
  const auto sum = add_remotely(client, 2, 3);
  until([&] { return sum.ready(); });
  EXPECT_EQ(sum.get(), 5);
}

TEST_F(DispatchTest, a_future_of_a_job_needs_no_dispatch) {
  EXPECT_EQ(client.call<int>("echo", 5).get(), 5);
}

TEST_F(DispatchTest, what_is_left_runs_when_the_client_is_destroyed) {
  int called = 0;
  {
    Client other(options(broker.endpoint()));
    other.call<int>("hold", 1).then([&](Future<int>) { ++called; });
    other.connect();
  }
  EXPECT_EQ(called, 1);
}

TEST_F(ClientTest, a_client_that_does_not_dispatch_has_no_descriptor) {
  EXPECT_THROW(client.descriptor(), std::logic_error);
  EXPECT_EQ(client.dispatch(), 0u);
}

// For the thread sanitizer above all.
TEST(FutureTest, values_arrive_once_while_many_threads_set_read_combine_and_dispatch_them) {
  for (int round = 0; round < 40; ++round) {
    const bool dispatches = round % 2 == 0;
    const auto queue =
        std::make_shared<CallbackQueue>(dispatches ? Callbacks::dispatch : Callbacks::thread);
    std::vector<std::shared_ptr<FutureState<int>>> states;
    std::vector<Future<int>> futures;
    for (int i = 0; i < 16; ++i) {
      states.push_back(std::make_shared<FutureState<int>>(queue));
      futures.emplace_back(states.back());
    }
    const auto sum = when_all(futures).then(
        [](const std::vector<int>& all) { return std::accumulate(all.begin(), all.end(), 0); });
    const auto any = when_any(futures);
    const auto pair = when_all(futures[0], futures[1]);
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (std::size_t first = 0; first < 3; ++first)
      threads.emplace_back([&, first] {
        for (std::size_t i = first; i < 16; i += 3) {
          EXPECT_TRUE(states[i]->set(static_cast<int>(i)));
          EXPECT_FALSE(states[i]->set(99));
        }
      });
    if (dispatches)
      threads.emplace_back([&] {
        while (!stop) queue->dispatch();
      });
    threads.emplace_back([&] { EXPECT_EQ(sum.get(), 120); });
    threads.emplace_back([&] {
      any.get().future.wait();
      sum.cancel();
    });
    EXPECT_EQ(pair.get(), (std::tuple<int, int>(0, 1)));
    EXPECT_EQ(sum.get(), 120);
    any.wait();
    stop = true;
    if (round % 3 == 0) queue->close();
    for (auto& thread : threads) thread.join();
    queue->close();
    EXPECT_EQ(futures[1].then([](int x) { return x + 1; }).get(), 2);
  }
}

TEST(CallbackQueueTest, each_call_runs_once_while_many_threads_post_and_one_closes) {
  for (int round = 0; round < 50; ++round) {
    const auto queue = std::make_shared<CallbackQueue>(Callbacks::thread);
    std::atomic<int> called{0};
    std::vector<std::thread> posters;
    for (int i = 0; i < 4; ++i)
      posters.emplace_back([&] {
        for (int n = 0; n < 100; ++n) queue->post([&] { ++called; });
      });
    queue->close();
    for (auto& poster : posters) poster.join();
    EXPECT_EQ(called, 400);
  }
}

}  // namespace
}  // namespace quern::client
