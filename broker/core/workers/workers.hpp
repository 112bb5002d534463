// The connected workers, by session and by name, and the workers that were lost recently.
//
// The address of a worker does not change while its session lasts.
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

/// A lost worker, which is listed for a while.
struct LostWorker {
  WorkerStatus last;  ///< its last known status
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

  /// Adds the worker of a new session. It gets the session's name, with a number appended if
  /// another worker has that name.
  Worker& add(Session& session);
  /// The session ends. The name is handed on to a worker that wanted it and got a number.
  void remove(Worker& worker);
  /// The worker takes no more work.
  void drain(Worker& worker);
  /// From now on, the worker offers only those of its declarations that its key allows.
  void restrict(Worker& worker, const Principal& principal);

  /// The worker was lost: it is listed for an hour.
  void note_lost(const Worker& worker, const std::string& why, Time now);
  void forget_lost(Time now);

  /// "idle", "busy", "draining" or "stuck".
  static std::string_view state_of(const Worker& worker);
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
