// Commits that a store has lost: the file beside it names a later one than the store.
#pragma once

#include <optional>
#include <string>

#include "broker/actors/commit_file.hpp"
#include "broker/actors/sqlite.hpp"

namespace quern::broker {

struct StoreLoss {
  std::string store;
  CommitMark last;   ///< the last in the store; commit 0: none
  CommitMark known;  ///< the last that was made

  std::uint64_t commits() const { return known.commit - last.commit; }
  /// A message: what was lost, why, and what to do.
  std::string text() const;
};

/// The last commit in a store.
CommitMark last_commit(Database& database);
/// What the store lost since the file was written. Read the file before the store, because a broker
/// may be writing.
std::optional<StoreLoss> loss_of(Database& database, const CommitFile::Found& found);

}  // namespace quern::broker
