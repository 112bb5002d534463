// Built-in reducers: associative folds over results. The broker and the worker use the same code,
// so that the result does not depend on who folded what. Std only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "quern/bytes.hpp"

namespace quern::wire {

enum class Builtin : std::uint8_t { sum, min, max, count, concat };

/// The built-in reducer with this name, if there is one.
std::optional<Builtin> builtin_reducer(std::string_view name);

/// The encoding of its result: raw for concat, `value` for the others.
Encoding result_encoding(Builtin reducer);

/// The reduction of nothing: 0 for sum and count, no bytes for concat, no value for min and max.
std::optional<Bytes> reduction_of_nothing(Builtin reducer);

/// A failed reduction; the text tells the job's owner why.
struct FoldError {
  std::string text;
};

/// Turns one task's result into a partial in place (count: 1; concat of a string value: its
/// bytes). sum, min and max need a number in `value` encoding. Returns an error or nothing.
std::optional<FoldError> begin_partial(Builtin reducer, Encoding encoding, Bytes& result);

/// Folds `right`, the partial of the neighbouring higher interval, into `left`.
std::optional<FoldError> fold(Builtin reducer, Bytes& left, BytesView right);

/// Checks that a final partial can be shown (a sum fits 64 bits).
std::optional<FoldError> end_partial(Builtin reducer, const Bytes& partial);

}  // namespace quern::wire
