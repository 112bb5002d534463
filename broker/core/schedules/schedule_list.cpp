#include "broker/core/schedules/schedule_list.hpp"

#include "wire/glob.hpp"

namespace quern::broker {
namespace {

constexpr std::size_t kRunsShown = 100;
// Part of the 256 KiB that a header may have.
constexpr std::size_t kBytesMost = 160u << 10;

bool may_look(const Principal& principal, const ScheduleEntry& entry) {
  return may_see(principal, Subject{JobNumber{}, entry.record.owner, entry.record.definition.name});
}

std::size_t bytes_of(const ScheduleStatus& status) {
  std::size_t bytes = 160 + status.name.size() + status.owner.size() + status.cron.size() +
                      status.zone.size() + status.function.size();
  for (const ScheduleRun& run : status.runs) bytes += 64 + run.text.size();
  return bytes;
}

}  // namespace

Refusal no_such_schedule(const std::string& owner, const std::string& name) {
  return {ErrorCode::unknown_job, "there is no schedule `" + name + "`" +
                                      (owner.empty() ? "" : " of " + owner) +
                                      ": `quern schedule list` shows those that exist"};
}

void list_schedules(const ScheduleTable& table, const Principal& principal,
                    const wire::Query& query, std::size_t page, std::size_t& bytes,
                    wire::Answer& out) {
  for (auto at = table.all().upper_bound(query.cursor); at != table.all().end(); ++at) {
    const ScheduleEntry& entry = at->second;
    if (!query.owner.empty() && entry.record.owner != query.owner) continue;
    if (!query.name.empty() && !wire::matches(query.name, entry.record.definition.name)) continue;
    if (!may_look(principal, entry)) continue;
    if (out.schedules.size() >= page || bytes > kBytesMost) return;
    out.schedules.push_back(status_of(entry, 1));
    bytes += bytes_of(out.schedules.back());
    out.cursor = at->first;
  }
  out.cursor = 0;  // this was all
}

std::optional<Refusal> show_schedule(ScheduleTable& table, const Principal& principal,
                                     const wire::Query& query, std::size_t& bytes,
                                     wire::Answer& out) {
  const std::string owner = query.owner.empty() ? principal.name : query.owner;
  const ScheduleEntry* entry = table.find(owner, query.name);
  if (!entry || !may_look(principal, *entry)) return no_such_schedule(query.owner, query.name);
  out.schedules.push_back(status_of(*entry, kRunsShown));
  bytes += bytes_of(out.schedules.back());
  return std::nullopt;
}

}  // namespace quern::broker
