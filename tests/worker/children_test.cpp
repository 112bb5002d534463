// The jobs that a running task has submitted, as the task and the link see them.
#include "worker/actors/children.hpp"

#include <gtest/gtest.h>

#include <future>
#include <optional>
#include <thread>

#include "quern/typed.hpp"
#include "worker/actors/nested_submit.hpp"

namespace quern::worker {
namespace {

class ChildrenTest : public ::testing::Test {
 protected:
  Children make() {
    return {{7, 1}, [this](Children::Said said) {
              if (const auto* wait = std::get_if<wire::Wait>(&said); wait && !wait->job.is_nil())
                waits.set_value();
            }};
  }
  static wire::Submit submit() {
    return nested_submit("f", Items::of(std::vector<std::string>{"a", "b"}), {});
  }
  static wire::Results results(const Uuid& job) {
    wire::Results results;
    results.job = job;
    results.tasks = {{1, 2}};
    results.errors = {{0, 1, ErrorCode::failed, "no"}};
    wire::BatchBuilder builder;
    builder.add("B");
    results.batch = builder.take();
    return results;
  }
  static wire::JobUpdate end(const Uuid& job) {
    wire::JobUpdate update;
    update.status.uuid = job;
    update.status.state = JobState::failed;
    update.status.failure = ErrorCode::failed;
    update.status.reason = "1 of 2 tasks failed";
    update.entries = 1;
    return update;
  }

  std::promise<void> waits;  // a task has begun to wait
};

TEST_F(ChildrenTest, results_come_in_the_order_of_the_input) {
  Children children = make();
  const wire::Submit sent = submit();
  const NestedJob job = children.submit(sent);
  std::thread link([&] {
    waits.get_future().wait();
    children.take(results(sent.job));
    children.take(end(sent.job));
  });
  EXPECT_EQ(job.wait().state, JobState::failed);
  link.join();
  ASSERT_EQ(job.results().size(), 2u);
  EXPECT_EQ(job.results()[0].text, "no");
  EXPECT_EQ(job.results()[1].bytes, "B");
  EXPECT_THROW(job.get_all(), JobError);
}

TEST_F(ChildrenTest, a_range_of_which_everything_fails_does_not_fill_the_memory) {
  Children children = make();
  const wire::Submit sent = nested_submit("f", Range{0, std::int64_t{1} << 60}, {});
  const NestedJob job = children.submit(sent);
  std::thread link([&] {
    waits.get_future().wait();
    wire::Results all;
    all.job = sent.job;
    all.errors = {{0, 1ULL << 60, ErrorCode::failed, "no"}};
    children.take(all);
    children.take(end(sent.job));
  });
  EXPECT_EQ(job.wait().errors.at(0).count, 1ULL << 60);
  link.join();
  EXPECT_EQ(job.results().size(), wire::kBatchTasksMax);
}

TEST_F(ChildrenTest, cancelling_the_task_ends_its_wait) {
  Children children = make();
  const NestedJob job = children.submit(submit());
  std::thread link([&] {
    waits.get_future().wait();
    children.cancel();
  });
  EXPECT_EQ(job.wait().code, ErrorCode::cancelled);
  link.join();
  EXPECT_THROW(children.submit(submit()), SubmitError);
}

TEST_F(ChildrenTest, a_handle_that_outlives_its_task_does_not_wait) {
  std::optional<NestedJob> kept;
  {
    Children children = make();
    kept = children.submit(submit());
  }
  EXPECT_EQ(kept->wait().state, JobState::cancelled);
}

TEST_F(ChildrenTest, a_refusal_is_thrown_as_one) {
  Children children = make();
  const wire::Submit sent = submit();
  const NestedJob job = children.submit(sent);
  children.take(wire::ErrorMessage{ErrorCode::queue_full, "full", sent.job, 0, false});
  EXPECT_EQ(job.wait().code, ErrorCode::queue_full);
  EXPECT_THROW(job.get(), SubmitError);
}

TEST(NestedSubmit, what_a_task_cannot_submit) {
  const auto code = [](Input input, SubmitOptions options = {}) {
    try {
      nested_submit("f", std::move(input), std::move(options));
    } catch (const SubmitError& error) {
      return error.code();
    }
    return ErrorCode::none;
  };
  EXPECT_EQ(code(Whole{"x"}), ErrorCode::none);
  EXPECT_EQ(code(Range{0, 5}), ErrorCode::none);
  EXPECT_EQ(code(Range{5, 0}), ErrorCode::bad_input);
  EXPECT_EQ(code(quern::Open{}), ErrorCode::bad_input);
  EXPECT_EQ(code(Whole{"x"}, {.unique = "key"}), ErrorCode::bad_input);
  EXPECT_EQ(code(Whole{"x"}, {.attempts = 0}), ErrorCode::limit);
  EXPECT_EQ(code(Items::of(std::vector<std::string>(65'537, "x"))), ErrorCode::limit);
  EXPECT_EQ(code(Items::of(std::vector<std::string>(2, std::string(600'000, 'x')))),
            ErrorCode::limit);
  EXPECT_EQ(code(Items::of(std::vector<std::string>(1, std::string(2'000'000, 'x')))),
            ErrorCode::none);
}

}  // namespace
}  // namespace quern::worker
