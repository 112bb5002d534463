// The public interface over real sockets, against a fake broker.
#include "quern/client.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "client/client_fixture.hpp"
#include "quern/typed.hpp"
#include "support/gate.hpp"

namespace quern {
namespace {

using namespace std::chrono_literals;
using client::ClientTest;
using client::FakeBroker;
using client::options_for;
using Strings = std::vector<std::string>;

/// Numbers as text.
Items numbers(std::uint64_t count) {
  return {[n = std::uint64_t{0}, count](Bytes& item) mutable {
    if (n == count) return false;
    item = std::to_string(n++);
    return true;
  }};
}

using test::Gate;

TEST_F(ClientTest, a_map_returns_all_results_in_order) {
  EXPECT_EQ(client.submit("echo", Items::of(Strings{"a", "bb", ""})).get_all(),
            (Strings{"a", "bb", ""}));
  const auto many = client.submit("reverse", numbers(200'000)).get_all();
  ASSERT_EQ(many.size(), 200'000u);
  for (std::size_t i = 0; i < many.size(); ++i) ASSERT_EQ(many[i], std::to_string(i));
}

TEST_F(ClientTest, results_are_in_input_order_whatever_the_order_of_their_entries) {
  const Job job = client.submit("reverse", numbers(5000));
  std::uint64_t expected = 0;
  while (auto result = job.next()) {
    ASSERT_EQ(result->index, expected);
    ASSERT_EQ(result->bytes, std::to_string(expected));
    ++expected;
  }
  EXPECT_EQ(expected, 5000u);
  EXPECT_TRUE(job.wait().ok());
}

TEST_F(ClientTest, results_can_be_read_as_completed_each_once) {
  broker.run(
      [&] { broker.entry_tasks = 100; });  // several entries, whatever the batches of the input are
  const Job job = client.submit("reverse", numbers(3000));
  std::vector<int> seen(3000);
  const auto first = job.next_completed();
  ASSERT_TRUE(first);
  EXPECT_GT(first->index, 0u) << "the last entry is delivered first";
  ++seen[first->index];
  while (auto result = job.next_completed()) ++seen[result->index];
  EXPECT_EQ(seen, std::vector<int>(3000, 1));
}

TEST_F(ClientTest, each_visits_results_without_copies) {
  std::vector<int> seen(10'000);
  client.submit("echo", numbers(10'000)).each([&](std::uint64_t index, BytesView bytes) {
    EXPECT_EQ(bytes, std::to_string(index));
    ++seen[index];
  });
  EXPECT_EQ(seen, std::vector<int>(10'000, 1));
}

TEST_F(ClientTest, a_reduced_range_returns_one_value) {
  const Job job = client.submit("sum", Range{1, 101});
  EXPECT_EQ(from_value<int>(job.get()), 5050);
  EXPECT_EQ(from_value<int>(job.get()), 5050) << "results can be read repeatedly";
  EXPECT_TRUE(job.reduced());
  EXPECT_EQ(job.encoding(), Encoding::value);
}

TEST_F(ClientTest, the_value_of_a_job_reduced_over_nothing_is_a_bad_input_error) {
  const Job job = client.submit("min", Range{5, 5});
  EXPECT_EQ(job.get_optional(), std::nullopt);
  try {
    job.get();
    FAIL() << "there is no value";
  } catch (const JobError& error) {
    EXPECT_EQ(error.code(), ErrorCode::bad_input);
    EXPECT_NE(std::string(error.what()).find("get_optional()"), std::string::npos) << error.what();
  }
}

TEST_F(ClientTest, a_job_without_items_has_no_results) {
  EXPECT_TRUE(client.submit("echo", Items::of(Strings{})).get_all().empty());
}

TEST_F(ClientTest, failed_tasks_become_a_job_error_with_their_texts) {
  const Job job = client.submit("fail", Items::of(Strings{"no sugar", "no flour"}));
  const Outcome outcome = job.wait();
  EXPECT_EQ(outcome.state, JobState::failed);
  ASSERT_EQ(outcome.errors.size(), 2u);
  EXPECT_EQ(outcome.errors[1], (TaskError{1, 1, ErrorCode::failed, "no flour"}));
  try {
    job.get_all();
    FAIL();
  } catch (const JobError& error) {
    EXPECT_EQ(error.tasks().size(), 2u);
    EXPECT_NE(std::string(error.what()).find("no sugar"), std::string::npos);
  }
}

// ---- single submits

TEST_F(ClientTest, single_submits_share_one_job) {
  std::vector<Job> jobs;
  for (int i = 0; i < 20'000; ++i) jobs.push_back(client.submit("echo", Whole{std::to_string(i)}));
  for (int i = 0; i < 20'000; ++i)
    ASSERT_EQ(jobs[static_cast<std::size_t>(i)].get(), std::to_string(i));
  EXPECT_EQ(jobs[7].id(), std::to_string(value(jobs[7].number())) + ".7");
  EXPECT_EQ(jobs[7].uuid(), jobs[19'999].uuid());
  EXPECT_EQ(broker.run([&] { return broker.jobs.size(); }), 1u);
  EXPECT_NE(client.submit("echo", Whole{"x"}, {.priority = 1}).uuid(), jobs[7].uuid())
      << "different options need a different job";
}

TEST_F(ClientTest, a_single_submit_fails_alone) {
  const Job job = client.submit("fail", Whole{"burnt"});
  const Outcome outcome = job.wait();
  EXPECT_EQ(outcome.state, JobState::failed);
  EXPECT_EQ(outcome.text, "burnt");
  EXPECT_THROW(job.get(), JobError);
}

TEST_F(ClientTest, cancelling_a_single_submit_cancels_its_task) {
  const Job first = client.submit("hold", Whole{"a"});
  const Job second = client.submit("hold", Whole{"b"});
  second.cancel();
  EXPECT_EQ(second.wait().state, JobState::cancelled);
  EXPECT_FALSE(first.wait(0ms).finished());
  EXPECT_EQ(broker.run([&] { return broker.jobs.begin()->second.cancelled; }),
            (wire::Intervals{{1, 2}}));
}

TEST_F(ClientTest, single_submits_are_acknowledged_when_none_is_outstanding) {
  client.submit("echo", Whole{"a"}).get();
  client.connect();  // returns after the acknowledgement was handled
  client.jobs();
  EXPECT_TRUE(broker.run([&] { return broker.jobs.begin()->second.released; }));
}

// ---- sources

TEST_F(ClientTest, a_throwing_source_cancels_the_job_and_its_handle_rethrows) {
  const Job job = client.submit("hold", Items{[n = 0](Bytes& item) mutable {
                                  if (n++ == 3) throw std::out_of_range("the sensor is gone");
                                  item = "x";
                                  return true;
                                }});
  EXPECT_THROW(job.next(), std::out_of_range);
  EXPECT_EQ(job.wait().text, "the sensor is gone");
}

TEST_F(ClientTest, an_item_over_the_limit_fails_the_job_and_names_the_limit) {
  const Job job = client.submit("echo", Items::of(Strings{std::string((64u << 20) + 1, 'x')}));
  EXPECT_THROW(job.get_all(), SubmitError);
  EXPECT_NE(job.wait().text.find("64 MiB"), std::string::npos);
  const Job whole = client.submit("echo", Whole{std::string((64u << 20) + 1, 'x')});
  EXPECT_THROW(whole.get(), SubmitError);
  EXPECT_EQ(whole.wait().code, ErrorCode::limit);
}

TEST_F(ClientTest, a_slow_source_does_not_delay_other_jobs) {
  auto gate = std::make_shared<Gate>();
  const Job slow = client.submit("echo", Items{[gate, n = 0](Bytes& item) mutable {
                                   if (n == 1) gate->pass();
                                   item = "x";
                                   return n++ < 2;
                                 }});
  EXPECT_EQ(slow.next()->bytes, "x")
      << "items that the source has delivered are sent while it blocks";
  EXPECT_EQ(client.submit("echo", numbers(10)).get_all().size(), 10u);
  gate->open();
  EXPECT_TRUE(slow.next());
  EXPECT_FALSE(slow.next());
}

TEST_F(ClientTest, input_waits_for_credit) {
  broker.run([&] { broker.credit = 0; });
  const Job job = client.submit("echo", numbers(500'000));
  job.number();
  EXPECT_FALSE(job.wait(0ms).finished());
  const auto uuid = job.uuid();
  EXPECT_LT(broker.run([&] { return broker.jobs[uuid].tasks; }), 500'000u);
  broker.run([&] {
    broker.credit = 1u << 30;
    broker.cut();  // the new session grants the credit
  });
  EXPECT_EQ(job.get_all().size(), 500'000u);
  job.wait_for_intake();
}

// ---- the broker goes away

TEST_F(ClientTest, a_job_survives_a_lost_connection) {
  broker.run([&] { broker.entry_tasks = 10; });
  auto gate = std::make_shared<Gate>();
  const Job job = client.submit("echo", Items{[gate, n = 0](Bytes& item) mutable {
                                  if (n == 5000) gate->pass();
                                  if (n == 10'000) return false;
                                  item = std::to_string(n++);
                                  return true;
                                }});
  for (int i = 0; i < 3000; ++i) ASSERT_EQ(job.next()->bytes, std::to_string(i));
  broker.run([&] { broker.cut(); });
  gate->open();
  for (int i = 3000; i < 10'000; ++i) ASSERT_EQ(job.next()->bytes, std::to_string(i));
  EXPECT_FALSE(job.next());
}

TEST_F(ClientTest, a_memory_job_is_lost_when_the_broker_restarts) {
  const Job job = client.submit("hold", Range{0, 10});
  const Job single = client.submit("hold", Whole{"x"});
  job.number();
  single.number();
  broker.run([&] { broker.restart(); });
  const Outcome outcome = job.wait();
  EXPECT_EQ(outcome.state, JobState::lost);
  EXPECT_EQ(outcome.text,
            "the job is lost: the broker was restarted, and the job was not durable (or the store "
            "lost it; see the broker's log)");
  EXPECT_EQ(single.wait().state, JobState::lost);
  EXPECT_EQ(client.submit("echo", Whole{"again"}).get(), "again");
}

TEST(Client, a_missing_broker_is_a_connection_error_with_advice) {
  ClientOptions options = options_for("tcp://127.0.0.1:1");
  options.first_wait = 50ms;
  Client client(options);
  try {
    client.connect();
    FAIL();
  } catch (const ConnectionError& error) {
    EXPECT_EQ(error.code(), ErrorCode::no_broker);
    EXPECT_NE(std::string(error.what()).find("quern up"), std::string::npos);
  }
  EXPECT_EQ(client.submit("echo", Whole{"x"}).wait().code, ErrorCode::no_broker);
  EXPECT_THROW(client.submit("echo", Range{0, 3}).get_all(), ConnectionError);
  EXPECT_THROW(client.submit("echo", numbers(3)).number(), ConnectionError);
}

TEST(Client, an_invalid_endpoint_is_a_connection_error) {
  Client client(options_for("nonsense"));
  EXPECT_THROW(client.connect(), ConnectionError);
}

TEST(Client, an_invalid_port_is_a_connection_error_that_names_the_ports) {
  for (const char* endpoint : {"tcp://127.0.0.1:99999", "tcp://127.0.0.1:0"}) {
    Client client(options_for(endpoint));
    try {
      client.connect();
      FAIL() << endpoint;
    } catch (const ConnectionError& error) {
      EXPECT_NE(std::string(error.what()).find("from 1 to 65535"), std::string::npos)
          << error.what();
    }
  }
}

TEST_F(ClientTest, a_refusal_carries_the_reason_of_the_broker) {
  broker.run([&] {
    broker.refuse.emplace();
    broker.refuse->text = "this broker is closed on Sundays";
  });
  Client other(options_for(broker.endpoint()));
  try {
    other.connect();
    FAIL();
  } catch (const ConnectionError& error) {
    EXPECT_NE(std::string(error.what()).find("closed on Sundays"), std::string::npos);
  }
}

// ---- the end

TEST(Client, destroying_the_client_ends_blocked_handles_within_a_second) {
  FakeBroker broker;
  std::optional<Client> client(std::in_place, options_for(broker.endpoint()));
  const Job job = client->submit("hold", Range{0, 10});
  const Job single = client->submit("hold", Whole{"x"});
  job.number();
  single.number();
  std::atomic<int> ended{0};
  std::thread a([&] {
    EXPECT_EQ(job.wait().code, ErrorCode::shutdown);
    ++ended;
  });
  std::thread b([&] {
    EXPECT_THROW(single.get(), ConnectionError);
    ++ended;
  });
  const auto begin = std::chrono::steady_clock::now();
  client.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
  a.join();
  b.join();
  EXPECT_EQ(ended, 2);
  while (broker.run([&] { return broker.byes; }) == 0) std::this_thread::yield();
  job.cancel();  // has no effect
}

TEST(Client, destroying_the_client_with_a_blocked_source_and_no_broker_is_as_fast) {
  auto gate = std::make_shared<Gate>();
  const auto begin = std::chrono::steady_clock::now();
  {
    Client client(options_for("tcp://127.0.0.1:1"));
    client.submit("echo", Items{[gate](Bytes&) {
                    gate->pass();
                    return false;
                  }});
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
  gate->open();
}

TEST_F(ClientTest, a_client_can_be_moved) {
  Client other = std::move(client);
  EXPECT_EQ(other.submit("echo", Whole{"x"}).get(), "x");
}

// ---- attach, progress, questions

TEST_F(ClientTest, another_client_can_read_a_job_by_number) {
  const Job mine = client.submit("echo", numbers(3000), {.detach = true});
  mine.wait_for_intake();
  Client other(options_for(broker.endpoint()));
  const Job theirs = other.attach(mine.number());
  EXPECT_TRUE(theirs.wait().ok());
  EXPECT_EQ(theirs.get_all().size(), 3000u);
  EXPECT_EQ(theirs.uuid(), mine.uuid());
  EXPECT_THROW(other.attach(JobNumber{99}).number(), JobError);
  EXPECT_EQ(other.attach(JobNumber{99}).wait().code, ErrorCode::unknown_job);
}

TEST_F(ClientTest, attaching_to_an_own_job_returns_its_handle) {
  const Job job = client.submit("echo", numbers(10));
  const Job again = client.attach(job.number());
  EXPECT_TRUE(job.next());
  EXPECT_EQ(again.next()->index, 1u) << "both handles read the same job";
  EXPECT_EQ(client.attach(job.uuid()).next()->index, 2u);
}

TEST_F(ClientTest, progress_is_reported_at_least_once_at_the_end) {
  std::promise<Progress> last;
  const Job job = client.submit("echo", numbers(10));
  job.on_progress(
      [&](const Progress& progress) {
        if (is_final(progress.state)) last.set_value(progress);
      },
      10ms);
  EXPECT_EQ(last.get_future().get().done, 10u);
  EXPECT_FALSE(job.progress().open);
}

TEST_F(ClientTest, queries_are_answered) {
  client.submit("echo", numbers(10)).get_all();
  EXPECT_EQ(client.jobs().size(), 1u);
}

TEST_F(ClientTest, a_query_for_jobs_continues_until_it_has_enough) {
  client.submit("echo", numbers(10)).get_all();
  broker.run([&] { broker.cursors = {JobNumber{3}, JobNumber{7}, JobNumber{9}}; });
  const JobPage page = client.jobs({.limit = 2, .states = {JobState::done}, .name = "n*"});
  EXPECT_EQ(page.jobs.size(), 2u);
  EXPECT_EQ(page.before, JobNumber{7});
  const auto asked = broker.run([&] { return broker.queries; });
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[1].limit, 1u);
  EXPECT_EQ(asked[1].before, JobNumber{9});
  EXPECT_EQ(asked[1].states, std::vector{JobState::done});
  EXPECT_EQ(asked[1].name, "n*");
  EXPECT_THROW(client.jobs({.text = std::string(256, 'x')}), Error);
}

TEST_F(ClientTest, groups_of_errors_are_added_up_over_all_answers) {
  broker.run([&] {
    broker.error_pages = {
        {{ErrorCode::failed, "line <n>", 2, 7, 9, "line 3"}, {ErrorCode::timeout, "", 4, 1, 4, ""}},
        {{ErrorCode::failed, "line <n>", 3, 2, 5, "line 8"}}};
  });
  const ErrorGroups errors = client.errors(JobNumber{7});
  EXPECT_EQ(errors.groups,
            (std::vector<ErrorGroup>{{ErrorCode::failed, "line <n>", 5, 2, 9, "line 3"},
                                     {ErrorCode::timeout, "", 4, 1, 4, ""}}));
  EXPECT_EQ(errors.more, 0u);
  EXPECT_EQ(errors.tasks, 9u);
}

TEST_F(ClientTest, groups_of_errors_beyond_the_limit_are_counted) {
  broker.run([&] {
    broker.error_pages = {
        {{ErrorCode::failed, "a", 1, 0, 0, "a"}, {ErrorCode::failed, "b", 2, 1, 2, "b"}}};
  });
  const ErrorGroups errors = client.errors(JobNumber{7}, 1);
  ASSERT_EQ(errors.groups.size(), 1u);
  EXPECT_EQ(errors.groups[0].text, "b");
  EXPECT_EQ(errors.more, 1u);
  EXPECT_EQ(errors.tasks, 3u);
}

TEST(Job, an_empty_handle_reports_an_error) {
  Job job;
  EXPECT_THROW(job.number(), Error);
  EXPECT_EQ(job.wait().code, ErrorCode::unknown_job);
}

}  // namespace
}  // namespace quern
