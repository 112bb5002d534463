// The blobs that jobs need (PROTOCOL.md 1.4): which are here, which is being fetched, which cannot
// be had. One is fetched at a time, one chunk after the other. What is here stays for later jobs
// until there is too much of it; then what no job needs goes, the longest unused first.
//
// Invariant: a blob that a job needs is here, or wanted, or the job has a trouble.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "wire/messages.hpp"
#include "worker/core/effect.hpp"

namespace quern::worker {

class Blobs {
 public:
  /// `place`: whether there is one for blobs; without it no job can have any. `bytes_max`: kept
  /// beyond what jobs need.
  Blobs(bool place, std::uint64_t bytes_max) : place_(place), bytes_max_(bytes_max) {}

  /// The job's tasks need these. What could not be had before is tried again.
  void need(const Uuid& job, const std::vector<std::string>& names);
  /// Names them again after a trouble.
  void retry(const Uuid& job);
  void forget(const Uuid& job);
  void keep_only(const std::unordered_set<Uuid>& jobs);

  /// Whether all that the job needs is here.
  bool ready(const Uuid& job) const;
  /// Whether a job waits for something.
  bool any_wanted() const { return !wanted_.empty(); }
  /// The job needs some, and they cannot be here.
  bool impossible(const Uuid& job) const { return !place_ && needs_.contains(job); }
  /// Jobs that cannot have what they need, since the last call.
  std::vector<Uuid> take_troubled();
  /// Why the job cannot have what it needs.
  const std::string* trouble(const Uuid& job) const;

  /// The next question, when none is open.
  std::optional<wire::Fetch> ask();
  /// The session is gone, and the question with it.
  void on_lost() { asked_ = false; }
  /// What is to be written; nothing when nobody asked for it, or when it says why it cannot be had.
  std::optional<KeepBlob> on_blob(wire::Blob&& blob);
  /// What on_blob() gave out was written, or `error`.
  void on_kept(const std::string& name, const std::string& error);
  /// Blobs to delete, also parts of some, since the last call.
  std::vector<std::string> take_dropped();
  /// It is not here any more, or not what it was.
  void on_gone(const std::string& name);

  std::size_t size() const { return here_.size(); }

 private:
  struct Here {
    std::uint64_t bytes = 0;
    std::uint64_t used = 0;  ///< number of the last use
  };
  /// A job that needs it and has no trouble.
  const Uuid* who_needs(const std::string& name) const;
  void give_up(const std::string& why);
  void trouble_of(const Uuid& job, const std::string& why);
  void next_blob();
  /// False when there is nothing to drop.
  bool drop_unused(std::uint64_t keep);

  bool place_;
  std::uint64_t bytes_max_;
  std::uint64_t bytes_ = 0;
  std::uint64_t uses_ = 0;
  std::map<std::string, Here> here_;
  std::unordered_map<Uuid, std::vector<std::string>> needs_;
  std::unordered_map<Uuid, std::string> troubles_;
  std::vector<Uuid> troubled_;      ///< until take_troubled()
  std::deque<std::string> wanted_;  ///< the first is being fetched
  std::uint64_t chunk_ = 0;         ///< of it: the next one
  std::uint64_t fetched_ = 0;       ///< of it: octets
  bool asked_ = false;
  Uuid asked_for_;          ///< in the name of this job
  bool writing_ = false;    ///< on_kept() is awaited
  bool last_ = false;       ///< what is being written is the last chunk
  bool made_room_ = false;  ///< for the one being fetched
  std::vector<std::string> dropped_;
};

}  // namespace quern::worker
