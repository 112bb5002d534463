#include "broker/core/core.hpp"

#include <algorithm>

namespace quern::broker {
namespace {

template <typename... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <typename... F>
Overloaded(F...) -> Overloaded<F...>;

/// Who may send a message: the other role's is an error, the broker's own too.
std::optional<wire::Role> sender_of(const wire::Message& message) {
  return std::visit(
      []<typename M>(const M&) -> std::optional<wire::Role> {
        if constexpr (std::is_same_v<M, wire::Report> || std::is_same_v<M, wire::Reclaimed> ||
                      std::is_same_v<M, wire::Draining> || std::is_same_v<M, wire::Fetch>)
          return wire::Role::worker;
        else if constexpr (std::is_same_v<M, wire::Submit> || std::is_same_v<M, wire::Append> ||
                           std::is_same_v<M, wire::Attach> || std::is_same_v<M, wire::Ack> ||
                           std::is_same_v<M, wire::Cancel> || std::is_same_v<M, wire::Query> ||
                           std::is_same_v<M, wire::Retry> || std::is_same_v<M, wire::Drain>)
          return wire::Role::client;
        else
          return std::nullopt;
      },
      message);
}

}  // namespace

Core::Core(Config config) : config_(std::move(config)) {}

void Core::on_message(PeerId peer, const std::string& user, wire::Envelope&& envelope, Time now) {
  handle(peer, user, std::move(envelope), now);
  if (!cut_off_.empty()) end_cut_off(now);
}

void Core::handle(PeerId peer, const std::string& user, wire::Envelope&& envelope, Time now) {
  clock_ = now;
  if (!started_known_) {
    started_ = now;
    started_known_ = true;
  }
  const Principal* principal = principal_of(user);
  if (ignores(peer, user, now)) return on_ignored(peer, user, envelope.message, now);
  if (!principal) return on_stranger(peer, user, envelope.message, now);
  if (auto* hello = std::get_if<wire::Hello>(&envelope.message)) {
    if (!tolerates_hello(peer, user, now)) return;
    on_hello(peer, user, *principal, std::move(*hello), now);
    return;
  }
  Session* session = sessions_.of_peer(peer);
  if (const auto* enrol = std::get_if<wire::Enrol>(&envelope.message); enrol && !session) {
    // The answer to an earlier one was lost, or somebody asks for more than the key has: the key
    // ring knows.
    if (tolerates_hello(peer, user, now))
      effects_.push_back(AskEnrol{peer, user, enrol->name, enrol->secret});
    return;
  }
  if (!session || session->id != envelope.session || session->user != user) {
    // Not an error of the peer: its session ended here (silence, restart), and it does not know
    // yet.
    if (tolerates_stale(peer, user, now)) effects_.push_back(Send{peer, {}, wire::HelloAgain{}});
    return;
  }
  session->heard = now;
  if (!std::exchange(session->reachable, true) && session->role == wire::Role::worker) {
    plan_.stale = true;  // it was made without this worker
    note_room(*session->worker);
  }
  if (!tolerates(*session, envelope.message, now) ||
      !permit(*session, *principal, envelope.message, now))
    return;
  if (const auto role = sender_of(envelope.message); role && *role != session->role) {
    misbehaved(*session, ErrorCode::role,
               *role == wire::Role::worker ? "only workers send this" : "only clients send this",
               now);
    return;
  }
  std::visit(
      Overloaded{
          [&](wire::Beat& m) { on_beat(*session, m); },
          [&](wire::Bye& m) { on_bye(*session, m, now); },
          [&](wire::Submit& m) { on_submit(*session, *principal, std::move(m), now); },
          [&](wire::Append& m) { on_append(*session, std::move(m), now); },
          [&](wire::Attach& m) { on_attach(*session, m, now); },
          [&](wire::Ack& m) { on_ack(*session, m); },
          [&](wire::Cancel& m) { on_cancel(*session, m, now); },
          [&](wire::Retry& m) { on_retry(*session, m, now); },
          [&](wire::Query& m) { on_query(*session, m, now); },
          [&](wire::Drain& m) { on_drain(*session, m); },
          [&](wire::Report& m) { on_report(*session, std::move(m), now); },
          [&](wire::Reclaimed& m) { on_reclaimed(*session, m, now); },
          [&](wire::Fetch& m) { on_fetch(*session, std::move(m), now); },
          [&](wire::Draining&) {
            Worker& worker = *session->worker;
            worker.draining = true;
            leave_pools(worker);
          },
          [&](wire::ErrorMessage&) {},  // a peer's complaint: nothing here depends on it
          [&](auto&) { misbehaved(*session, ErrorCode::role, "only the broker sends this", now); },
      },
      envelope.message);
}

void Core::on_malformed(PeerId peer, const std::string& user, const wire::DecodeError& why,
                        Time now) {
  ++counters_.malformed;
  if (ignores(peer, user, now)) return;
  // A submission that breaks a rule is a mistake of its author, not of the program that carries it:
  // only that job is not accepted.
  const bool of_a_job = why.job && sessions_.of_peer(peer);
  offend(peer, user, of_a_job ? 0.1 : 1,
         of_a_job ? "submissions that break a rule" : "bytes that are no messages", now);
  Session* session = sessions_.of_peer(peer);
  effects_.push_back(Send{peer, session ? session->id : wire::SessionId{},
                          wire::ErrorMessage{why.code, why.text, why.job, 0, !of_a_job}});
  if (of_a_job && cut_off_.empty()) return;
  if (!cut_off_.empty()) return end_cut_off(now);
  // What a peer with a session holds is kept until its silence or its next HELLO decides.
  if (session) out_of_reach(*session);
}

void Core::on_unreachable(PeerId peer) {
  if (Session* session = sessions_.of_peer(peer)) out_of_reach(*session);
}

void Core::on_undelivered(PeerId peer, const wire::Message& message) {
  const Session* session = sessions_.of_peer(peer);
  const auto* lease = std::get_if<wire::Lease>(&message);
  on_unreachable(peer);
  // Nobody can have started that, so its tasks need not wait until its worker is given up.
  if (session && lease)
    if (const Lease* known = find_lease(lease->lease); known && known->worker == session->id)
      lose_lease(lease->lease, Loss::never_arrived);
}

void Core::out_of_reach(Session& session) {
  if (!std::exchange(session.reachable, false) || session.role != wire::Role::worker) return;
  // It may come back with another session; until then nothing is kept for it.
  drop_planned(*session.worker);
  plan_.stale = true;
  dispatch_needed_ = true;
  retry_dispatch_at(clock_);
}

void Core::on_blocked(PeerId peer, Time now) {
  if (Session* session = sessions_.of_peer(peer)) end_session(session->id, now);
}

void Core::on_gap(wire::Duration gap) {
  // Peers that heard nothing for so long have opened new connections meanwhile, and need their time
  // to come back.
  const wire::Duration grace =
      gap >= config_.lost_busy / 2 ? wire::Duration(config_.recovery_wait) : wire::Duration{};
  for (auto& [id, session] : sessions_.all()) session.heard += gap + grace;
  for (auto& [id, worker] : workers_) worker.reported += gap;
}

void Core::on_stop() {
  for (const auto& [id, session] : sessions_.all())
    send(session, wire::Bye{ErrorCode::shutdown, "the broker is stopping"});
}

Job* Core::find_job(Uuid uuid) {
  const auto it = job_of_uuid_.find(uuid);
  return it == job_of_uuid_.end() ? nullptr : it->second;
}

Job* Core::find_job(Uuid uuid, JobNumber number) {
  if (!uuid.is_nil()) return find_job(uuid);
  auto it = jobs_.find(number);
  return it == jobs_.end() ? nullptr : &it->second;
}

void Core::settle(Time now) {
  clock_ = now;
  if (!next_sweep_ || now >= *next_sweep_) sweep(now);
  release_unsure(now);
  dispatch(now);
  answer_fetches(now);
  if (!asking_.empty()) answer_questions(now);
  // A job that ends may free another's credit; jobs only become dirty by events, so this loop ends.
  while (!dirty_.empty() || touch_held_back()) {
    std::vector<JobNumber> dirty;
    dirty.swap(dirty_);
    std::sort(dirty.begin(), dirty.end());
    for (JobNumber number : dirty) {
      auto it = jobs_.find(number);
      if (it == jobs_.end()) continue;
      Job& job = it->second;
      job.dirty = false;
      ++counters_.visits;
      account(job);
      if (job.winding_down && !job.final()) cancel_waiting(job);
      finish_if_done(job, now);
      send_results(job, now);
      account(job);
    }
  }
  seal();
}

void Core::take_effects(Effects& out) {
  if (out.empty()) return out.swap(effects_);  // both keep their memory: it is warm
  out.insert(out.end(), std::make_move_iterator(effects_.begin()),
             std::make_move_iterator(effects_.end()));
  effects_.clear();
}

std::vector<PeerId> Core::take_gone() {
  std::vector<PeerId> gone = connections_.take_forgotten();
  gone.insert(gone.end(), without_session_.begin(), without_session_.end());
  without_session_.clear();
  return gone;
}

std::optional<Time> Core::next_deadline() const {
  std::optional<Time> next = next_sweep_;
  const auto sooner = [&](std::optional<Time> t) {
    if (t && (!next || *t < *next)) next = t;
  };
  sooner(retry_dispatch_);
  if (!redecide_.empty()) sooner(clock_);
  sooner(answer_at_);
  if (!unsure_.empty()) sooner(unsure_.begin()->first);
  if (!backing_off_.empty()) sooner(backing_off_.begin()->first);
  if (!doubts_.empty()) sooner(doubts_.begin()->first);
  return next;
}

}  // namespace quern::broker
