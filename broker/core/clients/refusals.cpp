#include "broker/core/clients/refusals.hpp"

#include <algorithm>

#include "broker/core/jobs/input_comparison.hpp"
#include "broker/core/jobs/input_print.hpp"
#include "wire/blob.hpp"
#include "wire/input_digest.hpp"

namespace quern::broker {
namespace {

std::uint64_t tasks_of(const wire::Submit& submit) {
  if (submit.input != InputKind::range) return submit.batch.count();
  return static_cast<std::uint64_t>(submit.range_end) -
         static_cast<std::uint64_t>(submit.range_begin);
}

std::string mib(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

}  // namespace

std::optional<Refusal> Refusals::of(const Session& session, const std::string& principal,
                                    const wire::Submit& submit, Time now) {
  auto refusal = contradiction(submit);
  if (!refusal) refusal = no_room(session, submit);
  if (!refusal) refusal = blobs_.refusal(session, submit);
  if (!refusal)
    refusal = quotas_.over(principal, tasks_of(submit),
                           submit.batch.weight() + submit.common.size(), 1, now);
  return refusal;
}

std::optional<Refusal> Refusals::of_schedule(const Session& session, const wire::Submit& submit) {
  auto refusal = contradiction(submit);
  return refusal ? refusal : blobs_.refusal(session, submit);
}

std::optional<Refusal> Refusals::contradiction(const wire::Submit& submit) const {
  if (submit.function.empty()) return Refusal{ErrorCode::bad_input, "the job names no function"};
  if (submit.input == InputKind::range) {
    if (submit.range_begin > submit.range_end)
      return Refusal{ErrorCode::bad_input,
                     "the range ends before it begins: A:B means A, A+1, ..., B-1"};
    if (static_cast<std::uint64_t>(submit.range_end) -
            static_cast<std::uint64_t>(submit.range_begin) >
        wire::kTasksMax)
      return Refusal{ErrorCode::limit, "a job may have at most 2^62 tasks"};
  }
  if (submit.options.idempotent && submit.options.at_most_once)
    return Refusal{ErrorCode::bad_input,
                   "a job cannot be both idempotent and at_most_once: the first allows a task to "
                   "start twice, the second forbids it"};
  const wire::JobOptions& options = submit.options;
  const std::int64_t start_in =
      options.start_in_ms > 0 ? static_cast<std::int64_t>(options.start_in_ms)
      : options.start_at_ms > 0
          ? static_cast<std::int64_t>(options.start_at_ms) - context_.wall_ms()
          : 0;
  if (options.deadline_ms > 0 && start_in >= static_cast<std::int64_t>(options.deadline_ms))
    return Refusal{ErrorCode::bad_input,
                   "the job would start when its deadline is over, which counts from its "
                   "submission: raise --deadline, or start it earlier"};
  if (submit.options.durability == Durability::durable && !context_.config.store)
    return Refusal{ErrorCode::bad_input,
                   "this broker has no store (--no-store), so jobs cannot be durable: submit with "
                   "--durability memory"};
  if (submit.options.durability != Durability::memory && !commits_.trouble().empty())
    return Refusal{ErrorCode::store, "the broker's store cannot write: " + commits_.trouble() +
                                         "; retry later, or submit with --durability memory"};
  return std::nullopt;
}

std::optional<Refusal> Refusals::no_room(const Session& session, const wire::Submit& submit) const {
  if (jobs_.live().size() >= context_.config.jobs_max)
    return Refusal{ErrorCode::queue_full, "queue_full: the broker has reached its limit of " +
                                              std::to_string(context_.config.jobs_max) + " jobs"};
  const std::uint64_t more = submit.batch.weight() + submit.common.size() + submit.links.size();
  if (accounts_.memory_used() + more > context_.config.intake_limit()) {
    return Refusal{ErrorCode::queue_full,
                   "queue_full: queued data may use " + mib(context_.config.intake_limit()) + ", " +
                       mib(accounts_.memory_used()) +
                       " are in use; retry later, or raise --memory-limit of the broker"};
  }
  if (accounts_.memory_used() > context_.config.memory_limit / 4) {
    const std::uint64_t unread = accounts_.unread_of(session.id);
    if (unread > context_.config.memory_limit / 4) {
      return Refusal{ErrorCode::results_unread,
                     "results_unread: " + mib(unread) +
                         " of results of this client have not been read; read them first"};
    }
  }
  return std::nullopt;
}

}  // namespace quern::broker
