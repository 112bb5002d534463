// Numbers from the system's random source.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern::runtime {

/// Fills from getrandom(2); aborts when the system has none, because nothing safe can be done then.
void random_bytes(void* out, std::size_t size);
std::uint64_t random_u64();

}  // namespace quern::runtime
