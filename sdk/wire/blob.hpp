// Blobs: bytes that everybody calls by their hash. A blob is a job of the function `quern.blob`,
// which is kept instead of run; its items are the blob's chunks (PROTOCOL.md 1.4).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "notation/hex.hpp"

namespace quern::wire {

inline constexpr std::string_view kBlobFunction = "quern.blob";
/// Bytes of every chunk but the last, which has what is left.
inline constexpr std::size_t kBlobChunk = 1u << 20;
inline constexpr std::size_t kBlobNameBytes = 64;
/// Blobs that one job may need.
inline constexpr std::size_t kBlobsMax = 1000;

/// BLAKE2b-256 of the bytes in lower-case hexadecimal digits.
inline bool is_blob_name(std::string_view text) {
  return text.size() == kBlobNameBytes && notation::is_hex(text);
}

/// The job's `unique` key: one that outlives the broker is another than one that does not.
inline std::string blob_key(std::string_view name, bool memory) {
  return std::string(kBlobFunction) + '/' + std::string(name) + (memory ? "/memory" : "");
}

}  // namespace quern::wire
