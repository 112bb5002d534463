#include "broker/actors/audit_actor.hpp"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string_view>
#include <utility>

#include "keys/error.hpp"
#include "keys/grant.hpp"
#include "notation/moment.hpp"
#include "runtime/log.hpp"

namespace quern::broker {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kCheckpoint{1000};
// How often the log is checked and retried.
constexpr milliseconds kAuditLook{500};
// Maximum number of lines that wait for a log that cannot be written (fast enough), which limits
// the memory.
constexpr std::size_t kWaitingMax = 100'000;
// Denials have the same room in addition, so that allowed actions cannot displace them.
constexpr std::size_t kDenialsMax = 2 * kWaitingMax;
// Lines of one principal about allowed actions; further ones are replaced by their number.
constexpr Allowance kLines{20'000, 500};
// Maximum length of a field, because peers influence them, and escaping can turn a byte into six.
constexpr std::size_t kFieldMax = 2048;

void clip(std::string& field) {
  if (field.size() <= kFieldMax) return;
  field.resize(kFieldMax);
  field += "...";
}

/// Ordinary actions on one's own jobs, which may be frequent. Privileged actions always get a line.
bool may_be_counted(const keys::AuditEntry& entry) {
  if (entry.decision != "allow" || entry.principal == "broker" || entry.principal == "operator" ||
      entry.reason == "admin")
    return false;
  constexpr std::string_view kOften[] = {"submit", "cancel", "retry", "connect as client",
                                         "join as worker"};
  return std::find(std::begin(kOften), std::end(kOften), entry.action) != std::end(kOften);
}

std::size_t room_for(const keys::AuditEntry& entry) {
  return entry.decision == "deny" ? kDenialsMax : kWaitingMax;
}

}  // namespace

std::string utc_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  std::string text = notation::moment_text(us / 1'000'000);
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
  if (under_way_.fetch_add(1) >= room_for(entry)) {
    under_way_.fetch_sub(1);
    forgotten_.fetch_add(1);
    return;
  }
  for (auto* field :
       {&entry.principal, &entry.address, &entry.action, &entry.object, &entry.reason})
    clip(*field);
  entry.time = utc_now();
  mailbox_.post(std::move(entry));
}

void AuditActor::run() {
  std::vector<Request> requests;
  bool stopping = false;
  std::optional<Clock::time_point> checkpoint_at;
  while (!stopping) {
    auto timeout = kAuditLook;
    if (checkpoint_at)
      timeout = std::clamp(std::chrono::ceil<milliseconds>(*checkpoint_at - Clock::now()),
                           milliseconds{0}, kAuditLook);
    pollfd mail{mailbox_.fd(), POLLIN, 0};
    ::poll(&mail, 1, static_cast<int>(timeout.count()));
    mailbox_.drain(requests);
    for (Request& request : requests) {
      auto* entry = std::get_if<keys::AuditEntry>(&request);
      if (!entry) {
        stopping = true;
        continue;
      }
      under_way_.fetch_sub(1);
      take(std::move(*entry));
    }
    count_left_out(stopping);
    // Also if there is nothing to write, so that a problem is known before a line must be written.
    write();
    if (log_->unsynced() && !checkpoint_at) checkpoint_at = Clock::now() + kCheckpoint;
    if (stopping || (checkpoint_at && Clock::now() >= *checkpoint_at)) {
      checkpoint_at.reset();
      checkpoint();
      if (!checkpoint_trouble_.empty()) checkpoint_at = Clock::now() + kCheckpoint;
    }
  }
  if (!waiting_.empty())
    runtime::log_error(std::to_string(waiting_.size()) +
                       " lines of the audit log could not be written: " + write_trouble_);
}

void AuditActor::take(keys::AuditEntry entry) {
  if (may_be_counted(entry)) {
    Share& share = shares_[entry.principal];
    if (!share.lines.try_take(1, kLines, Clock::now())) {
      ++share.left_out;
      share.address = std::move(entry.address);
      return;
    }
  }
  if (waiting_.size() >= kWaitingMax && write_trouble_.empty()) write();
  if (waiting_.size() < room_for(entry))
    waiting_.push_back(std::move(entry));
  else
    forgotten_.fetch_add(1);
}

/// Writes a line with the number of omitted lines, once a second.
void AuditActor::count_left_out(bool at_once) {
  const auto now = Clock::now();
  if (!at_once && now - counted_ < kCheckpoint) return;
  counted_ = now;
  for (auto it = shares_.begin(); it != shares_.end();) {
    auto& [principal, share] = *it;
    if (share.left_out > 0 && waiting_.size() < kDenialsMax)
      waiting_.push_back({utc_now(), principal, share.address, "more", "", "allow",
                          std::to_string(std::exchange(share.left_out, 0)) +
                              " more lines about allowed actions of this key were left out"});
    it =
        share.left_out == 0 && share.lines.is_full(kLines, now) ? shares_.erase(it) : std::next(it);
  }
}

void AuditActor::write() {
  const std::uint64_t forgotten = forgotten_.exchange(0);
  if (forgotten > 0)
    waiting_.push_back({utc_now(), "broker", "", "audit", "", "deny",
                        std::to_string(forgotten) +
                            " lines were lost: the log could not be written, or not fast "
                            "enough, and the buffer was full"});
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
