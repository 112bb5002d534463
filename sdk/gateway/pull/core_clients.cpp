// The side of the clients: what they ask for, and what they say about the tasks that they have.
#include <algorithm>

#include "gateway/pull/core.hpp"

namespace quern::gateway::pull {
namespace {

// How long a client waits for the broker's acknowledgement.
constexpr std::chrono::seconds kAcknowledged{10};

constexpr char kOver[] =
    "The lock is over, or there never was such a token: the tasks are no longer this client's.";

}  // namespace

void PullCore::on_pull(Pull pull, Time now) {
  if (session_.is_over() || presence_.leaving)
    return reject(pull.ticket, Rejected::Why::unavailable, "this worker is leaving");
  presence_.pulled = presence_.active = now;
  skips_.on_pull(pull.worker, now);
  if (Batch* batch = batches_.find_request(pull.request_id)) return grant(pull.ticket, *batch);
  if (const auto before = pulls_.find_request(pull.request_id)) {
    // The client has given that request up, and repeats it.
    pulls_.remove(*before);
    effects_.push_back(Granted{*before, {}, {}, {}});
  }
  pulls_.add(std::move(pull));
}

void PullCore::on_gone(Ticket ticket, Time now) {
  if (pulls_.remove(ticket)) return;
  Batch* batch = batches_.take_answer(ticket);
  if (!batch || batch->delivered || !batch->answers.empty() || batch->locked == 0) return;
  // Nobody knows its token.
  unlock(*batch, std::nullopt, false, now);
  batches_.erase(batch->id);
}

void PullCore::on_delivered(Ticket ticket) {
  if (Batch* batch = batches_.take_answer(ticket)) batch->delivered = true;
}

Batch* PullCore::batch_of(Ticket ticket, const Named& named, Time now) {
  presence_.active = now;
  Batch* batch = batches_.find(named.batch);
  if (!batch || (named.place && *named.place >= batch->states.size())) {
    reject(ticket, Rejected::Why::over, kOver);
    return nullptr;
  }
  batch->delivered = true;  // or it would not know the token
  // The lock may have ended since the last settle().
  if (batch->locked > 0 && batch->due <= now) expire(*batch, now);
  return batch;
}

void PullCore::on_complete(Ticket ticket, const Named& named, std::vector<Bytes> results,
                           Time now) {
  Batch* batch = batch_of(ticket, named, now);
  if (!batch) return;
  const std::size_t wanted = named.place ? 1 : batch->states.size();
  if (results.size() != wanted)
    return reject(
        ticket, Rejected::Why::mismatch,
        "The token names " + std::to_string(wanted) + " tasks: send one result for each.");
  std::size_t next = 0;
  const wire::LeaseId* last = nullptr;
  HeldLease* lease = nullptr;
  batch->each(named.place, [&](const Piece& piece, std::uint64_t task, TaskState& state) {
    Bytes& result = results[next++];
    if (state != TaskState::locked) return;
    if (last != &piece.lease) {
      last = &piece.lease;
      lease = leases_.find(piece.lease);
      touched_.insert(piece.lease);
    }
    state = TaskState::completed;
    --batch->locked;
    leases_.unlock(*lease, 1);
    if (lease->collect(task, std::move(result), batch->id)) ++batch->unreported;
  });
  if (batch->locked == 0) batches_.retire(*batch, now);
  await(ticket, *batch, named.place, TaskState::completed, now);
}

void PullCore::on_fail(Ticket ticket, const Named& named, const std::string& text, bool permanent,
                       Time now) {
  Batch* batch = batch_of(ticket, named, now);
  if (!batch) return;
  const ErrorCode code = permanent ? ErrorCode::permanent : ErrorCode::failed;
  fail_tasks(*batch, named.place, {0, 1, code, text}, TaskState::failed, now);
  await(ticket, *batch, named.place, TaskState::failed, now);
}

void PullCore::on_release(Ticket ticket, const Named& named, Time now) {
  Batch* batch = batch_of(ticket, named, now);
  if (!batch) return;
  unlock(*batch, named.place, true, now);
  const std::size_t counted = batch->count(named.place, TaskState::released);
  const std::size_t all = named.place ? 1 : batch->states.size();
  if (counted == 0) return reject(ticket, Rejected::Why::over, kOver);
  effects_.push_back(Counted{ticket, counted, all - counted});
}

void PullCore::on_extend(Ticket ticket, const Named& named, Duration lock, Time now) {
  Batch* batch = batch_of(ticket, named, now);
  if (!batch) return;
  Extended extended{ticket, {}, {}, true};
  for (std::size_t place = 0; place < batch->states.size(); ++place) {
    if (named.place && *named.place != place) continue;
    if (batch->states[place] == TaskState::cancelled) extended.cancelled.push_back(place);
    if (batch->states[place] == TaskState::locked) extended.nothing_left = false;
  }
  if (extended.nothing_left && extended.cancelled.empty())
    return reject(ticket, Rejected::Why::over, kOver);
  if (batch->locked > 0) {
    batch->lock = lock;
    batches_.set_due(*batch, std::min(now + lock, batch->limit));
    extended.lock = batch->due - now;
  }
  effects_.push_back(std::move(extended));
}

void PullCore::fail_tasks(Batch& batch, std::optional<std::size_t> place, const TaskError& error,
                          TaskState ended, Time now) {
  TaskError one = error;
  batch.each(place, [&](const Piece& piece, std::uint64_t task, TaskState& state) {
    if (state != TaskState::locked) return;
    state = ended;
    --batch.locked;
    HeldLease* lease = leases_.find(piece.lease);
    leases_.unlock(*lease, 1);
    one.first = task;
    if (lease->collect(one, batch.id)) ++batch.unreported;
    touched_.insert(piece.lease);
  });
  if (batch.locked == 0) batches_.retire(batch, now);
}

// The tasks can be pulled again. `skip`: this worker does not want them.
void PullCore::unlock(Batch& batch, std::optional<std::size_t> place, bool skip, Time now) {
  batch.each(place, [&](const Piece& piece, std::uint64_t task, TaskState& state) {
    if (state != TaskState::locked) return;
    state = TaskState::released;
    --batch.locked;
    HeldLease* lease = leases_.find(piece.lease);
    leases_.unlock(*lease, 1);
    lease->unpulled.add({task, task + 1});
    lease->idle_since = now;
    leases_.note_unpulled(piece.lease);
    if (skip) {
      skips_.add(lease->granted.job, task, batch.worker);
      lease->hands_back = true;
    }
    touched_.insert(piece.lease);
  });
  if (batch.locked == 0) batches_.retire(batch, now);
}

// ---- answers

void PullCore::await(Ticket ticket, Batch& batch, std::optional<std::size_t> place,
                     TaskState wanted, Time now) {
  if (batch.count(place, wanted) == 0) return reject(ticket, Rejected::Why::over, kOver);
  asked_.emplace(ticket, Asked{batch.id, place, wanted, now + kAcknowledged});
  batch.waiting.push_back(ticket);
  if (batch.locked == 0) batches_.retire(batch, now);  // remembered until it is answered
  if (batch.unreported == 0) answer_all(batch);
}

void PullCore::acknowledge(const std::vector<BatchId>& batches) {
  for (const BatchId id : batches) {
    Batch* batch = batches_.find(id);
    if (batch && --batch->unreported == 0) answer_all(*batch);
  }
}

void PullCore::answer_all(Batch& batch) {
  for (const Ticket ticket : std::exchange(batch.waiting, {})) {
    const auto node = asked_.extract(ticket);
    if (!node) continue;
    const Asked& asked = node.mapped();
    const std::size_t counted = batch.count(asked.place, asked.wanted);
    const std::size_t all = asked.place ? 1 : batch.states.size();
    if (counted == 0)
      reject(ticket, Rejected::Why::over, kOver);
    else
      effects_.push_back(Counted{ticket, counted, all - counted});
  }
}

void PullCore::grant(Ticket ticket, Batch& batch) {
  batches_.note_answer(batch, ticket);
  Granted granted{ticket, batch.token, batch.lock, {}};
  std::size_t place = 0;
  for (const Piece& piece : batch.pieces) {
    // In an answer that is repeated, tasks that have ended may be missing.
    if (const HeldLease* lease = leases_.find(piece.lease)) {
      std::optional<wire::Buffer> common;
      if (lease->granted.common) common = commons_[lease->granted.job].bytes;
      granted.portions.push_back(lease->portion(piece.tasks, std::move(common)));
      granted.portions.back().place = place;
    }
    place += piece.tasks.size();
  }
  effects_.push_back(std::move(granted));
}

}  // namespace quern::gateway::pull
