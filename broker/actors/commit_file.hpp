// The number of the last commit of a store, in a small file beside it: FOLDER/last-commit, one line
// of fixed size, overwritten after each commit. SQLite cannot distinguish a truncated write-ahead
// log from a complete one; if this file is ahead of the store, commits were lost. It is never ahead
// otherwise, because the commit is on the disk before it is written here. It may be behind.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace quern::broker {

struct CommitMark {
  std::uint64_t commit = 0;         ///< its number; the first is 1
  std::int64_t time = 0;            ///< seconds since 1970
  std::uint64_t incarnation = 0;    ///< of the broker that made it
  std::uint64_t numbers_below = 1;  ///< job numbers below this were used at that time
  bool operator==(const CommitMark&) const = default;
};

class CommitFile {
 public:
  /// Opens or creates the file. If that fails, a warning is logged, and the store works without it.
  explicit CommitFile(const std::string& folder);
  ~CommitFile();
  CommitFile(const CommitFile&) = delete;
  CommitFile& operator=(const CommitFile&) = delete;

  /// Not synced: a killed broker does not lose it, and a second sync would double the time of a
  /// commit.
  void write(const CommitMark& mark);
  /// Syncs the file if it was written more than a second ago.
  void sync_old();

  struct Found {
    std::optional<CommitMark> mark;
    std::string trouble;  ///< why it cannot be used
  };
  /// The content of the file; empty if it does not exist.
  static Found read(const std::string& folder);

  static std::string file_in(const std::string& folder) { return folder + "/last-commit"; }

 private:
  using Clock = std::chrono::steady_clock;
  void warn(int error);

  std::string path_;
  int fd_ = -1;
  bool warned_ = false;
  std::optional<Clock::time_point> unsynced_since_;
};

}  // namespace quern::broker
