#include "broker/core/blobs/blobs.hpp"

#include <algorithm>

#include "wire/blob.hpp"

namespace quern::broker {
namespace {

// Chunks are loaded this far ahead of a worker's request.
constexpr std::uint64_t kFetchAhead = 4u << 20;

// The least that an idle blob counts for, and the most idle blobs that are kept.
constexpr std::uint64_t kIdleLeast = 4096;

constexpr std::size_t kIdleCount = 10'000;

constexpr std::chrono::seconds kSweepEvery{10};

// The most bytes in the store of blobs that no job needs.
constexpr std::uint64_t kIdleMost = 4ULL << 30;

// A blob that was just uploaded or requested is kept until its job can arrive. While its client is
// connected this takes longer, because the client may upload other files first.
constexpr std::chrono::minutes kFresh{1}, kFreshOfClient{10};

}  // namespace

std::optional<Refusal> Blobs::refusal(const Session& session, const wire::Submit& submit) {
  if (Blob::is_function(submit.function)) {
    const bool named =
        Blob::is_key(submit.options.unique, submit.options.durability == Durability::memory);
    if (submit.input != InputKind::items || submit.encoding != Encoding::raw || !named ||
        submit.has_common || !submit.options.blobs.empty())
      return Refusal{
          ErrorCode::bad_input,
          "a blob consists of raw items and has the idempotency key of its hash (PROTOCOL.md 1.4)"};
    if (!Blob::can_begin_with(submit.batch))
      return Refusal{ErrorCode::bad_input, "every chunk of a file except the last must be 1 MiB"};
    return std::nullopt;
  }
  const bool memory = submit.options.durability == Durability::memory || !context_.config.store;
  for (const auto& name : submit.options.blobs) {
    if (!find(session.principal, name, memory))
      return Refusal{
          ErrorCode::unknown_job,
          "the broker does not have the file " + name +
              " that the job needs: it has expired or was never uploaded; submit the job again"};
  }
  return std::nullopt;
}

Job* Blobs::find(const std::string& principal, const std::string& name, bool memory) {
  for (const bool in_memory : {false, true}) {
    if (in_memory && !memory) continue;
    Job* job = jobs_.find(principal, wire::blob_key(name, in_memory));
    if (job && job->is_complete_blob()) return job;
  }
  return nullptr;
}

void Blobs::hold(Job& job) {
  for (const auto& name : job.spec.options->blobs) {
    Job* file = find(job.spec.principal, name, !job.durable());
    if (!file) continue;  // its tasks will fail with that reason
    file->blob->hold(context_.now);
    job.spec.blobs.edit().push_back(file->number);
  }
}

void Blobs::release(Job& job) {
  const auto held = std::exchange(job.spec.blobs, {});
  for (JobNumber number : *held) jobs_.at(number).blob->release(context_.now);
}

bool Blobs::is_given_up(const Job& job, Time now) const {
  if (!job.is_blob()) return false;
  if (job.final()) return !job.is_complete_blob();
  const Session* owner = sessions_.find(job.owner.session);
  // A client with an unfinished job sends heartbeats, so a silent one will not complete the blob.
  return !owner || now - owner->heard >= context_.config.lost_busy;
}

void Blobs::want(const std::string& principal, const std::vector<std::string>& names, Time now) {
  for (const std::string& name : names)
    for (const bool memory : {false, true})
      if (Job* blob = find(principal, name, memory)) blob->blob->want(now);
}

void Blobs::on_fetch(Session& session, wire::Fetch&& fetch, Time now) {
  const Worker& worker = *session.worker;
  const Job* job = jobs_.find(fetch.job);
  const auto has_lease = [&] {
    return std::any_of(worker.holds.leases.begin(), worker.holds.leases.end(),
                       [&](const Lease* lease) { return lease->job == job->number; });
  };
  Job* file = nullptr;
  if (job && (worker.holds.commons.contains(fetch.job) || has_lease()) &&
      std::count(job->spec.options->blobs.begin(), job->spec.options->blobs.end(), fetch.blob) > 0)
    file = find(job->spec.principal, fetch.blob, !job->durable());
  if (!file)
    return refuse(session, fetch, ErrorCode::unknown_job,
                  "the broker has no such file for this worker, or no longer has it");
  // A worker may have one request at a time, so that the bytes on their way to it are bounded.
  if (waiting_of(session) > 0) return;
  file->blob->want(now);
  fetching_.push_back({session.id, file->number, std::move(fetch)});
}

Job* Blobs::readable(const Principal& principal, const wire::Fetch& fetch) {
  const auto is_it = [&](const Job& job) {
    const std::string& key = job.spec.options->unique;
    return job.is_complete_blob() &&
           (key == wire::blob_key(fetch.blob, false) || key == wire::blob_key(fetch.blob, true));
  };
  if (!fetch.job.is_nil()) {
    Job* job = jobs_.find(fetch.job);
    return job && is_it(*job) ? job : nullptr;
  }
  if (Job* own = find(principal.name, fetch.blob, true)) return own;
  // Nobody else may learn whether somebody has this file.
  if (!principal.may(Right::admin)) return nullptr;
  for (const JobNumber number : jobs_.blobs())
    if (Job& job = jobs_.at(number); is_it(job)) return &job;
  return nullptr;
}

void Blobs::on_read(Session& session, const Principal& principal, wire::Fetch&& fetch, Time now) {
  Job* file = readable(principal, fetch);
  if (!file)
    return refuse(
        session, fetch, ErrorCode::unknown_job,
        "the broker does not have the file " + fetch.blob +
            " of this key: it has expired, was never uploaded, or belongs to another key");
  if (waiting_of(session) >= wire::kReadsMost)
    return refuse(session, fetch, ErrorCode::limit,
                  "more than " + std::to_string(wire::kReadsMost) +
                      " chunks are requested: request more when they have arrived");
  file->blob->want(now);
  fetching_.push_back({session.id, file->number, std::move(fetch)});
}

std::size_t Blobs::waiting_of(const Session& session) const {
  return static_cast<std::size_t>(
      std::count_if(fetching_.begin(), fetching_.end(),
                    [&](const Fetching& other) { return other.session == session.id; }));
}

void Blobs::refuse(const Session& session, const wire::Fetch& fetch, ErrorCode code,
                   const std::string& why) {
  if (fetch.token == 0)
    outbox_.send(session, wire::Blob{fetch.blob, fetch.chunk, 0, why, {}});
  else
    outbox_.complain(session, code, why, {}, fetch.token);
}

void Blobs::answer_fetches(Time now) {
  if (fetching_.empty()) return;
  std::erase_if(fetching_, [&](const Fetching& fetch) { return answer(fetch, now); });
  eviction_.evict(now);  // chunks that were loaded for the peers need not stay
}

bool Blobs::answer(const Fetching& fetch, Time now) {
  Session* session = sessions_.find(fetch.session);
  if (!session) return true;
  const auto refused = [&](ErrorCode code, const std::string& why) {
    refuse(*session, fetch.what, code, why);
    return true;
  };
  Job* it = jobs_.find(fetch.blob);
  if (!it || !it->is_complete_blob())
    return refused(ErrorCode::unknown_job, "the broker no longer has the file");
  Job& blob = *it;
  if (blob.phase.reason.exists())
    return refused(ErrorCode::store, *std::exchange(blob.phase.reason, {}));
  const std::uint64_t chunk = fetch.what.chunk;
  if (chunk >= std::max<std::uint64_t>(1, blob.tasks.total))
    return refused(ErrorCode::bad_input, "the file has no chunk " + std::to_string(chunk));
  // A client that does not read gets nothing more. The answer to its probe continues here.
  const bool to_client = session->role == wire::Role::client;
  if (to_client && !followers_.hears(*session, now)) return false;
  if (blob.tasks.total > 0 && !blob.intake.payloads.resident(chunk)) {
    while (auto stretch = blob.intake.payloads.wanted(chunk, kFetchAhead))
      context_.effects.push_back(Load{blob.number, *stretch});
    return false;
  }
  wire::Blob message{fetch.what.blob, chunk, blob.tasks.total, "", {}};
  if (blob.tasks.total > 0) message.bytes = blob.intake.payloads.gather({{chunk, chunk + 1}}).bytes;
  if (to_client) {
    message.token = fetch.what.token;
    message.job = blob.spec.uuid;
    session->reading.unread += message.bytes.size();
  }
  outbox_.send(*session, std::move(message));
  if (to_client) return true;
  // The time of the fetch must not count as time of the task.
  Worker& worker = workers_.at(fetch.session);
  worker.speed.reported = std::max(worker.speed.reported, now);
  return true;
}

std::vector<JobNumber> Blobs::take_idle(Time now) {
  if (next_sweep_ && now < *next_sweep_) return {};
  next_sweep_ = now + kSweepEvery;
  struct Idle {
    Time wanted;
    JobNumber number;
  };
  const auto weight_of = [](const Job& job) { return std::max(kIdleLeast, job.blob->size()); };
  std::vector<Idle> idle;
  std::uint64_t stored = 0, in_memory = 0;
  for (JobNumber number : jobs_.blobs()) {
    const Job& job = jobs_.at(number);
    if (!is_idle(job, now)) continue;
    idle.push_back({job.blob->wanted(), number});
    (job.durable() ? stored : in_memory) += weight_of(job);
  }
  std::sort(idle.begin(), idle.end(),
            [](const Idle& a, const Idle& b) { return a.wanted < b.wanted; });
  std::vector<JobNumber> over;
  std::size_t left = idle.size();
  for (const Idle& one : idle) {
    const Job& job = jobs_.at(one.number);
    std::uint64_t& sum = job.durable() ? stored : in_memory;
    const bool too_much =
        left > kIdleCount || sum > (job.durable() ? kIdleMost : context_.config.memory_limit / 8);
    if (!too_much && now - one.wanted < context_.config.keep) continue;
    sum -= weight_of(job);
    --left;
    over.push_back(one.number);
  }
  return over;
}

bool Blobs::is_idle(const Job& job, Time now) const {
  return job.blob->is_unused(now, sessions_.find(job.owner.session) ? kFreshOfClient : kFresh);
}

std::optional<Ending> Blobs::ending_of(const Job& job, Time now) {
  return job.intake.open ? no_room(job, now) : job.blob->ending();
}

std::optional<Ending> Blobs::no_room(const Job& job, Time now) {
  if (sessions_.find(job.owner.session) && job.intake.credit_to <= job.intake.bytes &&
      accounts_.quota_room(job, now) == 0)
    return Ending{JobState::failed, ErrorCode::limit,
                  "the file exceeds the quota of " + job.spec.principal};
  if (!job.durable() && accounts_.memory_room(job) == 0)
    return Ending{JobState::failed, ErrorCode::limit,
                  "this broker keeps files in memory only, which has room for " +
                      std::to_string(context_.config.stream_limit() >> 20) +
                      " MiB of queued data, half of it for one file: start the broker with a "
                      "store, or raise --memory-limit"};
  return std::nullopt;
}

}  // namespace quern::broker
