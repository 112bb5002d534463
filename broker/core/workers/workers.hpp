// The workers that are connected, by session and by name, and those that were lost of late.
//
// A worker keeps its place in memory as long as its session lasts.
#pragma once

#include <map>
#include <string>
#include <unordered_map>

#include "broker/core/access/principal.hpp"
#include "broker/core/base/context.hpp"
#include "broker/core/sessions/session.hpp"
#include "broker/core/workers/offers.hpp"
#include "broker/core/workers/worker.hpp"

namespace quern::broker {

/// A worker that was lost, as it is shown for a while.
struct LostWorker {
  WorkerStatus last;  ///< what was known of it then
  Time lost{};
};

class Workers {
 public:
  using BySession = std::unordered_map<wire::SessionId, Worker>;

  Workers(Context& context, Offers& offers) : context_(context), offers_(offers) {}

  Worker* find(wire::SessionId session) {
    const auto it = by_session_.find(session);
    return it == by_session_.end() ? nullptr : &it->second;
  }
  const Worker* find(wire::SessionId session) const {
    return const_cast<Workers*>(this)->find(session);
  }
  Worker& at(wire::SessionId session) { return by_session_.at(session); }
  const Worker& at(wire::SessionId session) const { return by_session_.at(session); }
  BySession& all() { return by_session_; }
  const BySession& all() const { return by_session_; }
  /// In the order in which they are listed.
  const std::map<std::string, wire::SessionId>& names() const { return names_; }
  const std::map<std::string, LostWorker>& lost() const { return lost_; }

  /// The worker of a new session. It gets the session's name, or that with a number if another
  /// worker has it.
  Worker& add(Session& session);
  /// Its session ends. Its name goes to the worker that wanted it and got one with a number.
  void remove(Worker& worker);
  /// It takes no more work.
  void drain(Worker& worker);
  /// What its key allows of what it declared is what it offers from now on.
  void restrict(Worker& worker, const Principal& principal);

  /// It was lost: it is listed for an hour.
  void note_lost(const Worker& worker, const std::string& why, Time now);
  void forget_lost(Time now);

  static WorkerStatus status_of(const Worker& worker, Time now);
  static WorkerStatus status_of(const LostWorker& lost, Time now);

 private:
  std::string free_name(const std::string& wanted) const;
  void hand_on_name(const std::string& name);

  Context& context_;
  Offers& offers_;
  BySession by_session_;
  std::map<std::string, wire::SessionId> names_;
  std::map<std::string, LostWorker> lost_;  ///< of the last hour, by name
};

}  // namespace quern::broker
