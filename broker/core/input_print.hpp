// A fingerprint of what a job was given, so that a unique key with another input can be told from
// the same submission again.
#pragma once

#include <cstdint>

#include "wire/messages.hpp"

namespace quern::broker {

struct InputPrint {
  std::uint64_t shape = 0;  ///< function, kind of input, bounds of a range, reducer, common input
  std::uint64_t whole = 0;  ///< of all payloads; 0: some were still to come when the job was
                            ///< submitted, so they are not compared

  /// Whether both may have been given the same.
  bool fits(const InputPrint& other) const {
    return shape == other.shape && (whole == 0 || other.whole == 0 || whole == other.whole);
  }
};

/// 64 bits of FNV-1a (Fowler, Noll, Vo): it guards against mistakes, not against somebody who wants
/// a collision; keys are each principal's own. Never 0, but for `whole` of an open job.
InputPrint print_of(const wire::Submit& submit);

}  // namespace quern::broker
