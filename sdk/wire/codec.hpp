// Bytes <-> messages. The only place that knows msgpack. Pure functions; any thread.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "wire/messages.hpp"

namespace quern::wire {

/// A message as ZeroMQ parts (without the routing id). parts[0] is the header.
using Frames = std::vector<Buffer>;

/// Why bytes are not a message; `code` is malformed, limit or version.
struct DecodeError {
  ErrorCode code = ErrorCode::malformed;
  std::string text;
};

/// Encodes a message; large bodies are shared, not copied. Our own messages always encode: a violated limit
/// here is our bug.
Frames encode(const Envelope& envelope);

/// Decodes and checks every limit of limits.hpp, every enum, every interval list and every batch length.
/// Never throws.
std::variant<Envelope, DecodeError> decode(Frames frames);

/// The protocol's word for the message ("HELLO", "LEASE"), for logs and counters.
std::string_view name_of(const Message& message);

}  // namespace quern::wire
