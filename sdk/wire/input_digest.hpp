// A digest of a job's payloads in order, regardless of how they were batched: a broker and a client
// that saw the same payloads have the same digest (PROTOCOL.md, "Jobs").
#pragma once

#include <cstdint>

#include "wire/batch.hpp"

namespace quern::wire {

/// 64 bits of FNV-1a (Fowler, Noll, Vo): its whole state is one number, which can be sent or stored
/// and continued later. It protects against mistakes, not against deliberate collisions:
/// idempotency keys are separate for each principal.
class InputDigest {
 public:
  InputDigest() = default;  ///< the digest of no payloads
  /// Continues from `value`, which value() returned.
  explicit InputDigest(std::uint64_t value) : value_(value) {}

  void add(const Batch& batch);
  void add(BytesView payload);
  void add(std::uint64_t number);
  /// Never 0, which means "unknown".
  std::uint64_t value() const { return value_ == 0 ? 1 : value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325ULL;
};

}  // namespace quern::wire
