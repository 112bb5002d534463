// The audit actor: one thread that writes decisions to the log, all that have arrived at a time,
// and a checkpoint every second. While the log cannot be written, lines wait here, in order, up to
// a limit; the router is notified and refuses privileged requests. Beyond some rate, repeated
// actions of a principal are replaced by a line with their number, so that it can neither fill the
// disk nor hide the lines of others.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <thread>
#include <variant>
#include <vector>

#include "broker/actors/audit_log.hpp"
#include "broker/actors/guard_events.hpp"
#include "broker/core/base/budget.hpp"
#include "runtime/mailbox.hpp"

namespace quern::broker {

class AuditActor {
 public:
  /// `events` must outlive the actor.
  AuditActor(std::unique_ptr<AuditLog> log, runtime::Mailbox<GuardEvent>& events);
  /// Writes the remaining lines and the last checkpoint, and ends.
  ~AuditActor();

  /// Any thread. The time is filled in here.
  void record(keys::AuditEntry entry);

 private:
  struct Stop {};
  using Request = std::variant<keys::AuditEntry, Stop>;

  /// How many lines about allowed actions a principal has had recently.
  struct Share {
    Budget lines;
    std::uint64_t left_out = 0;
    std::string address;
  };

  void run();
  void take(keys::AuditEntry entry);
  void count_left_out(bool at_once);
  void write();
  void checkpoint();
  void tell();

  std::unique_ptr<AuditLog> log_;
  runtime::Mailbox<GuardEvent>& events_;
  runtime::Mailbox<Request> mailbox_;
  std::vector<keys::AuditEntry> waiting_;
  std::map<std::string, Share> shares_;  ///< by principal
  std::chrono::steady_clock::time_point counted_{};
  std::atomic<std::uint64_t> under_way_{0};         ///< lines in the mailbox
  std::atomic<std::uint64_t> forgotten_{0};         ///< lines that were dropped for lack of room
  std::string write_trouble_, checkpoint_trouble_;  ///< empty: none
  std::string told_;
  std::thread thread_;  // last, so that all other members exist when it starts
};

/// "2026-11-25T21:45:41.123456Z"
std::string utc_now();

}  // namespace quern::broker
