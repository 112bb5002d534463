// Acknowledgements that travel in the header of another message.
#include <gtest/gtest.h>

#include "wire/codec.hpp"
#include "wire/samples.hpp"

namespace quern::wire::test {
namespace {

Reported reported(std::uint64_t counter) { return {{ReportId{{1, counter}, 2}}}; }

Ack ack() { return {uuid_of(0x11), 6, true}; }

TEST(PiggybackedAcknowledgements, acknowledgements_keep_their_order) {
  for (const auto& [name, envelope] : samples()) {
    SCOPED_TRACE(name);
    const Piggybacked piggybacked{reported(7), ack(), reported(8)};
    Piggybacked read;
    const auto decoded = decode(encode(envelope, piggybacked), &read);
    ASSERT_TRUE(std::holds_alternative<Envelope>(decoded)) << std::get<DecodeError>(decoded).text;
    EXPECT_TRUE(std::get<Envelope>(decoded) == envelope);
    EXPECT_TRUE(read == piggybacked);
  }
}

TEST(PiggybackedAcknowledgements, their_bytes_are_fixed) {
  const Frames frames = encode({SessionId{5}, Beat{}}, Piggybacked{ack()});
  // [BEAT, 5, {}, [[ACK, {job, cursor, release}]]]
  const Bytes expected = Bytes("\x94\x06\x05\x80\x91\x92\x13\x83\xa3job\xc4\x10") +
                         Bytes(16, '\x11') +
                         "\xa6"
                         "cursor\x06\xa7release\xc3";
  EXPECT_EQ(Bytes(frames[0].view()), expected);
}

TEST(PiggybackedAcknowledgements, decoding_a_message_clears_those_of_the_previous_one) {
  Piggybacked read{ack()};
  (void)decode(encode({SessionId{5}, Beat{}}), &read);
  EXPECT_TRUE(read.empty());
}

TEST(PiggybackedAcknowledgements, they_are_malformed_for_a_receiver_that_accepts_none) {
  EXPECT_TRUE(std::holds_alternative<DecodeError>(
      decode(encode({SessionId{5}, Beat{}}, Piggybacked{ack()}))));
}

TEST(PiggybackedAcknowledgements, other_messages_cannot_be_piggybacked) {
  for (const auto& [name, envelope] : samples()) {
    SCOPED_TRACE(name);
    Piggybacked read;
    const auto decoded =
        decode(encode({SessionId{5}, Beat{}}, Piggybacked{envelope.message}), &read);
    EXPECT_EQ(std::holds_alternative<Envelope>(decoded), is_acknowledgement(envelope.message));
    EXPECT_EQ(read.empty(), !is_acknowledgement(envelope.message));
  }
}

TEST(PiggybackedAcknowledgements, more_than_the_limit_are_refused) {
  const auto error_of = [](std::size_t count) {
    Piggybacked read;
    const auto decoded =
        decode(encode({SessionId{5}, Beat{}}, Piggybacked(count, Message(ack()))), &read);
    const auto* error = std::get_if<DecodeError>(&decoded);
    return error ? error->code : ErrorCode::none;
  };
  EXPECT_EQ(error_of(kPiggybackedMax), ErrorCode::none);
  EXPECT_EQ(error_of(kPiggybackedMax + 1), ErrorCode::limit);
}

TEST(PiggybackedAcknowledgements, any_other_value_in_their_place_is_malformed) {
  const Bytes heartbeat(encode({SessionId{5}, Beat{}})[0].view());
  const Bytes places[] = {"\xc0",
                          "\x01",
                          "\x80",
                          "\x91\x01",
                          "\x91\x90",
                          "\x91\x91\x10",
                          "\x91\x92\x10\x01",
                          "\x91\x93\x10\x80\x80",
                          "\x91\x92\xff\x80"};
  for (const Bytes& place : places) {
    Bytes header = heartbeat + place;
    header[0] = '\x94';
    Piggybacked read;
    EXPECT_TRUE(
        std::holds_alternative<DecodeError>(decode({Buffer::adopt(std::move(header))}, &read)));
    EXPECT_TRUE(read.empty());
  }
}

}  // namespace
}  // namespace quern::wire::test
