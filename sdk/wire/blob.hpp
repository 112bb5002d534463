// Blobs: large byte strings that are named by their hash. A blob is a job of the function
// `quern.blob`, which is stored instead of run; its items are the chunks of the blob (PROTOCOL.md
// 1.4).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "notation/hex.hpp"

namespace quern::wire {

inline constexpr std::string_view kBlobFunction = "quern.blob";
/// Size in bytes of every chunk except the last, which contains the rest.
inline constexpr std::size_t kBlobChunk = 1u << 20;
inline constexpr std::size_t kBlobNameBytes = 64;
/// Maximum number of blobs that one job may need.
inline constexpr std::size_t kBlobsMax = 1000;
/// Maximum number of chunks that a client may have requested without an answer.
inline constexpr std::size_t kReadsMost = 16;

/// The BLAKE2b-256 hash of the bytes, in lower-case hexadecimal digits.
inline bool is_blob_name(std::string_view text) {
  return text.size() == kBlobNameBytes && notation::is_hex(text);
}

/// The job's idempotency key (`unique`). A durable blob and one in memory have different keys.
inline std::string blob_key(std::string_view name, bool memory) {
  return std::string(kBlobFunction) + '/' + std::string(name) + (memory ? "/memory" : "");
}

}  // namespace quern::wire
