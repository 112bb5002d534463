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
  if (!file) {
    outbox_.send(session,
                 wire::Blob{fetch.blob,
                            fetch.chunk,
                            0,
                            "the broker has no such file for this worker, or no longer has it",
                            {}});
    return;
  }
  // A worker may have one request at a time, so that the bytes on their way to it are bounded.
  if (std::any_of(fetching_.begin(), fetching_.end(),
                  [&](const Fetching& other) { return other.worker == session.id; }))
    return;
  file->blob->want(now);
  fetching_.push_back({session.id, file->number, std::move(fetch)});
}

void Blobs::answer_fetches(Time now) {
  if (fetching_.empty()) return;
  std::erase_if(fetching_, [&](const Fetching& fetch) { return answer(fetch, now); });
  eviction_.evict(now);  // chunks that were loaded for the workers need not stay
}

bool Blobs::answer(const Fetching& fetch, Time now) {
  const Session* session = sessions_.find(fetch.worker);
  if (!session) return true;
  const auto refuse = [&](const std::string& why) {
    outbox_.send(*session, wire::Blob{fetch.what.blob, fetch.what.chunk, 0, why, {}});
    return true;
  };
  Job* it = jobs_.find(fetch.blob);
  if (!it || !it->is_complete_blob()) return refuse("the broker no longer has the file");
  Job& blob = *it;
  if (blob.phase.reason.exists()) return refuse(*std::exchange(blob.phase.reason, {}));
  const std::uint64_t chunk = fetch.what.chunk;
  if (chunk >= std::max<std::uint64_t>(1, blob.tasks.total))
    return refuse("the file has no chunk " + std::to_string(chunk));
  if (blob.tasks.total > 0 && !blob.intake.payloads.resident(chunk)) {
    while (auto stretch = blob.intake.payloads.wanted(chunk, kFetchAhead))
      context_.effects.push_back(Load{blob.number, *stretch});
    return false;
  }
  wire::Buffer bytes = blob.tasks.total > 0
                           ? blob.intake.payloads.gather({{chunk, chunk + 1}}).bytes
                           : wire::Buffer{};
  outbox_.send(*session,
               wire::Blob{fetch.what.blob, chunk, blob.tasks.total, "", std::move(bytes)});
  // The time of the fetch must not count as time of the task.
  Worker& worker = workers_.at(fetch.worker);
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
