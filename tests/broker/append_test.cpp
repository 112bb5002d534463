// Appending to a job batch by batch: APPEND with a token.
#include "broker/durable_fixture.hpp"
#include "broker/jobs_fixture.hpp"

namespace quern::broker {
namespace {

wire::Append batch(std::uint8_t id, std::uint64_t first, const std::vector<std::string>& items,
                   bool close = false) {
  wire::Append append;
  append.token = 7;
  append.job = uuid(id);
  append.first = first;
  append.close = close;
  if (!items.empty()) append.batch = batch_of(items);
  return append;
}

class AppendTest : public JobsTest {
 protected:
  wire::Submit open_job(std::uint8_t id) {
    wire::Submit submit = items_job(id, {});
    submit.open = true;
    return submit;
  }
  /// The state of the job after a batch, or an error and its text.
  std::variant<JobStatus, wire::ErrorMessage> add(wire::Append append) {
    c.inbox.clear();
    send(c, std::move(append));
    for (const auto& message : c.inbox) {
      if (const auto* update = std::get_if<wire::JobUpdate>(&message); update && update->token == 7)
        return update->status;
      if (const auto* error = std::get_if<wire::ErrorMessage>(&message); error && error->token == 7)
        return *error;
    }
    ADD_FAILURE() << "APPEND was not answered";
    return JobStatus{};
  }
  JobStatus added(wire::Append append) {
    auto answer = add(std::move(append));
    if (const auto* error = std::get_if<wire::ErrorMessage>(&answer)) {
      ADD_FAILURE() << error->text;
      return {};
    }
    return std::get<JobStatus>(answer);
  }
  ErrorCode refusal(wire::Append append) {
    const auto answer = add(std::move(append));
    const auto* error = std::get_if<wire::ErrorMessage>(&answer);
    return error ? error->code : ErrorCode::none;
  }
};

TEST_F(AppendTest, batches_of_several_clients_follow_each_other) {
  client(c);
  send(c, open_job(1));
  EXPECT_EQ(added(batch(1, 0, {"a", "b"})).total, 2u);
  const JobStatus closed = added(batch(1, 2, {"c"}, true));
  EXPECT_EQ(closed.total, 3u);
  EXPECT_FALSE(closed.open);
  worker(w);
  serve([](const wire::Lease& lease) { return echo(lease); });
  EXPECT_EQ(last_update().status.state, JobState::done);
}

TEST_F(AppendTest, a_batch_is_not_accepted_at_another_position) {
  client(c);
  send(c, open_job(1));
  added(batch(1, 0, {"a", "b"}));
  EXPECT_EQ(refusal(batch(1, 0, {"a", "b"})), ErrorCode::conflict) << "a repetition";
  EXPECT_EQ(refusal(batch(1, 1, {"x", "y"})), ErrorCode::conflict) << "an overlap";
  EXPECT_EQ(refusal(batch(1, 3, {"x"})), ErrorCode::conflict) << "a gap";
  EXPECT_EQ(added(batch(1, 2, {"c"})).total, 3u);
}

TEST_F(AppendTest, a_batch_without_payloads_closes_whatever_the_position) {
  client(c);
  send(c, open_job(1));
  added(batch(1, 0, {"a"}));
  EXPECT_FALSE(added(batch(1, 0, {}, true)).open);
  EXPECT_EQ(refusal(batch(1, 1, {"b"})), ErrorCode::bad_input);
  EXPECT_FALSE(added(batch(1, 1, {}, true)).open) << "closing may be repeated";
}

TEST_F(AppendTest, a_job_that_is_closed_without_items_ends) {
  client(c);
  worker(w);
  send(c, open_job(1));
  added(batch(1, 0, {}, true));
  EXPECT_EQ(last_update().status.state, JobState::done);
}

TEST_F(AppendTest, a_batch_does_not_mix_with_a_stream) {
  client(c);
  send(c, open_job(1));
  wire::Append stream = batch(1, 0, {"a"});
  stream.token = 0;
  send(c, stream);
  EXPECT_EQ(refusal(batch(1, 1, {"b"})), ErrorCode::bad_input);

  send(c, open_job(2));
  added(batch(2, 0, {"a"}));
  c.inbox.clear();
  stream = batch(2, 0, {"x", "y"});
  stream.token = 0;
  send(c, stream);
  EXPECT_EQ(expect<wire::ErrorMessage>(c).code, ErrorCode::conflict);
}

TEST_F(AppendTest, only_open_jobs_of_items_are_appended_to) {
  client(c);
  send(c, range_job(1, 0, 10));
  send(c, items_job(2, {"a"}));
  EXPECT_EQ(refusal(batch(1, 0, {"a"})), ErrorCode::bad_input);
  EXPECT_EQ(refusal(batch(2, 1, {"a"})), ErrorCode::bad_input);
  EXPECT_EQ(refusal(batch(3, 0, {"a"})), ErrorCode::unknown_job);
}

class FullTest : public AppendTest {
 protected:
  FullTest() {
    Config config = small_config();
    config.memory_limit = 4096;
    replace_core(config);
  }
};

TEST_F(FullTest, a_batch_beyond_the_room_is_refused_and_the_session_goes_on) {
  client(c);
  send(c, open_job(1));
  const std::string item(1000, 'x');
  std::uint64_t count = 0;
  ErrorCode code = ErrorCode::none;
  for (; count < 10 && code == ErrorCode::none; count += code == ErrorCode::none)
    code = refusal(batch(1, count, {item}));
  EXPECT_EQ(code, ErrorCode::queue_full);
  EXPECT_GT(count, 0u);
  worker(w);
  serve([](const wire::Lease& lease) { return echo(lease); });
  pass(500ms, {&c, &w});
  std::uint64_t cursor = 0;
  for (auto& message : c.inbox) cursor += std::holds_alternative<wire::Results>(message);
  send(c, wire::Ack{uuid(1), cursor, true});
  EXPECT_EQ(added(batch(1, count, {item})).total, count + 1);
}

class DurableAppendTest : public DurableTest {};

TEST_F(DurableAppendTest, a_batch_is_answered_when_it_is_stored_and_survives_the_broker) {
  Peer c;
  join(c, 1);
  wire::Submit submit = items(9, {});
  submit.open = true;
  tell(c, submit);
  commit();
  tell(c, batch(9, 0, {"a", "b"}));
  take<wire::Accepted>(c);
  EXPECT_FALSE(take<wire::JobUpdate>(c)) << "not before it is stored";
  commit();
  const auto update = take<wire::JobUpdate>(c);
  ASSERT_TRUE(update);
  EXPECT_EQ(update->token, 7u);

  restart();
  Peer later;
  join(later, 2);
  tell(later, batch(9, 2, {"c"}, true));
  commit();
  const auto after = take<wire::JobUpdate>(later);
  ASSERT_TRUE(after);
  EXPECT_EQ(after->status.total, 3u);
  EXPECT_FALSE(after->status.open);
}

}  // namespace
}  // namespace quern::broker
