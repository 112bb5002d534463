// A file that other programs change: its text whenever that is another than before.
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

  /// The text when the file has changed since the last one that was returned; nullopt when it has
  /// not, or not yet: a file that is written to in place is read when it has been the same for a
  /// moment, so that half of a line is not taken for a line. A file that is put in the place of
  /// another is read at once. Throws keys::KeyError when it cannot be read, is not there, or others
  /// may write it.
  std::optional<std::string> look(Clock::time_point now);
  /// Whether the last look found a change that it did not take yet.
  bool settling() const { return settling_; }

 private:
  struct State {
    std::int64_t modified_ns = 0;
    std::int64_t changed_ns = 0;
    std::int64_t size = -1;
    std::uint64_t inode = 0;
    bool operator==(const State&) const = default;
  };
  State state() const;

  std::string path_;
  State read_;     ///< when it was last read
  State waiting_;  ///< as it was found, not read yet
  Clock::time_point waiting_since_{};
  bool settling_ = false;
};

}  // namespace quern::broker
