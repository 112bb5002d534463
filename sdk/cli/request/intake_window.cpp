#include "cli/request/intake_window.hpp"

#include <algorithm>

namespace quern::cli {
namespace {

constexpr std::uint64_t kUnlimited = static_cast<std::uint64_t>(-1);

}  // namespace

bool IntakeWindow::enter(std::uint64_t bytes) {
  std::unique_lock lock(mutex_);
  // One item always fits.
  room_.wait(lock, [&] {
    return closed_ || inside_.empty() ||
           (inside_.size() < items_max_ && bytes_ + bytes <= bytes_max_);
  });
  if (closed_) return false;
  const std::uint64_t index = next_++;
  if (items_max_ == kUnlimited) return true;
  inside_.emplace(index, bytes);
  bytes_ += bytes;
  return true;
}

void IntakeWindow::hold(std::uint64_t bytes) {
  constexpr std::uint64_t kMost = 1u << 30;
  std::lock_guard lock(mutex_);
  bytes_max_ = std::max(bytes_max_, std::min(bytes, kMost));
  room_.notify_one();
}

void IntakeWindow::allow(std::uint64_t items) {
  std::lock_guard lock(mutex_);
  items_max_ = items;
  room_.notify_one();
}

void IntakeWindow::open() {
  std::lock_guard lock(mutex_);
  items_max_ = bytes_max_ = kUnlimited;
  room_.notify_one();
}

void IntakeWindow::leave(std::uint64_t index) {
  std::lock_guard lock(mutex_);
  const auto at = inside_.find(index);
  if (at == inside_.end()) return;
  bytes_ -= at->second;
  inside_.erase(at);
  room_.notify_one();
}

void IntakeWindow::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  room_.notify_all();
}

std::uint64_t IntakeWindow::entered() const {
  std::lock_guard lock(mutex_);
  return next_;
}

}  // namespace quern::cli
