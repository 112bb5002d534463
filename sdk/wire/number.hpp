// A small codec for numbers: only the msgpack forms of integers and floats, so that cores can fold
// results without msgpack. Sums have 128 bits, and only the final value must fit 64 bits, so
// whether a sum overflows does not depend on how the tasks were divided.
#pragma once

#include <optional>
#include <variant>

#include "quern/bytes.hpp"

namespace quern::wire {

__extension__ typedef __int128 Int128;

/// An exact integer or a double.
using Number = std::variant<Int128, double>;

/// Reads exactly one msgpack integer, float, or (for partial sums beyond 64 bits) ext type 1 of 16
/// bytes, big endian two's complement. nullopt if the bytes are anything else.
std::optional<Number> number_from(BytesView value);

/// Shortest msgpack form; integers outside [-2^63, 2^64) as ext type 1.
Bytes bytes_of(const Number& number);

/// Whether the bytes are an integer that needs ext type 1, which no user should see.
bool is_wide(BytesView value);

/// a + b; integers exactly (128 bits), otherwise as doubles.
Number add(const Number& a, const Number& b);
/// Compares by value; NaN is greater than everything, so min and max stay associative.
bool less(const Number& a, const Number& b);

}  // namespace quern::wire
