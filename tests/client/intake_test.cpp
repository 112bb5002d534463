// How a program learns that the broker has its job: Job::on_intake(), Job::existing(), and jobs
// that are handed in without being followed.
#include <atomic>
#include <future>
#include <thread>

#include "client/client_fixture.hpp"
#include "quern/value.hpp"

namespace quern::client {
namespace {

using namespace std::chrono_literals;

/// Collects what a callback is called with, and on which thread.
struct Told {
  std::promise<Intake> first;
  std::atomic<std::thread::id> thread;
  std::atomic<int> count{0};

  std::function<void(const Intake&)> callback() {
    return [this](const Intake& intake) {
      thread = std::this_thread::get_id();
      if (++count == 1) first.set_value(intake);
    };
  }
  Intake await() {
    auto future = first.get_future();
    if (future.wait_for(20s) != std::future_status::ready) {
      ADD_FAILURE() << "the callback was never called";
      return {};
    }
    return future.get();
  }
};

SubmitOptions detached(bool follow = true) { return {.detach = true, .follow = follow}; }

TEST_F(ClientTest, the_intake_callback_is_called_once_when_the_broker_has_the_job) {
  Told told;
  const Job job = client.submit("hold", Whole{"x"}, detached());
  job.on_intake(told.callback());
  const Intake intake = told.await();
  EXPECT_TRUE(intake.ok()) << intake.text;
  EXPECT_EQ(intake.number, job.number());
  EXPECT_EQ(intake.uuid, job.uuid());
  EXPECT_FALSE(intake.existing);
  EXPECT_FALSE(job.existing());
  EXPECT_NE(told.thread.load(), std::this_thread::get_id());
  job.cancel();
  job.wait();
  EXPECT_EQ(told.count, 1);
}

TEST_F(ClientTest, an_intake_callback_that_comes_late_is_called_too) {
  const Job job = client.submit("echo", Items::of(std::vector<std::string>{"a", "b"}), detached());
  job.wait_for_intake();
  Told one, another;
  job.on_intake(one.callback());
  job.on_intake(another.callback());
  EXPECT_TRUE(one.await().ok());
  EXPECT_TRUE(another.await().ok());
}

TEST_F(ClientTest, the_intake_callback_of_a_coalesced_input_has_the_number_of_its_job) {
  Told early, late;
  const Job job = client.submit("echo", Whole{"x"});
  job.on_intake(early.callback());
  EXPECT_EQ(early.await().number, job.number());
  job.on_intake(late.callback());
  EXPECT_EQ(late.await().number, job.number());
  EXPECT_FALSE(job.existing());
}

TEST_F(ClientTest, the_intake_callback_tells_why_a_submission_was_refused) {
  Told told;
  const Job job = client.submit("", Whole{"x"}, detached());
  job.on_intake(told.callback());
  const Intake intake = told.await();
  EXPECT_EQ(intake.code, ErrorCode::bad_input);
  EXPECT_FALSE(intake.text.empty());
}

TEST_F(ClientTest, the_intake_callback_tells_that_the_source_of_the_items_failed) {
  Told told;
  std::promise<void> registered;
  auto wait = registered.get_future().share();
  Items items;
  items.next = [wait](Bytes&) -> bool {
    wait.get();
    throw Error(ErrorCode::limit, "the file is too large");
  };
  items.source = Items::Source::may_block;
  const Job job = client.submit("echo", std::move(items), detached());
  job.on_intake(told.callback());
  registered.set_value();
  const Intake intake = told.await();
  EXPECT_EQ(intake.code, ErrorCode::limit);
  EXPECT_EQ(intake.text, "the file is too large");
}

TEST_F(ClientTest, leaving_a_handle_calls_its_intake_callback) {
  std::optional<Client> nobody(std::in_place, options_for("tcp://127.0.0.1:1"));
  Told told;
  const Job job = nobody->submit("echo", Whole{"x"}, detached());
  job.on_intake(told.callback());
  job.leave();
  EXPECT_EQ(told.count, 1);
  EXPECT_EQ(told.await().code, ErrorCode::shutdown);
}

TEST_F(ClientTest, an_intake_callback_may_own_the_last_handle_of_its_job) {
  Told told;
  auto job = std::make_shared<Job>(client.submit("hold", Whole{"x"}, detached()));
  job->on_intake([job, tell = told.callback()](const Intake& intake) { tell(intake); });
  job.reset();
  EXPECT_TRUE(told.await().ok());
}

TEST_F(ClientTest, a_blocking_call_in_an_intake_callback_is_an_error) {
  std::promise<bool> threw;
  const Job job = client.submit("hold", Whole{"x"}, detached());
  job.on_intake([&](const Intake&) {
    try {
      job.wait();
      threw.set_value(false);
    } catch (const std::logic_error&) {
      threw.set_value(true);
    }
  });
  EXPECT_TRUE(threw.get_future().get());
}

// ---- jobs that are handed in

TEST_F(ClientTest, a_job_that_is_not_followed_asks_for_nothing_until_somebody_waits) {
  const Job job =
      client.submit("echo", Items::of(std::vector<std::string>{"a", "b"}), detached(false));
  job.wait_for_intake();
  broker.run([&] {
    const auto& submit = broker.jobs.at(job.uuid()).submit;
    EXPECT_EQ(submit.window, 0u);
    EXPECT_EQ(submit.watch_ms, 0u);
  });
  EXPECT_EQ(job.get_all(), (std::vector<Bytes>{"a", "b"}));
  EXPECT_EQ(job.wait().state, JobState::done);
}

TEST_F(ClientTest, the_one_result_of_a_job_that_is_not_followed_can_be_read) {
  const Job job = client.submit("echo", Whole{"x"}, detached(false));
  EXPECT_EQ(job.get(), "x");
  EXPECT_EQ(job.get(), "x");
}

TEST_F(ClientTest, a_job_that_is_not_followed_must_be_detached) {
  const Job job = client.submit("echo", Whole{"x"}, {.name = "n", .follow = false});
  EXPECT_THROW(job.number(), SubmitError);
}

// ---- existing jobs, in the core

TEST_F(ClientJobs, an_accepted_job_tells_whether_it_existed) {
  rig.submit(rig.items({"a"}, false));
  rig.receive(rig.accepted(1, 0));
  EXPECT_FALSE(rig.effects<Accepted>().at(0).existing);
}

TEST_F(ClientJobs, a_job_that_existed_says_so_also_after_its_input_was_compared) {
  for (const bool compare : {false, true}) {
    CoreRig other;
    other.effects<Reopen>();
    other.welcome();
    wire::Submit submit = other.items({"a"}, false);
    submit.options.unique = "k";
    other.submit(std::move(submit));
    wire::Accepted answer = other.accepted(1, 0);
    answer.job = uuid_of(9);
    answer.submitted = uuid_of(1);
    answer.existing = true;
    answer.compare = compare;
    other.receive(answer);
    if (compare) {
      EXPECT_TRUE(other.effects<Accepted>().empty());
      wire::JobUpdate update = other.update(JobState::running, 0);
      update.status.uuid = uuid_of(9);
      other.receive(update);
    }
    const auto accepted = other.effects<Accepted>();
    ASSERT_EQ(accepted.size(), 1u);
    EXPECT_TRUE(accepted[0].existing);
    EXPECT_EQ(accepted[0].uuid, uuid_of(9));
  }
}

TEST_F(ClientJobs, a_job_that_is_not_followed_is_forgotten_without_a_message) {
  wire::Submit submit = rig.items({"a"}, false);
  submit.options.detach = true;
  submit.window = 0;
  rig.submit(std::move(submit));
  rig.sent<wire::Submit>();
  rig.receive(rig.accepted(1, 0));
  rig.step([&] { rig.core->abandon(CoreRig::kJob, rig.now); });
  EXPECT_EQ(rig.effects<Forget>().size(), 1u);
  EXPECT_TRUE(rig.all_sent<wire::Attach>().empty());
  EXPECT_TRUE(rig.all_sent<wire::Ack>().empty());
}

TEST_F(ClientJobs, an_abandoned_job_whose_progress_was_watched_is_not_watched_any_more) {
  rig.step([&] { rig.core->attach(CoreRig::kJob, {uuid_of(1), {}, 0, 0}, rig.now); });
  rig.sent<wire::Attach>();
  rig.receive(rig.update(JobState::running, 0));
  rig.step([&] { rig.core->watch(CoreRig::kJob, 0, 100, rig.now); });
  EXPECT_EQ(rig.sent<wire::Attach>().watch_ms, 100u);
  rig.step([&] { rig.core->abandon(CoreRig::kJob, rig.now); });
  EXPECT_EQ(rig.sent<wire::Attach>().watch_ms, 0u);
}

}  // namespace
}  // namespace quern::client
