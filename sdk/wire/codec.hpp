// Bytes <-> messages. The only place that knows msgpack. Pure functions; any thread.
#pragma once

#include <span>
#include <string>
#include <variant>
#include <vector>

#include "wire/decode_error.hpp"
#include "wire/messages.hpp"

namespace quern::wire {

/// A message as ZeroMQ parts (without the routing id). parts[0] is the header.
using Frames = std::vector<Buffer>;

/// Acknowledgements that travel in another message's header, of the same session, and are to be
/// handled before it: alone each would wake two threads of its receiver.
using Riders = std::vector<Message>;
constexpr std::size_t kRidersMax = 64;

/// What tells its receiver only that it may let go of something: ACCEPTED, REPORTED, ACK. Only
/// these ride.
bool is_acknowledgement(const Message& message);

/// Encodes a message; large bodies are shared, not copied. Our own messages always encode: a
/// violated limit here is our bug.
Frames encode(const Envelope& envelope, std::span<const Message> riders = {});

/// Decodes and checks every limit of limits.hpp, every enum, every interval list and every batch
/// length. What rides is put into `riders`; without them a message with riders is malformed. Never
/// throws.
std::variant<Envelope, DecodeError> decode(Frames frames, Riders* riders = nullptr);

/// The protocol's word for the message ("HELLO", "LEASE"), for logs and counters.
std::string_view name_of(const Message& message);

}  // namespace quern::wire
