// Converts between bytes and messages. Nothing else in this folder uses msgpack. Pure functions;
// any thread.
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

/// Piggybacked acknowledgements: they travel in the header of another message of the same session,
/// and the receiver handles them before that message. Sent alone, each would wake two threads of
/// its receiver.
using Piggybacked = std::vector<Message>;
constexpr std::size_t kPiggybackedMax = 64;

/// Whether the message only tells its receiver that it may release something (ACCEPTED, REPORTED,
/// ACK). Only such messages can be piggybacked.
bool is_acknowledgement(const Message& message);

/// Encodes a message; large bodies are shared, not copied. Encoding our own messages never fails: a
/// violated limit here is a bug of ours.
Frames encode(const Envelope& envelope, std::span<const Message> piggybacked = {});

/// Decodes and checks every limit of limits.hpp, every enum, every interval list and every batch
/// length. The piggybacked acknowledgements are stored in `piggybacked`; if it is null, a message
/// that carries any is malformed. Never throws.
std::variant<Envelope, DecodeError> decode(Frames frames, Piggybacked* piggybacked = nullptr);

/// The protocol's name of the message ("HELLO", "LEASE"), for logs and counters.
std::string_view name_of(const Message& message);

}  // namespace quern::wire
