// A blob: a file that clients upload once and workers fetch. On the wire and in the store it is a
// job of the function `quern.blob` (wire/blob.hpp), so its intake, credit, durability and followers
// are those of jobs. Its tasks are the chunks of the file, which are kept instead of run.
//
// Owns what only blobs have: whether another chunk may follow, how many jobs need the blob, and
// when it was last wanted. `Job::blob` exists in every such job and in no other. Blobs
// (blobs/blobs.hpp) has what concerns several of them: which ones are found, fetched and forgotten.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "broker/core/base/persist.hpp"
#include "broker/core/jobs/ending.hpp"
#include "wire/batch.hpp"
#include "wire/time.hpp"

namespace quern::broker {

struct Job;

class Blob {
 public:
  /// `job` has this blob as its part.
  Blob(const Job& job, wire::Time now) : job_(job), wanted_(now) {}

  /// Whether jobs of this function are blobs.
  static bool is_function(std::string_view function);
  /// Whether this idempotency key names a blob. `memory`: one that is not durable.
  static bool is_key(std::string_view key, bool memory);
  /// Whether a file can begin with these chunks: all have the full size except for the last one,
  /// which may be shorter.
  static bool can_begin_with(const wire::Batch& chunks);

  /// Whether these chunks may follow those that have arrived.
  bool may_follow(const wire::Batch& chunks) const;
  /// These chunks have arrived; there is at least one.
  void take(const wire::Batch& chunks);
  /// These chunks had arrived before the restart.
  void recover(const StoredInput& chunks);
  /// Whether the whole file is here, so that jobs may need it and workers may fetch it.
  bool is_complete() const;
  /// How the upload ends if the client sends no more.
  Ending ending() const;

  /// A client or a worker has asked for it.
  void want(wire::Time now) { wanted_ = now; }
  wire::Time wanted() const { return wanted_; }
  /// A job needs it from now on, or no longer needs it.
  void hold(wire::Time now);
  void release(wire::Time now);
  std::size_t holders() const { return holders_; }
  /// Whether no job needs it, and nobody has asked for it for this long.
  bool is_unused(wire::Time now, wire::Duration time) const;

  /// The bytes of its chunks, in memory or in the store.
  std::uint64_t size() const;
  /// How many of the `held` bytes in memory count against the quota of its principal.
  std::uint64_t charged_bytes(std::uint64_t held) const;
  /// How many more bytes of it may be in memory, of `limit` bytes of queued data.
  std::uint64_t memory_room(std::uint64_t limit) const;

 private:
  const Job& job_;
  bool last_chunk_ = false;  ///< a short chunk has arrived, so no other may follow
  std::size_t holders_ = 0;  ///< jobs that need it
  wire::Time wanted_;        ///< when it was last asked for
};

}  // namespace quern::broker
