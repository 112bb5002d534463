// A fingerprint of the input of a job. It shows whether a submission with an idempotency key
// repeats an earlier one or has a different input.
#pragma once

#include <cstdint>

#include "wire/messages.hpp"

namespace quern::broker {

struct InputPrint {
  std::uint64_t shape = 0;  ///< function, kind of input, bounds of a range, reducer, common input
  std::uint64_t items = 0;  ///< digest of the payloads so far (wire/input_digest.hpp); 0: unknown,
                            ///< so they are not compared
  /// Adds payloads that have arrived.
  void add(const wire::Batch& batch);
};

/// The fingerprint of the function and the other fields, and of the payloads in SUBMIT. `shape` is
/// never 0.
InputPrint print_of(const wire::Submit& submit);

}  // namespace quern::broker
