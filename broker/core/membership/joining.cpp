#include "broker/core/membership/joining.hpp"

#include <algorithm>
#include <cmath>

#include "broker/core/access/access.hpp"

namespace quern::broker {
namespace {

using std::chrono::milliseconds;

}  // namespace

void Joining::on_hello(PeerId peer, const std::string& user, const Principal& principal,
                       wire::Hello&& hello, Time now) {
  if (auto no = refusal(peer, principal, hello)) {
    ++context_.counters.refused;
    context_.warn("refused " + hello.name + ": " + no->text);
    context_.effects.push_back(Send{peer, {}, wire::Refused{no->code, std::move(no->text)}});
    return;
  }
  // A peer that comes back with a new session keeps what it held. A connection has only one
  // session, so a session of another peer on it ends.
  Inheritance inheritance;
  if (Session* before = sessions_.of_identity(hello.role, hello.identity)) {
    inheritance = inherit(*before);
    leaving_.end_session(before->id, now);
  }
  if (Session* other = sessions_.of_peer(peer)) leaving_.end_session(other->id, now);

  Session& session = open(peer, user, principal, hello, now);
  wire::Welcome welcome;
  welcome.incarnation = context_.config.incarnation;
  welcome.software = context_.config.software;
  welcome.store = context_.config.store;
  const auto ms = [](milliseconds d) { return static_cast<std::uint32_t>(d.count()); };
  welcome.beat_busy_ms = ms(context_.config.heartbeat_busy);
  welcome.beat_idle_ms = ms(context_.config.heartbeat_idle);
  welcome.lost_busy_ms = ms(context_.config.lost_busy);
  welcome.lost_idle_ms = ms(context_.config.lost_idle);
  const bool worker = hello.role == wire::Role::worker;
  if (worker)
    welcome_worker(session, principal, hello, std::move(inheritance), welcome, now);
  else
    welcome_client(principal, hello, welcome);
  context_.note((worker ? "worker " : "client ") + session.name + " connected");
  // The answer says which results and appends the broker has. It waits until they are durable,
  // because the peer then discards them.
  std::uint64_t after = welcome.dropped.empty() ? 0 : commits_.latest();
  for (const auto& known : welcome.jobs)
    if (const Job* job = jobs_.find(known.job)) after = std::max(after, job->commits.latest);
  session.welcome_after = after;
  outbox_.send(session, std::move(welcome), after);
  context_.dispatch_needed = true;
}

std::optional<Refusal> Joining::refusal(PeerId peer, const Principal& principal,
                                        const wire::Hello& hello) {
  if (hello.protocol_min > wire::kProtocolVersion || hello.protocol_max < wire::kProtocolOldest) {
    return Refusal{ErrorCode::version,
                   "this broker speaks protocol " + std::to_string(wire::kProtocolOldest) + " to " +
                       std::to_string(wire::kProtocolVersion) + "; this peer speaks " +
                       std::to_string(hello.protocol_min) + " to " +
                       std::to_string(hello.protocol_max) +
                       ": install the same version of Quern on both sides"};
  }
  wire::Hello question;
  question.role = hello.role;
  const wire::Message asked = std::move(question);
  const Verdict verdict = decide(principal, asked, std::nullopt);
  access_.record(peer, principal.name, action_of(asked), hello.name, verdict.allowed,
                 verdict.reason);
  if (!verdict.allowed) return Refusal{ErrorCode::denied, verdict.reason};
  if (hello.identity.is_nil()) return Refusal{ErrorCode::malformed, "HELLO needs an identity"};
  const Session* before = sessions_.of_identity(hello.role, hello.identity);
  if (before && before->principal != principal.name) {
    access_.record(peer, principal.name, "take over session", before->name, false,
                   "it belongs to " + before->principal);
    return Refusal{ErrorCode::denied, "this identity belongs to a session of another principal"};
  }
  if (!before && sessions_.all().size() >= context_.config.sessions_max)
    return Refusal{ErrorCode::limit, "the broker has reached its limit of " +
                                         std::to_string(context_.config.sessions_max) +
                                         " sessions"};
  return std::nullopt;
}

Joining::Inheritance Joining::inherit(const Session& before) {
  Inheritance out;
  if (before.role != wire::Role::worker) return out;
  Worker& worker = *before.worker;
  for (Lease* lease : std::exchange(worker.holds.leases, {})) {
    fitness_.forget_probe(*lease);
    lease->held_by = nullptr;
    out.leases.insert(lease->id);
  }
  out.records = std::move(worker.speed.records);  // so its rates need not be measured again
  return out;
}

Session& Joining::open(PeerId peer, const std::string& user, const Principal& principal,
                       const wire::Hello& hello, Time now) {
  Session& session = sessions_.open(peer, hello.role, hello.identity);
  session.name = hello.name.empty() ? hello.identity.text() : hello.name;
  session.user = user;
  session.principal = principal.name;
  session.connected = session.heard = now;
  return session;
}

void Joining::welcome_worker(Session& session, const Principal& principal, wire::Hello& hello,
                             Inheritance&& inheritance, wire::Welcome& welcome, Time now) {
  Worker& worker = workers_.add(session);
  worker.speed.records = std::move(inheritance.records);
  worker.declared.offer = std::move(*hello.worker);
  worker.declared.functions = worker.declared.offer.functions;
  worker.declared.reducers = worker.declared.offer.reducers;
  worker.marks.draining = worker.declared.offer.draining;
  worker.declared.memory = worker.declared.offer.capacity.memory_free;
  worker.speed.told_available = worker.available();
  if (!worker.declared.offer.plugins.empty()) {
    std::string plugins;
    for (const auto& plugin : worker.declared.offer.plugins)
      plugins += (plugins.empty() ? "" : ", ") + plugin;
    access_.record(session.peer, principal.name, "load plugin", plugins, true,
                   "on worker " + worker.name);
  }
  workers_.restrict(worker, principal);
  pools_.join(worker);
  keep_leases(session, worker, std::move(inheritance.leases), welcome, now);
  pools_.note_room(worker);
}

void Joining::keep_leases(Session& session, Worker& worker, std::set<wire::LeaseId>&& inherited,
                          wire::Welcome& welcome, Time now) {
  std::size_t taken_up = 0;
  for (const auto& held : worker.declared.offer.held) {
    Lease* lease = leases_.find(held.lease);
    if (!lease && held.lease.incarnation < context_.config.incarnation &&
        recovery_.adopt(held, session, now)) {
      ++taken_up;
      continue;
    }
    if (!lease || !inherited.contains(held.lease)) {
      welcome.dropped.push_back(held.lease);
      continue;
    }
    inherited.erase(held.lease);
    lease->worker = session.id;
    lease->granted = now;
    lease->reclaim.asked = false;  // requests of the old session went with it
    worker.hold(*lease);
    if (Pool* pool = jobs_.at(lease->job).run.pool;
        pool && takes_resources(*lease) && !lease->run.waits)
      pool->need().count(worker, 1);
  }
  if (taken_up > 0)
    access_.record(session.peer, session.principal, "take up leases", worker.name, true,
                   std::to_string(taken_up) + " from before the restart");
  for (const wire::LeaseId id : inherited) returns_.lose(id, Loss::never_arrived);
  worker.declared.offer.held.clear();
}

void Joining::welcome_client(const Principal& principal, const wire::Hello& hello,
                             wire::Welcome& welcome) {
  for (const auto& held : hello.jobs) {
    wire::KnownJob known{held.job, false, {}, 0, 0};
    if (const Job* job = jobs_.find(held.job); job && may_see(principal, subject_of(*job)))
      known = {held.job, true, job->number, job->intake.accepted, job->intake.credit_to};
    welcome.jobs.push_back(known);
  }
}

}  // namespace quern::broker
