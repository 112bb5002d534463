#include "broker/core/workers/workers.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <utility>

#include "broker/core/access/access.hpp"
#include "wire/glob.hpp"

namespace quern::broker {
namespace {

std::uint64_t us(wire::Duration d) {
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::microseconds>(d).count()));
}

// How long a lost worker is listed.
constexpr std::chrono::hours kLostShown{1};

}  // namespace

Worker& Workers::add(Session& session) {
  Worker& worker = by_session_[session.id];
  worker.session = session.id;
  worker.connection = &session;
  session.worker = &worker;
  worker.name = free_name(session.name);
  names_.emplace(worker.name, session.id);
  lost_.erase(worker.name);
  return worker;
}

void Workers::drain(Worker& worker) {
  worker.marks.draining = true;
  offers_.remove(worker);
}

void Workers::remove(Worker& worker) {
  offers_.remove(worker);
  const std::string name = worker.name, wanted = worker.connection->name;
  names_.erase(name);
  by_session_.erase(wire::SessionId(worker.session));
  if (name == wanted) hand_on_name(name);
}

void Workers::forget_lost(Time now) {
  std::erase_if(lost_, [&](const auto& lost) { return now - lost.second.lost > kLostShown; });
}

/// People (and `drain`) identify workers by name, so a name that is taken gets a number.
std::string Workers::free_name(const std::string& wanted) const {
  if (!names_.contains(wanted)) return wanted;
  // Leave room for the number: a name over the limit could not be sent.
  const std::string base = wanted.substr(0, wire::kNameBytesMax - 16);
  const auto numbered = [&](unsigned n) { return base + "#" + std::to_string(n); };
  // A thousand containers may all have the same name, so not every number is tried: doubling finds
  // some free number, and bisection then finds a free one right after a taken one.
  unsigned taken = 1, free = 2;
  while (names_.contains(numbered(free))) {
    taken = free;
    free *= 2;
  }
  while (free - taken > 1) {
    const unsigned middle = taken + (free - taken) / 2;
    (names_.contains(numbered(middle)) ? taken : free) = middle;
  }
  return numbered(free);
}

/// A restarted machine may come back before its old session has ended, and then gets a number. Now
/// the name becomes its own.
void Workers::hand_on_name(const std::string& name) {
  const std::string first = name + "#";
  for (auto it = names_.lower_bound(first); it != names_.end() && it->first.starts_with(first);
       ++it) {
    Worker& worker = by_session_.at(it->second);
    if (worker.connection->name != name) continue;
    const auto node = names_.extract(it);
    worker.name = name;
    worker.marks.share = nullptr;
    worker.marks.share_of = {};
    names_.emplace(name, worker.session);
    lost_.erase(name);
    return;
  }
}

void Workers::note_lost(const Worker& worker, const std::string& why, Time now) {
  constexpr std::size_t kLostMost = 10'000;
  if (lost_.size() >= kLostMost) return;
  LostWorker& lost = lost_[worker.name];
  lost.last = status_of(worker, now);
  lost.last.state = "lost";
  lost.last.reason = why;
  lost.lost = now;
}

std::string_view Workers::state_of(const Worker& worker) {
  return worker.marks.draining         ? "draining"
         : worker.slots() == 0         ? "stuck"
         : worker.holds.leases.empty() ? "idle"
                                       : "busy";
}

WorkerStatus Workers::status_of(const Worker& worker, Time now) {
  const Session& session = *worker.connection;
  WorkerStatus s;
  s.id = static_cast<std::uint64_t>(worker.session);
  s.name = worker.name;
  const bool stuck = worker.slots() == 0;
  s.state = state_of(worker);
  if (stuck)
    s.reason =
        "every slot is stuck: the functions on them ignore their time limit or their cancellation";
  s.capacity = worker.declared.offer.capacity;
  // Its last heartbeat may be seconds old, but its leases are known exactly.
  s.capacity.busy = static_cast<std::uint32_t>(
                        std::min<std::size_t>(worker.holds.leases.size(), worker.slots())) -
                    worker.holds.waiting;
  s.functions = worker.declared.offer.functions;
  for (const auto& [name, record] : worker.speed.records)
    if (record.leases > 0)
      s.rates.push_back({name, worker.rate_of(record, name), record.rate.uncertainty(),
                         record.leases, record.tasks, record.busy_us});
  s.labels = worker.declared.offer.labels;
  s.resources = worker.declared.offer.resources;
  s.leases = worker.holds.leases.size();
  s.tasks_done = worker.speed.tasks_done;
  s.principal = session.principal;
  s.silent_us = us(now - session.heard);
  s.connected_us = us(now - session.connected);
  return s;
}

WorkerStatus Workers::status_of(const LostWorker& lost, Time now) {
  WorkerStatus s = lost.last;
  s.leases = 0;
  s.capacity.busy = 0;
  s.silent_us += us(now - lost.lost);
  return s;
}

void Workers::restrict(Worker& worker, const Principal& principal) {
  const auto may_serve = [&](const auto& decl) {
    return principal.functions.empty() || wire::matches_any(principal.functions, decl.name);
  };
  const std::size_t before = worker.declared.offer.functions.size();
  offers_.remove(worker);
  worker.declared.offer.functions.clear();
  worker.declared.offer.reducers.clear();
  std::copy_if(worker.declared.functions.begin(), worker.declared.functions.end(),
               std::back_inserter(worker.declared.offer.functions), may_serve);
  std::copy_if(worker.declared.reducers.begin(), worker.declared.reducers.end(),
               std::back_inserter(worker.declared.offer.reducers), may_serve);
  worker.index_functions();
  offers_.add(worker);
  const std::size_t unused =
      worker.declared.functions.size() - worker.declared.offer.functions.size();
  if (unused > 0 && worker.declared.offer.functions.size() != before)
    context_.note("worker " + worker.name + ": " + std::to_string(unused) +
                  " of its functions are not used because its key may not serve them");
}

}  // namespace quern::broker
