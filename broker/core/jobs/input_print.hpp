// A fingerprint of what a job was given, so that a unique key with another input can be told from
// the same submission again.
#pragma once

#include <cstdint>

#include "wire/messages.hpp"

namespace quern::broker {

struct InputPrint {
  std::uint64_t shape = 0;  ///< function, kind of input, bounds of a range, reducer, common input
  std::uint64_t items = 0;  ///< digest of the payloads so far (wire/input_digest.hpp); 0: not
                            ///< known, so they are not compared
  /// More payloads came.
  void add(const wire::Batch& batch);
};

/// Of the function and the rest, and of the payloads that travel in SUBMIT. `shape` is never 0.
InputPrint print_of(const wire::Submit& submit);

}  // namespace quern::broker
