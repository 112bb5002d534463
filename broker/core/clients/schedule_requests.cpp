#include "broker/core/clients/schedule_requests.hpp"

#include <utility>

#include "broker/core/schedules/schedule_list.hpp"
#include "wire/blob.hpp"

namespace quern::broker {
namespace {

// Input, common input and files' names of one schedule: they stay in memory.
constexpr std::uint64_t kTemplateBytes = 1u << 20;
constexpr std::size_t kOfOneMost = 1000;

Refusal bad(std::string text) { return {ErrorCode::bad_input, std::move(text)}; }

}  // namespace

std::optional<Refusal> ScheduleRequests::objection(const Session& session,
                                                   const wire::Schedule& schedule, Time now) {
  const wire::Submit& job = *schedule.job;
  if (!context_.config.store)
    return bad(
        "this broker has no store (--no-store), so it would forget its schedules when it ends: "
        "start it with a store");
  if (!commits_.trouble().empty())
    return Refusal{ErrorCode::store,
                   "the broker's store cannot write: " + commits_.trouble() + "; retry later"};
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
  const std::uint64_t bytes = job.batch.weight() + job.common.size() + 4 * job.costs.size();
  if (bytes > kTemplateBytes)
    return Refusal{ErrorCode::limit, "the input of a schedule may have 1 MiB, this one has " +
                                         std::to_string(bytes) +
                                         " bytes: give the names of files, or a range"};
  return refusals_.of(session, session.principal, job, now);
}

std::optional<Refusal> ScheduleRequests::add(const Session& session, wire::Schedule&& schedule,
                                             Time now) {
  if (auto refusal = objection(session, schedule, now)) return refusal;
  if (schedule.zone.empty()) schedule.zone = "UTC";
  ScheduleEntry* known = table_.find(session.principal, schedule.name);
  // SCHEDULE was sent again because the answer was lost.
  if (known && known->record.definition.job->job == schedule.job->job) return std::nullopt;
  if (known && schedule.action == wire::ScheduleAction::add)
    return Refusal{ErrorCode::conflict, "there is a schedule `" + schedule.name +
                                            "` already: replace it (--replace), or choose another "
                                            "name"};
  schedule.token = 0;
  schedule.owner.clear();
  std::string wrong;
  if (known) {
    wrong = table_.replace(*known, std::move(schedule));
  } else {
    if (table_.count_of(session.principal) >= kOfOneMost ||
        table_.all().size() >= context_.config.schedules_max)
      return Refusal{ErrorCode::limit, "there are too many schedules: remove some of them"};
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
  wire::Answer answer;
  answer.token = token;
  if (schedule.job) {
    if (owner != session.principal)
      return refuse(session, bad("a schedule belongs to the key that adds it"), token, now);
    if (auto refusal = add(session, std::move(schedule), now))
      return refuse(session, std::move(*refusal), token, now);
  }
  ScheduleEntry* entry = table_.find(owner, name);
  if (!entry) return refuse(session, no_such_schedule(schedule.owner, name), token, now);
  if (schedule.action == wire::ScheduleAction::pause)
    table_.set_paused(*entry, true);
  else if (schedule.action == wire::ScheduleAction::resume)
    table_.set_paused(*entry, false);
  answer.schedules.push_back(status_of(*entry, 1));
  if (schedule.action == wire::ScheduleAction::remove) table_.remove(entry->record.id);
  outbox_.send(session, std::move(answer), commits_.latest());
}

}  // namespace quern::broker
