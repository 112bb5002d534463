#include "worker/actors/cursor.hpp"

#include <algorithm>

namespace quern::worker {

std::optional<Cursor::Claim> Cursor::claim(std::uint64_t most) {
  std::lock_guard lock(mutex_);
  if (closed_) return std::nullopt;
  while (at_ < tasks_.size() && next_ == tasks_[at_].end) {
    if (++at_ < tasks_.size()) next_ = tasks_[at_].begin;
  }
  if (at_ >= tasks_.size()) return std::nullopt;
  const std::uint64_t begin = next_;
  next_ += std::min(most, tasks_[at_].end - begin);
  return Claim{{begin, next_}, begin == tasks_[at_].begin};
}

void Cursor::give_back(std::uint64_t first) {
  std::lock_guard lock(mutex_);
  next_ = first;
}

wire::Intervals Cursor::cut(std::uint64_t want) {
  std::lock_guard lock(mutex_);
  wire::Intervals cut;
  while (want > 0 && at_ < tasks_.size()) {
    wire::Interval& last = tasks_.back();
    const bool current = tasks_.size() - 1 == at_;
    const std::uint64_t n = std::min(want, current ? last.end - next_ : last.size());
    if (n > 0) cut.push_back({last.end - n, last.end});
    last.end -= n;
    want -= n;
    if (current) break;  // the rest of it has been claimed
    if (last.empty()) tasks_.pop_back();
  }
  std::reverse(cut.begin(), cut.end());
  return cut;
}

void Cursor::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
}

}  // namespace quern::worker
