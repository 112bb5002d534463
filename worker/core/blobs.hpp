// The blobs that jobs need (PROTOCOL.md 1.4): which are stored, which one is being fetched, which
// are unavailable. One is fetched at a time, chunk by chunk. Blobs are kept for later jobs until
// they are too large in total; then unneeded ones are deleted, the least recently used first.
//
// Invariant: a blob that a job needs is stored or wanted, or the job has a trouble.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "wire/messages.hpp"
#include "worker/core/blob_shelf.hpp"
#include "worker/core/effect.hpp"

namespace quern::worker {

class Blobs {
 public:
  /// `place`: whether blobs can be stored; otherwise no job can use any. `bytes_max`: limit of the
  /// blobs that no job needs.
  Blobs(bool place, std::uint64_t bytes_max) : place_(place), bytes_max_(bytes_max) {}

  /// The job's tasks need these. Unavailable ones are tried again.
  void need(const Uuid& job, const std::vector<std::string>& names);
  /// Names them again after a trouble.
  void retry(const Uuid& job);
  void forget(const Uuid& job);
  void keep_only(const std::unordered_set<Uuid>& jobs);

  /// Whether all blobs of the job are stored.
  bool ready(const Uuid& job) const;
  /// Whether a job waits for something.
  bool any_wanted() const { return !wanted_.empty(); }
  /// Whether the job needs blobs that cannot be stored here.
  bool impossible(const Uuid& job) const { return !place_ && needs_.contains(job); }
  /// Jobs whose blobs were found to be unavailable since the last call.
  std::vector<Uuid> take_troubled();
  /// Why a blob of the job is unavailable.
  const std::string* trouble(const Uuid& job) const;

  /// The next FETCH, if none is unanswered.
  std::optional<wire::Fetch> ask();
  /// The session is over, and so is the unanswered FETCH.
  void on_lost() { asked_for_.reset(); }
  /// The chunk to write; nothing if it was not requested, or if the message reports an error.
  std::optional<KeepBlob> on_blob(wire::Blob&& blob);
  /// The chunk from on_blob() was written, or failed with `error`.
  void on_kept(const std::string& name, const std::string& error);
  /// Blobs to delete, also incomplete ones, since the last call.
  std::vector<std::string> take_dropped();
  /// The stored blob is missing or was changed.
  void on_gone(const std::string& name);

  std::size_t size() const { return here_.size(); }

 private:
  /// How much of a blob is here.
  struct Download {
    std::uint64_t chunk = 0;  ///< the next one
    std::uint64_t bytes = 0;
    bool writing = false;    ///< on_kept() is awaited
    bool last = false;       ///< the chunk that is being written is the last one
    bool made_room = false;  ///< others were deleted for it
  };
  /// A job that needs it and has no trouble.
  const Uuid* who_needs(const std::string& name) const;
  void give_up(const std::string& why);
  void trouble_of(const Uuid& job, const std::string& why);
  void next_blob();
  /// False if there is nothing to drop.
  bool drop_unused(std::uint64_t keep);

  bool place_;
  std::uint64_t bytes_max_;
  BlobShelf here_;
  std::unordered_map<Uuid, std::vector<std::string>> needs_;
  std::unordered_map<Uuid, std::string> troubles_;
  std::vector<Uuid> troubled_;      ///< until take_troubled()
  std::deque<std::string> wanted_;  ///< the first is being fetched
  Download download_;               ///< of it
  std::optional<Uuid> asked_for_;   ///< a FETCH is unanswered, on behalf of this job
  std::vector<std::string> dropped_;
};

}  // namespace quern::worker
