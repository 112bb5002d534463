// A digest over a job's payloads in order, however they were batched: a broker and a client that
// counted the same payloads have the same one (PROTOCOL.md, "Jobs").
#pragma once

#include <cstdint>

#include "wire/batch.hpp"

namespace quern::wire {

/// 64 bits of FNV-1a (Fowler, Noll, Vo): its whole state is one number, which goes into a message
/// or a store and can be continued from there. It guards against mistakes, not against somebody who
/// wants a collision: keys are each principal's own.
class InputDigest {
 public:
  InputDigest() = default;  ///< of no payload
  /// Continues; `value` is what value() said.
  explicit InputDigest(std::uint64_t value) : value_(value) {}

  void add(const Batch& batch);
  void add(BytesView payload);
  void add(std::uint64_t number);
  /// Never 0, which stands for "not known".
  std::uint64_t value() const { return value_ == 0 ? 1 : value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325ULL;
};

}  // namespace quern::wire
