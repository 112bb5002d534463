#include "broker/actors/watched_file.hpp"

#include <sys/stat.h>

#include "keys/error.hpp"
#include "keys/files.hpp"

namespace quern::broker {
namespace {

// An editor that writes in place finishes within this time.
constexpr std::chrono::milliseconds kSettled{50};

std::int64_t nanoseconds(const timespec& time) {
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

WatchedFile::State WatchedFile::state() const {
  struct stat about {};
  if (::stat(path_.c_str(), &about) != 0) return {};
  return {nanoseconds(about.st_mtim), nanoseconds(about.st_ctim), about.st_size, about.st_ino};
}

std::optional<std::string> WatchedFile::look(Clock::time_point at) {
  const State now = state();
  const bool there = now.inode != 0;
  settling_ = false;
  if (there && now == read_) return std::nullopt;
  keys::require_safe(path_);
  if (there && now.inode == read_.inode) {
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
