// The side of the broker: the session and its messages.
#include "gateway/pull/core.hpp"

#include <algorithm>
#include <iterator>

namespace quern::gateway::pull {
namespace {

constexpr std::chrono::seconds kStopWait{2};

/// Why the tasks of a lease cannot be given to clients, or nullptr.
const char* cannot_run(const wire::Lease& lease, bool has_common, bool has_files) {
  if (lease.kind != wire::LeaseKind::item)
    return "workers that pull over HTTP run single items only";
  if (lease.common && has_files)
    return "the job needs files, which workers that pull over HTTP do not get";
  if (lease.common && !has_common) return "the job's common input did not reach the worker";
  return nullptr;
}

}  // namespace

PullCore::PullCore(Config config, Time now) : config_(std::move(config)) {
  presence_.pulled = presence_.active = now;
}

// ---- the connection

void PullCore::on_connected(Time now) {
  if (session_.is_connecting()) return say_hello(now);
  // The socket has reconnected by itself: messages may be lost, so the session is over.
  if (session_.is_open() || session_.is_greeting()) lose(now);
}

void PullCore::on_lost(const std::string& why, Time now) {
  trouble_ = why;
  if (!session_.is_waiting() && !session_.is_over()) lose(now);
}

void PullCore::on_denied(const std::string& why) {
  if (session_.is_over()) return;
  trouble_ = why;
  while (!pulls_.empty()) {
    const Ticket ticket = pulls_.all().begin()->first;
    pulls_.remove(ticket);
    reject(ticket, Rejected::Why::denied, why);
  }
  finish(ErrorCode::shutdown, "denied");
}

void PullCore::lose(Time now) {
  effects_.push_back(HangUp{});
  session_.on_lost(now);
}

void PullCore::on_message(wire::Envelope envelope, Time now) {
  if (session_.is_greeting()) return on_greeting_answer(envelope, now);
  if (session_.is_open()) on_session_message(envelope, now);
}

void PullCore::on_greeting_answer(wire::Envelope& envelope, Time now) {
  if (const auto* welcome = std::get_if<wire::Welcome>(&envelope.message))
    return handle(*welcome, envelope.session, now);
  if (const auto* refused = std::get_if<wire::Refused>(&envelope.message))
    return handle(*refused, now);
  if (const auto* error = std::get_if<wire::ErrorMessage>(&envelope.message); error && error->fatal)
    return on_lost(error->text, now);
  if (std::holds_alternative<wire::HelloAgain>(envelope.message)) lose(now);
}

void PullCore::on_session_message(wire::Envelope& envelope, Time now) {
  session_.on_heard(now);
  wire::Message& message = envelope.message;
  if (const auto* refused = std::get_if<wire::Refused>(&message)) return handle(*refused, now);
  if (std::holds_alternative<wire::HelloAgain>(message)) return lose(now);
  if (envelope.session != session_.id()) return;  // of a session that is over
  if (auto* lease = std::get_if<wire::Lease>(&message)) return handle(*lease, now);
  if (const auto* reported = std::get_if<wire::Reported>(&message)) return handle(*reported, now);
  if (const auto* reclaim = std::get_if<wire::Reclaim>(&message)) return handle(*reclaim);
  if (auto* common = std::get_if<wire::Common>(&message)) return handle(*common);
  if (const auto* beat = std::get_if<wire::Beat>(&message)) {
    if (!beat->reply) send_heartbeat(true, now);
  } else if (const auto* revoke = std::get_if<wire::Revoke>(&message)) {
    for (const auto& id : revoke->leases) drop(id, false, now);
  } else if (const auto* forget = std::get_if<wire::Forget>(&message)) {
    for (const Uuid& job : forget->jobs) commons_.erase(job);
  } else if (const auto* error = std::get_if<wire::ErrorMessage>(&message)) {
    if (error->fatal) on_lost(error->text, now);
  } else if (std::holds_alternative<wire::Bye>(message)) {
    on_lost("the broker ended the session", now);
  } else if (std::holds_alternative<wire::Drain>(message)) {
    leave("an operator drained this worker");
  }
}

void PullCore::say_hello(Time now) {
  // Leases for which HELLO has no room are dropped, so that both sides agree on what is held.
  std::vector<wire::LeaseId> let_go;
  wire::WorkerOffer offer;
  offer.functions = config_.functions;
  offer.held = leases_.list(let_go);
  for (const auto& id : let_go) drop(id, false, now);
  offer.capacity = capacity();
  offer.draining = presence_.draining = presence_.leaving;
  told_ = {offer.capacity.slots, now};
  wire::Hello hello;
  hello.role = wire::Role::worker;
  hello.identity = config_.identity;
  hello.name = config_.name;
  hello.software = config_.software;
  hello.worker = std::move(offer);
  session_.on_greeted(now);
  effects_.push_back(Send{{wire::SessionId{}, std::move(hello)}});
}

void PullCore::handle(const wire::Welcome& welcome, wire::SessionId session, Time now) {
  session_.on_welcome(session, welcome, now);
  trouble_.clear();
  pulls_.on_open(now);
  // The broker may have ended a lease because it has its final report, or because this worker was
  // silent. Nobody can tell, so nothing of it is said to count.
  for (const auto& id : welcome.dropped) drop(id, false, now);
  std::erase_if(commons_, [&](const auto& entry) {
    return std::none_of(leases_.all().begin(), leases_.all().end(),
                        [&](const auto& held) { return held.second.granted.job == entry.first; });
  });
  for (const auto& [id, entry] : outbox_.all()) send(entry.report);
}

void PullCore::handle(const wire::Refused& refused, Time now) {
  const std::string text = "the broker refused: " + refused.text;
  switch (refused.code) {
    case ErrorCode::version:
    case ErrorCode::role:
    case ErrorCode::denied:
    case ErrorCode::refused:
      return on_denied(text);
    default:
      return on_lost(text, now);
  }
}

// ---- leases

void PullCore::handle(wire::Lease& granted, Time now) {
  const auto common = commons_.find(granted.job);
  const char* why = cannot_run(granted, common != commons_.end(),
                               common != commons_.end() && common->second.has_files);
  HeldLease* lease = leases_.add(std::move(granted), now);
  if (!lease) return;  // received twice
  const wire::LeaseId id = lease->granted.lease;
  if (why)
    for (const auto& tasks : lease->granted.tasks)
      lease->errors.push_back({tasks.begin, tasks.size(), ErrorCode::bad_input, why});
  if (why || presence_.draining || presence_.leaving) hand_back(id);
}

void PullCore::handle(wire::Common& common) {
  commons_[common.job] = {std::move(common.bytes), !common.blobs.empty()};
}

void PullCore::handle(const wire::Reported& reported, Time) {
  for (const auto& id : reported.reports) {
    const auto entry = outbox_.remove(id);
    if (!entry) continue;
    if (HeldLease* lease = leases_.find(id.lease)) {
      for (const auto& tasks : entry->report.tasks) lease->open.remove(tasks);
      for (const auto& error : entry->report.errors)
        lease->open.remove({error.first, error.first + error.count});
      if (lease->finished && !outbox_.has(id.lease)) leases_.erase(id.lease);
    }
    acknowledge(entry->batches);
  }
}

void PullCore::handle(const wire::Reclaim& reclaim) {
  HeldLease* lease = leases_.find(reclaim.lease);
  send(wire::Reclaimed{reclaim.lease, lease ? lease->cut(reclaim.want) : wire::Intervals{}});
  leases_.note_unpulled(reclaim.lease);
  touched_.insert(reclaim.lease);  // if nothing is left, its final report ends it
}

// `reported`: the broker has the final report of the lease. Otherwise it withdrew the lease.
void PullCore::drop(const wire::LeaseId& id, bool reported, Time now) {
  HeldLease* lease = leases_.find(id);
  if (!lease) return;
  const auto batches = lease->batches;
  for (const BatchId batch_id : reported ? std::vector<BatchId>{} : batches) {
    Batch* batch = batches_.find(batch_id);
    if (!batch) continue;
    batch->each(std::nullopt, [&](const Piece& piece, std::uint64_t task, TaskState& state) {
      if (piece.lease != id || !lease->open.contains(task)) return;
      if (state == TaskState::locked) --batch->locked;
      if (state != TaskState::released && state != TaskState::expired) state = TaskState::cancelled;
    });
    if (batch->locked == 0) batches_.retire(*batch, now);
  }
  auto waiting = std::move(lease->named);
  leases_.erase(id);
  for (auto& entry : outbox_.remove_all(id))
    waiting.insert(waiting.end(), entry.batches.begin(), entry.batches.end());
  acknowledge(waiting);
}

/// What is unpulled leaves the lease and goes back with its final report.
void PullCore::hand_back(const wire::LeaseId& id) {
  leases_.find(id)->unpulled.clear();
  leases_.note_unpulled(id);
  touched_.insert(id);
}

// ---- leaving

void PullCore::on_stop(Time now) {
  if (session_.is_over()) return;
  if (!presence_.stop) presence_.stop = now + kStopWait;
  leave("the gateway is stopping");
}

void PullCore::leave(const std::string& why) {
  presence_.leaving = true;
  while (!pulls_.empty()) {
    const Ticket ticket = pulls_.all().begin()->first;
    pulls_.remove(ticket);
    reject(ticket, Rejected::Why::unavailable, why);
  }
  if (!presence_.draining) send(wire::Draining{});
  presence_.draining = true;
  for (const auto& id : std::set<wire::LeaseId>(leases_.with_unpulled())) hand_back(id);
}

void PullCore::finish(ErrorCode code, const std::string& text) {
  if (session_.is_over()) return;
  for (const auto& [ticket, asked] : asked_)
    effects_.push_back(Rejected{ticket, Rejected::Why::unavailable,
                                "the session with the broker ended before it acknowledged this"});
  asked_.clear();
  send(wire::Bye{code, text});
  session_.on_finished();
  effects_.push_back(Finished{});
}

// ---- small things

void PullCore::send_heartbeat(bool reply, Time now) {
  session_.on_heartbeat_sent(now);
  const Capacity now_offered = capacity();
  told_ = {now_offered.slots, now};
  send(wire::Beat{reply, now_offered, {}});
}

void PullCore::send(wire::Message message) {
  // Without a session nothing is sent: the next HELLO lists the held leases, and the outbox is sent
  // again.
  if (session_.is_open()) effects_.push_back(Send{{session_.id(), std::move(message)}});
}

void PullCore::reject(Ticket ticket, Rejected::Why why, std::string text) {
  effects_.push_back(Rejected{ticket, why, std::move(text)});
}

void PullCore::take_effects(Effects& out) {
  out.insert(out.end(), std::make_move_iterator(effects_.begin()),
             std::make_move_iterator(effects_.end()));
  effects_.clear();
}

}  // namespace quern::gateway::pull
