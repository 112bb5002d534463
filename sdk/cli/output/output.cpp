#include "cli/output/output.hpp"

#include <cerrno>
#include <cstring>

namespace quern::cli {
namespace {

constexpr std::size_t kUnwrittenMax = 1u << 20;

}  // namespace

Output::Output(Console* console) : console_(console), writer_([this] { write_out(); }) {}

Output::~Output() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_writer_.notify_one();
  writer_.join();
}

bool Output::append(std::string_view text) {
  std::unique_lock lock(mutex_);
  wake_owner_.wait(lock, [&] { return pending_.size() < kUnwrittenMax || state_ != State::open; });
  if (state_ != State::open) return false;
  const bool wake = pending_.empty() && !writing_;
  pending_.append(text);
  if (wake) wake_writer_.notify_one();
  return true;
}

Output::State Output::flush() {
  std::unique_lock lock(mutex_);
  wake_owner_.wait(lock, [&] { return (pending_.empty() && !writing_) || state_ != State::open; });
  return state_;
}

std::string Output::error() const {
  std::lock_guard lock(mutex_);
  return std::strerror(error_);
}

void Output::write_out() {
  std::string batch;
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_writer_.wait(lock, [&] { return !pending_.empty() || closing_; });
    if (pending_.empty() || state_ != State::open) return;
    batch.clear();
    batch.swap(pending_);
    writing_ = true;
    lock.unlock();
    wake_owner_.notify_all();
    const bool written = console_ ? console_->write_between(batch) : write_output(batch);
    lock.lock();
    writing_ = false;
    if (!written) {
      error_ = output_error();
      state_ = error_ == EPIPE ? State::reader_gone : State::broken;
    }
    wake_owner_.notify_all();
  }
}

}  // namespace quern::cli
