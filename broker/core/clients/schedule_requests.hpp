// SCHEDULE: adds, replaces, removes, pauses and resumes schedules.
#pragma once

#include <optional>
#include <string>

#include "broker/core/access/quotas.hpp"
#include "broker/core/base/context.hpp"
#include "broker/core/clients/refusals.hpp"
#include "broker/core/durability/commit_log.hpp"
#include "broker/core/schedules/schedule_table.hpp"
#include "broker/core/sessions/conduct.hpp"
#include "broker/core/sessions/outbox.hpp"
#include "broker/core/sessions/session.hpp"

namespace quern::broker {

class ScheduleRequests {
 public:
  ScheduleRequests(Context& context, CommitLog& commits, Outbox& outbox, Conduct& conduct,
                   Quotas& quotas, ScheduleTable& table, Refusals& refusals)
      : context_(context),
        commits_(commits),
        outbox_(outbox),
        conduct_(conduct),
        quotas_(quotas),
        table_(table),
        refusals_(refusals) {}

  void on_schedule(Session& session, wire::Schedule&& schedule, Time now);

 private:
  /// Why this cannot be a schedule.
  std::optional<Refusal> objection(const Session& session, const wire::Schedule& schedule);
  /// Why there is no room for it.
  std::optional<Refusal> no_room(const std::string& owner, const wire::Schedule& schedule) const;
  std::optional<Refusal> add(const Session& session, wire::Schedule&& schedule);
  void refuse(Session& session, Refusal&& refusal, std::uint64_t token, Time now);

  Context& context_;
  CommitLog& commits_;
  Outbox& outbox_;
  Conduct& conduct_;
  Quotas& quotas_;
  ScheduleTable& table_;
  Refusals& refusals_;
};

}  // namespace quern::broker
