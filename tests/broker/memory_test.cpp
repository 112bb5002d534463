// A broker whose memory is full: its answers, and the credit that it grants.
#include "broker/broker_fixture.hpp"

namespace quern::broker {
namespace {

class SmallMemoryTest : public BrokerTest {
 protected:
  static Config config() {
    Config config = small_config();
    config.memory_limit = 4096;
    return config;
  }
  SmallMemoryTest() : BrokerTest(config()) {}
};

TEST_F(SmallMemoryTest, a_submission_to_a_full_queue_is_refused_with_the_limit) {
  Peer c;
  client(c);
  send(c, items_job(1, {std::string(2500, 'x')}));
  expect<wire::Accepted>(c);
  send(c, items_job(2, {std::string(2500, 'x')}));
  const auto error = expect<wire::ErrorMessage>(c);
  EXPECT_EQ(error.code, ErrorCode::queue_full);
  EXPECT_EQ(error.job, uuid(2));
  EXPECT_NE(error.text.find("MiB"), std::string::npos);
}

TEST_F(SmallMemoryTest, a_stream_gains_credit_as_work_finishes_and_exceeding_it_ends_the_session) {
  Peer c, w;
  client(c);
  wire::Submit submit = items_job(1, {std::string(1000, 'x')});
  submit.open = true;
  send(c, submit);
  const auto first = expect<wire::Accepted>(c);
  EXPECT_LT(first.credit_to, 2048u);
  send(c, wire::Append{uuid(1), 1, false, batch_of({std::string(500, 'y')}), {}});
  expect<wire::Accepted>(c);
  Peer again = c;
  worker(w);
  for (int i = 0; i < 2; ++i) {
    send(w, echo(expect<wire::Lease>(w)));
    expect<wire::Reported>(w);
  }
  std::uint64_t cursor = 0;
  for (auto& message : c.inbox) cursor += std::holds_alternative<wire::Results>(message);
  c.inbox.clear();
  send(c, wire::Ack{uuid(1), cursor, true});
  pass(500ms, {&c, &w});
  std::uint64_t credit = 0;
  for (auto& message : c.inbox)
    if (auto* a = std::get_if<wire::Accepted>(&message)) credit = a->credit_to;
  EXPECT_GT(credit, first.credit_to);
  c.inbox.clear();
  send(c, wire::Append{uuid(1), 2, false, batch_of({std::string(9000, 'z'), "z"}), {}});
  const auto error = expect<wire::ErrorMessage>(c);
  EXPECT_EQ(error.code, ErrorCode::credit);
  EXPECT_TRUE(error.fatal);
}

}  // namespace
}  // namespace quern::broker
