// Fuzz input as a message: one byte (number of parts - 1), a three-byte length (little endian) for
// every part except the last, then the parts back to back.
#pragma once

#include <cstddef>
#include <cstdint>

#include "wire/codec.hpp"

namespace quern::wire::fuzz {

Bytes input_of(const Frames& frames);
Frames frames_of(BytesView input);

}  // namespace quern::wire::fuzz
