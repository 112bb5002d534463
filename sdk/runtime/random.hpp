// Numbers from the system's random source.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern::runtime {

/// Fills the buffer from getrandom(2). Aborts if the system has no random source, because there is
/// no safe alternative.
void random_bytes(void* out, std::size_t size);
std::uint64_t random_u64();

}  // namespace quern::runtime
