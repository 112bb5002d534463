#include "broker/actors/audit_actor.hpp"

#include <poll.h>

#include <chrono>
#include <cstdio>

#include "keys/error.hpp"
#include "keys/grant.hpp"
#include "runtime/log.hpp"

namespace quern::broker {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kCheckpoint{1000};
constexpr int kRetryMs = 500;
// Lines that wait for a log that cannot be written, or for a disk that is slower than they come: more would cost the broker its memory.
constexpr std::size_t kWaitingMax = 100'000;

}  // namespace

std::string utc_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  std::string text = keys::time_text(us / 1'000'000);
  char fraction[16];
  std::snprintf(fraction, sizeof fraction, ".%06dZ", static_cast<int>(us % 1'000'000));
  text.replace(text.size() - 1, 1, fraction);
  return text;
}

AuditActor::AuditActor(std::unique_ptr<AuditLog> log, runtime::Mailbox<GuardEvent>& events)
    : log_(std::move(log)), events_(events), thread_([this] { run(); }) {}

AuditActor::~AuditActor() {
  mailbox_.post(Stop{});
  thread_.join();
}

void AuditActor::record(keys::AuditEntry entry) {
  if (under_way_.fetch_add(1) >= kWaitingMax) {
    under_way_.fetch_sub(1);
    forgotten_.fetch_add(1);
    return;
  }
  entry.time = utc_now();
  mailbox_.post(std::move(entry));
}

void AuditActor::run() {
  std::vector<Request> requests;
  bool stopping = false;
  std::optional<Clock::time_point> checkpoint_at;
  while (!stopping) {
    int timeout = -1;
    if (!write_trouble_.empty()) timeout = kRetryMs;
    else if (checkpoint_at)
      timeout = static_cast<int>(std::max<std::int64_t>(0, std::chrono::ceil<milliseconds>(*checkpoint_at - Clock::now()).count()));
    pollfd mail{mailbox_.fd(), POLLIN, 0};
    ::poll(&mail, 1, timeout);
    mailbox_.drain(requests);
    for (Request& request : requests) {
      auto* entry = std::get_if<keys::AuditEntry>(&request);
      if (!entry) {
        stopping = true;
        continue;
      }
      under_way_.fetch_sub(1);
      if (waiting_.size() >= kWaitingMax && write_trouble_.empty()) write();
      if (waiting_.size() < kWaitingMax) waiting_.push_back(std::move(*entry));
      else forgotten_.fetch_add(1);
    }
    if (!waiting_.empty()) {
      write();
      if (!checkpoint_at) checkpoint_at = Clock::now() + kCheckpoint;
    }
    if (stopping || (checkpoint_at && Clock::now() >= *checkpoint_at)) {
      checkpoint_at.reset();
      checkpoint();
      if (!checkpoint_trouble_.empty()) checkpoint_at = Clock::now() + kCheckpoint;
    }
  }
  if (!waiting_.empty()) runtime::log_error(std::to_string(waiting_.size()) + " lines of the audit log could not be written: " + write_trouble_);
}

void AuditActor::write() {
  const std::uint64_t forgotten = forgotten_.exchange(0);
  if (forgotten > 0)
    waiting_.push_back({utc_now(), "broker", "", "audit", "", "deny",
                        std::to_string(forgotten) + " lines were lost: there was no room for them while the log could not be written, or not as fast"});
  try {
    log_->append(waiting_);
    waiting_.clear();
    write_trouble_.clear();
  } catch (const keys::KeyError& error) {
    if (forgotten > 0) waiting_.pop_back();
    forgotten_.fetch_add(forgotten);
    write_trouble_ = error.what();
  }
  tell();
}

void AuditActor::checkpoint() {
  checkpoint_trouble_.clear();
  try {
    log_->sync();
  } catch (const keys::KeyError& error) {
    checkpoint_trouble_ = error.what();
  }
  tell();
}

void AuditActor::tell() {
  const std::string& trouble = write_trouble_.empty() ? checkpoint_trouble_ : write_trouble_;
  if (trouble == told_) return;
  told_ = trouble;
  events_.post(AuditTrouble{trouble});
}

}  // namespace quern::broker
