#include "broker/core/clients/schedule_requests.hpp"

#include <utility>

#include "broker/core/schedules/due_job.hpp"
#include "broker/core/schedules/schedule_list.hpp"
#include "wire/blob.hpp"
#include "wire/rules.hpp"

namespace quern::broker {
namespace {

// Input, common input and files' names of one schedule: they stay in memory.
constexpr std::uint64_t kTemplateBytes = 1u << 20;
constexpr std::size_t kOfOneMost = 1000;

Refusal bad(std::string text) { return {ErrorCode::bad_input, std::move(text)}; }

std::uint64_t input_bytes(const wire::Submit& job) {
  return job.batch.weight() + job.common.size() + 4 * job.costs.size();
}

}  // namespace

std::optional<Refusal> ScheduleRequests::objection(const Session& session,
                                                   const wire::Schedule& schedule) {
  const wire::Submit& job = *schedule.job;
  if (!context_.config.store)
    return bad(
        "this broker has no store (--no-store), so it would forget its schedules when it ends: "
        "start it with a store");
  if (job.function == wire::kBlobFunction) return bad("a schedule cannot upload a file");
  if (job.open) return bad("the input of a schedule must be complete: --open does not fit");
  if (!job.edges.empty() || job.has_links)
    return bad("the job of a schedule cannot take results of other jobs or wait for them");
  if (!job.options.unique.empty())
    return bad(
        "the job of a schedule cannot have an idempotency key: each run is a job of its own");
  if (job.options.start_at_ms != 0 || job.options.start_in_ms != 0)
    return bad("the job of a schedule starts when it is due: --at and --in do not fit");
  if (job.options.durability == Durability::memory)
    return bad("the jobs of a schedule are durable: --durability memory does not fit");
  if (wire::metadata_bytes(due_job(schedule, 0).options.metadata) > wire::kMetadataBytesMax)
    return Refusal{ErrorCode::limit,
                   "the metadata of the jobs, with `schedule` and `due`, exceed 16384 bytes"};
  const std::uint64_t bytes = input_bytes(job);
  if (bytes > kTemplateBytes)
    return Refusal{ErrorCode::limit, "the input of a schedule may have 1 MiB, this one has " +
                                         std::to_string(bytes) +
                                         " bytes: give the names of files, or a range"};
  return refusals_.of_schedule(session, job);
}

std::optional<Refusal> ScheduleRequests::no_room(const std::string& owner,
                                                 const wire::Schedule& schedule) const {
  std::uint64_t of_owner = input_bytes(*schedule.job), of_all = of_owner;
  std::size_t of_this_owner = 1, others = 0;
  for (const auto& [id, entry] : table_.all()) {
    const ScheduleRecord& record = entry.record;
    const bool mine = record.owner == owner;
    if (mine && record.definition.name == schedule.name) continue;  // it is replaced
    const std::uint64_t bytes = input_bytes(*record.definition.job);
    of_all += bytes;
    of_owner += mine ? bytes : 0;
    ++(mine ? of_this_owner : others);
  }
  if (of_this_owner > kOfOneMost || of_this_owner + others > context_.config.schedules_max)
    return Refusal{ErrorCode::limit, "there are too many schedules: remove some of them"};
  if (const auto most = quotas_.bytes_of(owner); most && of_owner > *most)
    return Refusal{ErrorCode::limit, "the input of the schedules of " + owner + " would take " +
                                         std::to_string(of_owner) + " bytes, and the key allows " +
                                         std::to_string(*most) + ": give the names of files"};
  if (of_all > context_.config.memory_limit / 4)
    return Refusal{ErrorCode::limit,
                   "the input of all schedules would take more than a quarter of the memory of the "
                   "broker (--memory-limit): give the names of files"};
  return std::nullopt;
}

std::optional<Refusal> ScheduleRequests::add(const Session& session, wire::Schedule&& schedule) {
  if (auto refusal = objection(session, schedule)) return refusal;
  if (schedule.zone.empty()) schedule.zone = "UTC";
  ScheduleEntry* known = table_.find(session.principal, schedule.name);
  // SCHEDULE was sent again because the answer was lost.
  if (known && known->record.definition.job->job == schedule.job->job) return std::nullopt;
  if (known && schedule.action == wire::ScheduleAction::add)
    return Refusal{ErrorCode::conflict, "there is a schedule `" + schedule.name +
                                            "` already: replace it (--replace), or choose another "
                                            "name"};
  if (auto refusal = no_room(session.principal, schedule)) return refusal;
  schedule.token = 0;
  schedule.owner.clear();
  std::string wrong;
  if (known) {
    wrong = table_.replace(*known, std::move(schedule));
  } else {
    ScheduleRecord record;
    record.owner = session.principal;
    record.definition = std::move(schedule);
    wrong = table_.add(std::move(record));
  }
  return wrong.empty() ? std::nullopt : std::optional(bad(std::move(wrong)));
}

void ScheduleRequests::refuse(Session& session, Refusal&& refusal, std::uint64_t token, Time now) {
  conduct_.count_refusal(session, now);
  outbox_.complain(session, refusal.code, std::move(refusal.text), {}, token);
}

void ScheduleRequests::on_schedule(Session& session, wire::Schedule&& schedule, Time now) {
  const std::uint64_t token = schedule.token;
  const std::string owner = schedule.owner.empty() ? session.principal : schedule.owner;
  const std::string name = schedule.name;
  const wire::ScheduleAction action = schedule.action;
  wire::Answer answer;
  answer.token = token;
  if (!commits_.trouble().empty())
    return refuse(session,
                  {ErrorCode::store,
                   "the broker's store cannot write: " + commits_.trouble() + "; retry later"},
                  token, now);
  if (schedule.job) {
    if (owner != session.principal)
      return refuse(session, bad("a schedule belongs to the key that adds it"), token, now);
    if (auto refusal = add(session, std::move(schedule)))
      return refuse(session, std::move(*refusal), token, now);
  }
  ScheduleEntry* entry = table_.find(owner, name);
  if (!entry)
    return refuse(session, no_such_schedule(owner == session.principal ? "" : owner, name), token,
                  now);
  if (action == wire::ScheduleAction::pause)
    table_.set_paused(*entry, true);
  else if (action == wire::ScheduleAction::resume)
    table_.set_paused(*entry, false);
  answer.schedules.push_back(status_of(*entry, 1));
  if (action == wire::ScheduleAction::remove) table_.remove(entry->record.id);
  outbox_.send(session, std::move(answer), commits_.latest());
}

}  // namespace quern::broker
