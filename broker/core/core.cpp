#include "broker/core/core.hpp"

#include <algorithm>
#include <iterator>
#include <type_traits>
#include <utility>
#include <variant>

namespace quern::broker {
namespace {

template <typename... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <typename... F>
Overloaded(F...) -> Overloaded<F...>;

// How often one settle() grants leases: as long as jobs that end make tasks of other jobs ready.
constexpr int kRounds = 8;

/// The role that may send a message; nothing if both roles may, or if only the broker may.
std::optional<wire::Role> sender_of(const wire::Message& message) {
  return std::visit(
      []<typename M>(const M& m) -> std::optional<wire::Role> {
        if constexpr (std::is_same_v<M, wire::Report> || std::is_same_v<M, wire::Reclaimed> ||
                      std::is_same_v<M, wire::Draining> || std::is_same_v<M, wire::Notes> ||
                      std::is_same_v<M, wire::Wait>)
          return wire::Role::worker;
        else if constexpr (std::is_same_v<M, wire::Fetch>)
          return m.token == 0 ? wire::Role::worker : wire::Role::client;
        else if constexpr (std::is_same_v<M, wire::Submit>)
          return m.lease == wire::LeaseId{} ? wire::Role::client : wire::Role::worker;
        else if constexpr (std::is_same_v<M, wire::Append> || std::is_same_v<M, wire::Attach> ||
                           std::is_same_v<M, wire::Cancel> || std::is_same_v<M, wire::Query> ||
                           std::is_same_v<M, wire::Retry> || std::is_same_v<M, wire::Pause> ||
                           std::is_same_v<M, wire::Drain> || std::is_same_v<M, wire::Schedule>)
          return wire::Role::client;
        else
          return std::nullopt;
      },
      message);
}

}  // namespace

void Core::on_message(PeerId peer, const std::string& user, wire::Envelope&& envelope, Time now) {
  handle(peer, user, std::move(envelope), now);
  if (sessions_.conduct.has_ended_any()) membership_.leaving.end_offenders(now);
}

void Core::handle(PeerId peer, const std::string& user, wire::Envelope&& envelope, Time now) {
  context_.set_time(now);
  Conduct& conduct = sessions_.conduct;
  const Principal* principal = access_.control.principal_of(user);
  if (conduct.ignores(peer, user, now))
    return conduct.on_ignored(peer, user, envelope.message, now);
  if (!principal) return membership_.gate.on_stranger(peer, user, envelope.message, now);
  if (auto* hello = std::get_if<wire::Hello>(&envelope.message)) {
    if (conduct.tolerates_hello(peer, user, now))
      membership_.joining.on_hello(peer, user, *principal, std::move(*hello), now);
    return;
  }
  Session* session = sessions_.table.of_peer(peer);
  if (const auto* enrol = std::get_if<wire::Enrol>(&envelope.message); enrol && !session) {
    // The answer to an earlier ENROL was lost, or the peer asks for more than its key has: the key
    // ring decides.
    if (conduct.tolerates_hello(peer, user, now))
      context_.effects.push_back(AskEnrol{peer, user, enrol->name, enrol->secret});
    return;
  }
  if (!session || session->id != envelope.session || session->user != user) {
    // This is not the peer's fault: its session has ended here (silence, restart), and it does not
    // know that yet.
    if (conduct.tolerates_stale(peer, user, now))
      context_.effects.push_back(Send{peer, {}, wire::HelloAgain{}});
    return;
  }
  session->heard = now;
  if (!std::exchange(session->reachable, true) && session->role == wire::Role::worker) {
    scheduling_.plans.make_stale();  // the plan was made without this worker
    scheduling_.pools.note_room(*session->worker);
  }
  if (conduct.tolerates(*session, envelope.message, now) &&
      membership_.gate.permit(*session, *principal, envelope.message, now))
    dispatch(*session, *principal, std::move(envelope.message), now);
}

void Core::dispatch(Session& session, const Principal& principal, wire::Message&& message,
                    Time now) {
  if (const auto role = sender_of(message); role && *role != session.role)
    return sessions_.conduct.misbehaved(session, ErrorCode::role,
                                        *role == wire::Role::worker
                                            ? "only workers may send this message"
                                            : "only clients may send this message",
                                        now);
  std::visit(
      Overloaded{
          [&](wire::Beat& m) { membership_.heartbeats.on_heartbeat(session, m); },
          [&](wire::Bye& m) { membership_.leaving.on_bye(session, m, now); },
          [&](wire::Submit& m) {
            if (session.role == wire::Role::worker)
              clients_.nested.on_submit(session, std::move(m), now);
            else
              clients_.submissions.on_submit(session, principal, std::move(m), now);
          },
          [&](wire::Append& m) { clients_.intake.on_append(session, std::move(m), now); },
          [&](wire::Attach& m) { clients_.requests.on_attach(session, m, now); },
          [&](wire::Ack& m) { clients_.requests.on_ack(session, m); },
          [&](wire::Cancel& m) { clients_.requests.on_cancel(session, m, now); },
          [&](wire::Retry& m) { clients_.requests.on_retry(session, m, now); },
          [&](wire::Pause& m) { clients_.requests.on_pause(session, m, now); },
          [&](wire::Query& m) { clients_.questions.on_query(session, m, now); },
          [&](wire::Schedule& m) { clients_.schedules.on_schedule(session, std::move(m), now); },
          [&](wire::Drain& m) { clients_.drains.on_drain(session, m); },
          [&](wire::Report& m) { scheduling_.reports.on_report(session, std::move(m), now); },
          [&](wire::Reclaimed& m) { scheduling_.reports.on_reclaimed(session, m, now); },
          [&](wire::Fetch& m) {
            if (session.role == wire::Role::worker)
              endings_.blobs.on_fetch(session, std::move(m), now);
            else
              endings_.blobs.on_read(session, principal, std::move(m), now);
          },
          [&](wire::Wait& m) { nesting_.waiting.on_wait(session, m, now); },
          [&](wire::Notes& m) { status_.notes.on_notes(session, std::move(m), now); },
          [&](wire::Draining&) {
            workers_.table.drain(*session.worker);
            scheduling_.pools.leave(*session.worker);
          },
          [&](wire::ErrorMessage&) {},  // a peer's complaint; nothing here depends on it
          [&](auto&) {
            sessions_.conduct.misbehaved(session, ErrorCode::role,
                                         "only the broker may send this message", now);
          },
      },
      message);
}

void Core::on_malformed(PeerId peer, const std::string& user, const wire::DecodeError& why,
                        Time now) {
  Conduct& conduct = sessions_.conduct;
  ++context_.counters.malformed;
  if (conduct.ignores(peer, user, now)) return;
  // An invalid submission is a mistake of its author, not of the program that sends it, so only
  // that job is not accepted.
  Session* session = sessions_.table.of_peer(peer);
  const bool of_a_job = why.job && session;
  conduct.offend(peer, user, of_a_job ? 0.1 : 1,
                 of_a_job ? "invalid submissions" : "malformed messages", now);
  context_.effects.push_back(Send{peer, session ? session->id : wire::SessionId{},
                                  wire::ErrorMessage{why.code, why.text, why.job, 0, !of_a_job}});
  if (conduct.has_ended_any()) return membership_.leaving.end_offenders(now);
  // What a peer with a session holds is kept until its silence or its next HELLO decides.
  if (session && !of_a_job) membership_.leaving.out_of_reach(*session);
}

bool Core::ignores(PeerId peer, const std::string& user, Time now) {
  return sessions_.conduct.ignores(peer, user, now);
}

void Core::on_unreachable(PeerId peer) { membership_.leaving.on_unreachable(peer); }

void Core::on_undelivered(PeerId peer, const wire::Message& message) {
  membership_.leaving.on_undelivered(peer, message);
}

void Core::on_blocked(PeerId peer, Time now) {
  if (const Session* session = sessions_.table.of_peer(peer))
    membership_.leaving.end_session(session->id, now);
}

void Core::on_wall_clock(std::int64_t ms, Time now) {
  context_.set_time(now);
  context_.set_wall_clock(ms);
  schedules_.table.plan_all();
}

void Core::on_gap(wire::Duration gap) { membership_.heartbeats.on_gap(gap); }

void Core::on_principals(Principals&& principals, bool invitations_open, Time now) {
  membership_.key_changes.on_principals(std::move(principals), invitations_open, now);
}

void Core::on_enrolled(PeerId peer, const std::string& user, const std::string& name,
                       std::uint8_t rights, bool fresh) {
  membership_.gate.on_enrolled(peer, user, name, rights, fresh);
}

void Core::on_enrol_refused(PeerId peer, const std::string& user, const std::string& why) {
  membership_.gate.on_enrol_refused(peer, user, why);
}

void Core::on_moved(PeerId peer, Time now) { membership_.key_changes.on_moved(peer, now); }

void Core::on_audit_trouble(const std::string& why) { access_.control.set_audit_trouble(why); }

void Core::on_stop() {
  for (const auto& [id, session] : sessions_.table.all())
    sessions_.outbox.send(session, wire::Bye{ErrorCode::shutdown, "the broker is stopping"});
}

void Core::recover(Recovered&& recovered, Time now) {
  context_.set_time(now);
  for (ScheduleRecord& record : recovered.schedules) schedules_.table.recover(std::move(record));
  membership_.recovery.recover(std::move(recovered), now);
  jobs_.start_times.hold_all();
  membership_.upkeep.start(now);
}

void Core::on_committed(std::uint64_t commit, Time now) {
  membership_.store_replies.on_committed(commit, now);
}

void Core::on_loaded(JobNumber job, wire::Interval tasks, wire::Batch batch) {
  membership_.store_replies.on_loaded(job, tasks, std::move(batch));
}

void Core::on_load_failed(JobNumber job, wire::Interval tasks, const std::string& why) {
  membership_.store_replies.on_load_failed(job, tasks, why);
}

void Core::on_result_loaded(JobNumber job, std::uint64_t seq, wire::Batch batch) {
  membership_.store_replies.on_result_loaded(job, seq, std::move(batch));
}

void Core::on_result_load_failed(JobNumber job, std::uint64_t seq, const std::string& why) {
  membership_.store_replies.on_result_load_failed(job, seq, why);
}

void Core::on_store_trouble(const std::string& why, Time now) {
  membership_.store_replies.on_store_trouble(why, now);
}

void Core::on_store_healthy() { membership_.store_replies.on_store_healthy(); }

void Core::settle(Time now) {
  context_.set_time(now);
  if (membership_.upkeep.is_due(now)) membership_.upkeep.sweep(now);
  jobs_.start_times.release();
  clients_.due_runs.run();
  scheduling_.returns.release_unsure(now);
  scheduling_.returns.release_backing_off(now);
  scheduling_.fitness.probe_first_leases(now);
  // A job that ends may make tasks of others ready, which are leased at once.
  for (int round = 0; round < kRounds; ++round) {
    edges_.feeding.advance();
    if (scheduling_.decider.has_any_to_decide()) scheduling_.decider.decide_waiting();
    scheduling_.dispatcher.dispatch(now);
    edges_.feeding.on_dispatched();
    endings_.blobs.answer_fetches(now);
    if (clients_.questions.has_any()) clients_.questions.answer_waiting(now);
    // A job that ends may free credit for another one. Jobs change only by events, so this loop
    // ends.
    while (!jobs_.table.changed().empty() || jobs_.followers.touch_held_back()) {
      edges_.feeding.advance();
      for (const JobNumber number : jobs_.table.take_changed())
        if (Job* job = jobs_.table.examine(number)) examine(*job, now);
    }
    if (!edges_.feeding.touch_ready()) break;
    if (round + 1 == kRounds) context_.retry_dispatch_at(now);
  }
  jobs_.journal.seal();
}

void Core::examine(Job& job, Time now) {
  ++context_.counters.visits;
  jobs_.accounts.update(job);
  if (job.phase.winding_down && !job.final()) endings_.cancelling.cancel_waiting(job);
  endings_.endings.finish_if_done(job, now);
  nesting_.nesting.examine(job, now);
  if (!job.intake.open) clients_.requests.answer_comparisons(job, now);
  clients_.delivery.send_results(job, now);
  jobs_.accounts.update(job);
}

void Core::take_effects(Effects& out) {
  Effects& effects = context_.effects;
  if (out.empty()) return out.swap(effects);  // each vector keeps its memory, which is in the cache
  out.insert(out.end(), std::make_move_iterator(effects.begin()),
             std::make_move_iterator(effects.end()));
  effects.clear();
}

std::vector<PeerId> Core::take_gone() {
  std::vector<PeerId> gone = sessions_.conduct.take_forgotten();
  const std::vector<PeerId> ended = membership_.leaving.take_without_session();
  gone.insert(gone.end(), ended.begin(), ended.end());
  return gone;
}

std::optional<Time> Core::next_deadline() const {
  std::optional<Time> next = membership_.upkeep.next_sweep();
  const auto sooner = [&](std::optional<Time> t) {
    if (t && (!next || *t < *next)) next = t;
  };
  sooner(context_.retry_dispatch);
  if (scheduling_.decider.has_more()) sooner(context_.now);
  sooner(clients_.questions.next_answer());
  sooner(jobs_.start_times.next());
  sooner(clients_.due_runs.next());
  sooner(scheduling_.returns.next_deadline());
  sooner(scheduling_.fitness.next_probe());
  return next;
}

}  // namespace quern::broker
