// What the last commit of a store was, in a small file beside it: FOLDER/last-commit, one line of
// fixed size, written over after each commit. SQLite takes a write-ahead log that was cut off for
// one that ended there; a file that is ahead of the store tells the two apart. It is never ahead
// otherwise: the commit is on the disk before it is written here. It may be behind.
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
  std::uint64_t numbers_below = 1;  ///< job numbers below this were used up then
  bool operator==(const CommitMark&) const = default;
};

class CommitFile {
 public:
  /// Opens or makes the file. A store without one works: when that cannot be, a warning says so.
  explicit CommitFile(const std::string& folder);
  ~CommitFile();
  CommitFile(const CommitFile&) = delete;
  CommitFile& operator=(const CommitFile&) = delete;

  /// Not synced: a killed broker loses nothing of it, and a second sync would double what a commit
  /// takes.
  void write(const CommitMark& mark);
  /// Syncs what was written more than a second ago.
  void sync_old();

  struct Found {
    std::optional<CommitMark> mark;
    std::string trouble;  ///< why there is none, if there should be one
  };
  /// What the file says. One that is not there says nothing.
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
