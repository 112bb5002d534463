// An idempotency key that exists: the input is compared with that of the existing job.
#include "client/client_fixture.hpp"
#include "wire/input_digest.hpp"

namespace quern::client {
namespace {

/// Our job has the idempotency key of job 9, and the broker asks for a comparison.
class ClientCompares : public ClientJobs {
 protected:
  void existing(const std::vector<std::string>& first, bool open) {
    auto submit = rig.items(first, open);
    submit.options.unique = "nightly";
    rig.submit(submit);
    rig.sent<wire::Submit>();
    auto answer = rig.accepted(5, 1000, 9);
    answer.existing = answer.compare = true;
    answer.submitted = uuid_of(1);
    rig.receive(answer);
  }
  static std::uint64_t digest_of(const std::vector<std::string>& items) {
    wire::InputDigest digest;
    digest.add(batch_of(items));
    return digest.value();
  }
};

TEST_F(ClientCompares, a_stream_is_read_to_its_end_and_only_its_digest_is_sent) {
  existing({"a"}, true);
  EXPECT_EQ(rig.effects<Comparing>().size(), 1u);
  EXPECT_EQ(rig.effects<NeedInput>().size(), 1u);
  append({"b", "c"}, kComes);
  EXPECT_EQ(rig.effects<NeedInput>().size(), 1u);
  rig.expect_nothing_else();
  append({"d"}, kNone);
  const auto attach = rig.sent<wire::Attach>();
  EXPECT_EQ(attach.job, uuid_of(9));
  EXPECT_EQ(attach.input_count, 4u);
  EXPECT_EQ(attach.input_digest, digest_of({"a", "b", "c", "d"}));
  EXPECT_FALSE(attach.own);
  rig.expect_nothing_else();
  auto update = rig.update(JobState::running, 1, 9);
  update.token = attach.token;
  rig.receive(update);
  EXPECT_EQ(rig.effects<Accepted>().at(0).uuid, uuid_of(9));
  EXPECT_EQ(rig.effects<InputTaken>().size(), 1u);
  rig.receive(rig.results(0, {0, 1}, 9));
  EXPECT_EQ(rig.effects<Deliver>().size(), 1u);
}

TEST_F(ClientCompares, an_input_sent_with_submit_is_compared_at_once) {
  existing({"a", "b"}, false);
  EXPECT_TRUE(rig.effects<Comparing>().empty());
  EXPECT_EQ(rig.sent<wire::Attach>().input_digest, digest_of({"a", "b"}));
}

TEST_F(ClientCompares, a_different_input_ends_the_submission) {
  existing({"a"}, false);
  wire::ErrorMessage error;
  error.code = ErrorCode::conflict;
  error.job = uuid_of(9);
  error.token = rig.sent<wire::Attach>().token;
  rig.receive(error);
  const auto ended = rig.effects<Ended>();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].failure.code, ErrorCode::conflict);
  EXPECT_EQ(ended[0].stage, Ended::Stage::submitting);
  rig.expect_nothing_else();
}

TEST_F(ClientCompares, a_comparison_continues_in_the_next_session) {
  existing({"a"}, true);
  rig.effects<Comparing>();
  rig.effects<NeedInput>();
  rig.lose_session();
  rig.welcome();
  EXPECT_EQ(rig.effects<NeedInput>().size(), 1u);
  append({"b"}, kNone);
  rig.sent<wire::Attach>();
  rig.lose_session();
  rig.welcome();
  EXPECT_EQ(rig.sent<wire::Attach>().input_digest, digest_of({"a", "b"}));
}

TEST_F(ClientCompares, cancelling_a_comparison_does_not_cancel_the_existing_job) {
  existing({"a"}, true);
  rig.step([&] { rig.core->cancel(CoreRig::kJob, {}, rig.now); });
  EXPECT_EQ(rig.effects<Ended>().at(0).failure.code, ErrorCode::cancelled);
  EXPECT_TRUE(rig.all_sent<wire::Cancel>().empty());
  EXPECT_EQ(rig.core->live_jobs(), 0u);
}

TEST_F(ClientCompares, abandoning_a_comparison_ends_it) {
  existing({"a"}, true);
  rig.step([&] { rig.core->abandon(CoreRig::kJob, rig.now); });
  EXPECT_EQ(rig.core->live_jobs(), 0u);
}

}  // namespace
}  // namespace quern::client
