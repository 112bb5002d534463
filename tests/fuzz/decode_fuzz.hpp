// The fuzzer's input as a message: one octet (parts - 1), three octets of length (little endian)
// for every part but the last, then the parts back to back.
#pragma once

#include <cstddef>
#include <cstdint>

#include "wire/codec.hpp"

namespace quern::wire::fuzz {

Bytes input_of(const Frames& frames);
Frames frames_of(BytesView input);

}  // namespace quern::wire::fuzz
