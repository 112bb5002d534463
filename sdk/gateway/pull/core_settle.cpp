// What follows from the events and from time: tasks for pulls, reports, locks that end, sessions.
#include <algorithm>
#include <cmath>

#include "gateway/pull/core.hpp"

namespace quern::gateway::pull {
namespace {

using std::chrono::seconds;

// The payloads of one answer, unless it has one task.
constexpr std::uint64_t kAnswerBytes = 1u << 20;
// What nobody pulls goes back to the broker after this time. While clients are at work, they will
// be back.
constexpr seconds kKept{1};
constexpr seconds kKeptAtWork{60};
// The worker leaves when nobody has pulled for this time.
constexpr seconds kIdle{60};
// A pull that does not want to wait still waits so long for a session that is being opened: the
// first pull of a client must not fail because the machine is slow.
constexpr seconds kOpening{5};
// Minimum time between two messages about slots: the broker limits heartbeats. Fewer slots are told
// later, because clients come back.
constexpr milliseconds kTellMore{100};
constexpr milliseconds kTellFewer{1000};

void sooner(std::optional<Time>& next, std::optional<Time> until) {
  if (until) next = next ? std::min(*next, *until) : *until;
}

}  // namespace

void PullCore::settle(Time now) {
  if (session_.is_over()) return;
  tick_session(now);
  end_waits(now);
  give(now);
  retire_unwanted(now);
  report(now);
  tell_slots(now);
  leave_when_idle(now);
}

// ---- tasks for pulls

void PullCore::give(Time now) {
  if (leases_.with_unpulled().empty() || pulls_.empty()) return;
  std::vector<Ticket> tickets;
  for (const auto& [ticket, pull] : pulls_.all()) tickets.push_back(ticket);
  for (const Ticket ticket : tickets) {
    // Unacknowledged results must not accumulate.
    if (leases_.with_unpulled().empty() || outbox_.bytes() > session_.report_window()) return;
    auto pieces = pieces_for(pulls_.all().at(ticket), now);
    if (!pieces.empty()) make_batch(*pulls_.remove(ticket), std::move(pieces), now);
  }
}

std::vector<Piece> PullCore::pieces_for(const Pull& pull, Time now) {
  std::vector<Piece> pieces;
  std::uint64_t count = 0, bytes = 0;
  for (const auto& id : leases_.with_unpulled()) {
    const HeldLease& lease = *leases_.find(id);
    const Uuid& job = lease.granted.job;
    const std::uint64_t common =
        lease.granted.common ? commons_[lease.granted.job].bytes.size() : 0;
    for (const auto& tasks : lease.unpulled.list()) {
      for (std::uint64_t task = tasks.begin; task < tasks.end; ++task) {
        if (!skips_.empty() && skips_.is_left_to_others(job, task, pull.worker, now)) continue;
        bytes += common + lease.bytes_of(task);
        if (count > 0 && bytes > kAnswerBytes) return pieces;
        if (!pieces.empty() && pieces.back().lease == id && pieces.back().tasks.end == task)
          ++pieces.back().tasks.end;
        else
          pieces.push_back({id, {task, task + 1}});
        if (++count == pull.max) return pieces;
      }
    }
  }
  return pieces;
}

void PullCore::make_batch(const Pull& pull, std::vector<Piece> pieces, Time now) {
  Batch& batch = batches_.add(pull, now);
  Duration limit{};
  bool is_limited = true;
  for (const Piece& piece : pieces) {
    HeldLease& lease = *leases_.find(piece.lease);
    lease.unpulled.remove(piece.tasks);
    leases_.lock(lease, piece.tasks.size());
    leases_.note_unpulled(piece.lease);
    lease.idle_since = now;
    if (!lease.busy_since) lease.busy_since = now;
    lease.batches.push_back(batch.id);
    batch.locked += piece.tasks.size();
    is_limited = is_limited && lease.granted.timeout_ms > 0;
    limit += milliseconds(lease.granted.timeout_ms) * piece.tasks.size();
  }
  batch.states.assign(batch.locked, TaskState::locked);
  batch.pieces = std::move(pieces);
  // A client may run the tasks of a batch one after the other.
  if (is_limited) batch.limit = now + limit;
  if (batch.limit < batch.due) {
    batches_.set_due(batch, batch.limit);
    batch.lock = limit;
  }
  grant(pull.ticket, batch);
}

// ---- time

void PullCore::end_waits(Time now) {
  while (const auto ticket = pulls_.next_due(now)) {
    Pull pull = *pulls_.remove(*ticket);
    presence_.pulled = presence_.active = now;  // it was there until now
    if (session_.is_open()) {
      effects_.push_back(Granted{*ticket, {}, {}, {}});
    } else if (trouble_.empty() && !pull.is_deferred) {
      pulls_.defer(std::move(pull), now + kOpening);
    } else {
      if (trouble_.empty()) trouble_ = "the broker does not answer";
      reject(*ticket, Rejected::Why::unavailable, trouble_);
    }
  }
  while (!asked_.empty() && asked_.begin()->second.until <= now) {
    const auto [ticket, asked] = *asked_.begin();
    asked_.erase(asked_.begin());
    if (Batch* batch = batches_.find(asked.batch)) std::erase(batch->waiting, ticket);
    reject(ticket, Rejected::Why::unavailable,
           "the broker has not acknowledged this yet; it is kept and sent: ask again");
  }
  while (Batch* batch = batches_.next_due(now)) {
    if (batch->locked > 0)
      expire(*batch, now);
    else if (batch->unreported > 0)
      batches_.retire(*batch, now);  // its client may ask again
    else
      batches_.erase(batch->id);
  }
}

void PullCore::expire(Batch& batch, Time now) {
  const auto after = std::chrono::duration_cast<milliseconds>(batch.lock);
  fail_tasks(batch, std::nullopt,
             {0, 1, ErrorCode::timeout,
              "the lock of " + std::to_string(after.count()) +
                  " ms ended before the worker sent a result"},
             TaskState::expired, now);
}

/// When the tasks that nobody has pulled go back to the broker, so that others can run them.
std::optional<Time> PullCore::unwanted_at() const {
  if (leases_.with_unpulled().empty()) return std::nullopt;
  if (pulls_.empty()) return presence_.active + (leases_.locked() == 0 ? kKept : kKeptAtWork);
  // Those who wait may not have them.
  std::optional<Time> first;
  for (const auto& id : leases_.with_unpulled())
    if (const HeldLease& lease = leases_.all().at(id); lease.locked == 0)
      sooner(first, lease.idle_since + kKept);
  return first;
}

void PullCore::retire_unwanted(Time now) {
  const auto due = unwanted_at();
  if (!due || now < *due) return;
  const bool nobody = pulls_.empty();
  if (nobody && !presence_.draining && session_.is_open()) {
    // Before the tasks: the broker would grant them here again.
    send(wire::Draining{});
    presence_.draining = true;
  }
  for (const auto& id : std::set<wire::LeaseId>(leases_.with_unpulled())) {
    const HeldLease& lease = *leases_.find(id);
    if (lease.locked == 0 && (nobody || now >= lease.idle_since + kKept)) hand_back(id);
  }
  presence_.active = now;
}

void PullCore::report(Time now) {
  for (const auto& id : std::exchange(touched_, {})) {
    HeldLease* lease = leases_.find(id);
    if (!lease) continue;
    if (lease->hands_back && lease->locked == 0) {
      lease->unpulled.clear();
      leases_.note_unpulled(id);
    }
    auto reports = lease->take_reports(now);
    for (std::size_t i = 0; i < reports.size(); ++i) {
      send(reports[i]);  // shares the bytes
      outbox_.put(std::move(reports[i]), i + 1 == reports.size() ? std::exchange(lease->named, {})
                                                                 : std::vector<BatchId>{});
    }
  }
}

void PullCore::tick_session(Time now) {
  // A tick that is much too late means that this process was suspended, not the broker.
  const auto planned = session_.deadline();
  if (planned && *planned > Time::min() && now - *planned > seconds(1))
    session_.on_gap(now - *planned, now);
  switch (session_.due(now)) {
    case BrokerSession::Due::nothing:
      break;
    case BrokerSession::Due::reopen:
      session_.on_opened();
      effects_.push_back(Reopen{});
      break;
    case BrokerSession::Due::heartbeat:
      send_heartbeat(false, now);
      break;
    case BrokerSession::Due::lost:
      on_lost("the broker does not answer", now);
      break;
  }
  // Somebody pulls again. Acknowledgements that are on their way belong to the old session.
  if (presence_.draining && !presence_.leaving && !pulls_.empty() && session_.is_open() &&
      outbox_.empty())
    say_hello(now);
}

std::optional<Time> PullCore::slots_due() const {
  if (!session_.is_open() || presence_.draining) return std::nullopt;
  const std::uint32_t slots = capacity().slots;
  if (slots == told_.slots) return std::nullopt;
  return told_.at + (slots > told_.slots ? kTellMore : kTellFewer);
}

void PullCore::tell_slots(Time now) {
  if (const auto due = slots_due(); due && now >= *due) send_heartbeat(false, now);
}

void PullCore::leave_when_idle(Time now) {
  if (presence_.stop && (now >= *presence_.stop || outbox_.empty()))
    // Who has tasks may have begun them: the broker decides whether they run again.
    return finish(ErrorCode::shutdown, "the gateway is stopping");
  const bool nothing = leases_.empty() && outbox_.empty() && pulls_.empty();
  if (nothing && (presence_.leaving || now >= presence_.pulled + kIdle))
    finish(ErrorCode::none, "nobody pulls");
}

std::optional<Time> PullCore::next_deadline() const {
  if (session_.is_over()) return std::nullopt;
  std::optional<Time> next = session_.deadline();
  sooner(next, pulls_.next_deadline());
  sooner(next, batches_.next_deadline());
  sooner(next, unwanted_at());
  sooner(next, slots_due());
  sooner(next, presence_.stop);
  if (!asked_.empty()) sooner(next, asked_.begin()->second.until);
  if (leases_.empty() && outbox_.empty() && pulls_.empty()) sooner(next, presence_.pulled + kIdle);
  return next;
}

/// Slots follow what is pulled: a lease that a client has tasks of takes one, and a pull takes as
/// many as it needs leases.
Capacity PullCore::capacity() const {
  const double leases = std::ceil(static_cast<double>(pulls_.wanted()) / leases_.usual_size());
  const double waiting = std::max(leases, static_cast<double>(pulls_.all().size()));
  Capacity capacity;
  capacity.busy = std::min(leases_.locked(), wire::kSlotsMax);
  capacity.slots = static_cast<std::uint32_t>(
      std::clamp(waiting + leases_.locked(), 1.0, static_cast<double>(wire::kSlotsMax)));
  // The clients compute elsewhere: the load of this machine says nothing about them.
  capacity.cores = capacity.slots;
  capacity.idle = 1;
  return capacity;
}

}  // namespace quern::gateway::pull
