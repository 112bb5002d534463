#include "broker/actors/watched_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "keys/error.hpp"
#include "keys/files.hpp"

namespace quern::broker {
namespace {

// An editor that writes in place finishes within this time.
constexpr std::chrono::milliseconds kSettled{50};

std::int64_t nanoseconds(const struct statx_timestamp& time) {
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

WatchedFile::State WatchedFile::state() const {
  struct statx about {};
  if (::statx(AT_FDCWD, path_.c_str(), 0, STATX_BASIC_STATS | STATX_BTIME, &about) != 0) return {};
  const bool has_birth = (about.stx_mask & STATX_BTIME) != 0;
  return {nanoseconds(about.stx_mtime), nanoseconds(about.stx_ctime),
          has_birth ? nanoseconds(about.stx_btime) : 0, static_cast<std::int64_t>(about.stx_size),
          about.stx_ino};
}

std::optional<std::string> WatchedFile::look(Clock::time_point at) {
  const State now = state();
  const bool there = now.inode != 0;
  settling_ = false;
  if (there && now == read_) return std::nullopt;
  keys::require_safe(path_);
  // File systems reuse the number of a deleted file at once: after two replacements, the file may
  // have the number that it had before, but not the time of birth.
  if (there && now.inode == read_.inode && now.born_ns == read_.born_ns) {
    if (now != waiting_) waiting_since_ = at;
    waiting_ = now;
    settling_ = at - waiting_since_ < kSettled;
    if (settling_) return std::nullopt;
  }
  auto text = keys::read_file(path_);
  if (!text) throw keys::KeyError(path_ + " is missing");
  settling_ = state() != now;
  if (settling_) return std::nullopt;  // it changed in the meantime; the next check reads it
  read_ = now;
  return text;
}

}  // namespace quern::broker
