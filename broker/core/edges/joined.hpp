// How several results become the payload of one task, and how an error takes the place of a result.
// Pure.
#pragma once

#include "quern/bytes.hpp"
#include "quern/edges.hpp"
#include "quern/ids.hpp"
#include "quern/status.hpp"

namespace quern::broker {

/// The payload of one task, part by part.
class Joined {
 public:
  Joined(Join join, Encoding encoding) : join_(join), encoding_(encoding) {}

  /// Adds a result. Raw bytes become a binary value if the payload consists of values.
  void add(BytesView part, Encoding encoding);
  Bytes take();

 private:
  Join join_;
  Encoding encoding_;  ///< of the payload
  std::uint32_t count_ = 0;
  Bytes bytes_;
};

/// The map that takes the place of a result: `{"error": {"code", "text", "job", "task"}}`; as text
/// if payloads are raw bytes.
Bytes described(const TaskError& error, JobNumber job, Encoding encoding);

}  // namespace quern::broker
