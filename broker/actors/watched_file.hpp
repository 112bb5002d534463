// A file that other programs change: returns its text whenever it has changed.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace quern::broker {

class WatchedFile {
 public:
  explicit WatchedFile(std::string path) : path_(std::move(path)) {}

  using Clock = std::chrono::steady_clock;

  /// The text when the file has changed since the last one that was returned; nullopt if it has
  /// not, or if the change is too recent: a file that is written in place is read when it has been
  /// unchanged for a moment, so that an incomplete line is not read. A file that replaces another
  /// one is read at once. Throws keys::KeyError if it cannot be read, does not exist, or can be
  /// written by others.
  std::optional<std::string> look(Clock::time_point now);
  /// Whether the last check found a change that was not read yet.
  bool settling() const { return settling_; }

 private:
  struct State {
    std::int64_t modified_ns = 0;
    std::int64_t changed_ns = 0;
    std::int64_t born_ns = 0;  ///< 0 where the file system does not record it
    std::int64_t size = -1;
    std::uint64_t inode = 0;
    bool operator==(const State&) const = default;
  };
  State state() const;

  std::string path_;
  State read_;     ///< when it was last read
  State waiting_;  ///< the changed state that was not read yet
  Clock::time_point waiting_since_{};
  bool settling_ = false;
};

}  // namespace quern::broker
