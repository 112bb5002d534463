// The bytes of a no-op task: its index, 64 bits little endian, then filling. So every result can be
// checked.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "quern/bytes.hpp"

namespace quern::bench {

inline constexpr std::size_t kIndexBytes = 8;

inline void put_index(char* out, std::uint64_t index) {
  for (std::size_t i = 0; i < kIndexBytes; ++i) out[i] = static_cast<char>(index >> (8 * i));
}

/// Whether a result has `size` bytes and begins like the payload of task `index`.
inline bool is_result_of(BytesView result, std::uint64_t index, std::size_t size) {
  char expected[kIndexBytes];
  put_index(expected, index);
  return result.size() == size &&
         std::memcmp(result.data(), expected, std::min(size, kIndexBytes)) == 0;
}

}  // namespace quern::bench
