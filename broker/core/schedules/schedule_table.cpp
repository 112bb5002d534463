#include "broker/core/schedules/schedule_table.hpp"

#include <algorithm>
#include <chrono>

namespace quern::broker {
namespace {

// A clock that is set back further than this was wrong before: the schedule goes on from the new
// time, as in cron(8), without the due times that its history says were handled. Otherwise no due
// time has two runs.
constexpr std::int64_t kSetBackMs = 3 * 3600 * 1000;

}  // namespace

ScheduleStatus status_of(const ScheduleEntry& entry, std::size_t runs) {
  const ScheduleRecord& record = entry.record;
  ScheduleStatus status;
  status.name = record.definition.name;
  status.owner = record.owner;
  status.cron = record.definition.cron;
  status.zone = record.definition.zone;
  status.missed = record.definition.missed;
  status.overlap = record.definition.overlap;
  status.function = record.definition.job->function;
  status.paused = record.progress.paused;
  status.next_ms = static_cast<std::uint64_t>(entry.next_ms.value_or(0));
  const auto& all = record.progress.runs;
  for (std::size_t i = all.size(); i-- > 0 && status.runs.size() < runs;)
    status.runs.push_back(all[i]);
  return status;
}

ScheduleEntry* ScheduleTable::find(const std::string& owner, const std::string& name) {
  const auto at = by_name_.find({owner, name});
  return at == by_name_.end() ? nullptr : find(at->second);
}

ScheduleEntry* ScheduleTable::find(std::uint64_t id) {
  const auto at = by_id_.find(id);
  return at == by_id_.end() ? nullptr : &at->second;
}

std::string ScheduleTable::read(const wire::Schedule& definition, ScheduleEntry& entry) const {
  auto cron = calendar::Cron::parse(definition.cron);
  if (const auto* wrong = std::get_if<std::string>(&cron)) return *wrong;
  auto zone = context_.config.find_zone ? context_.config.find_zone(definition.zone) : nullptr;
  if (!zone)
    return "the broker knows no time zone `" + definition.zone +
           "`: use a name such as UTC or Europe/Zurich (the broker's machine needs Debian's "
           "package tzdata)";
  const auto& read = std::get<calendar::Cron>(cron);
  if (!read.next(context_.wall_ms() / 1000, *zone))
    return "`" + definition.cron + "` does not come due within 40 years";
  entry.cron = read;
  entry.zone = std::move(zone);
  return {};
}

std::string ScheduleTable::add(ScheduleRecord&& record) {
  ScheduleEntry entry;
  if (std::string no = read(record.definition, entry); !no.empty()) return no;
  record.id = last_id_ + 1;
  record.progress.passed_ms = static_cast<std::uint64_t>(context_.wall_ms());
  commits_.add(PutSchedule{record});
  recover(std::move(record));
  return {};
}

std::string ScheduleTable::replace(ScheduleEntry& entry, wire::Schedule&& definition) {
  if (std::string no = read(definition, entry); !no.empty()) return no;
  entry.record.definition = std::move(definition);
  entry.record.progress.passed_ms = static_cast<std::uint64_t>(context_.wall_ms());
  commits_.add(PutSchedule{entry.record});
  plan(entry);
  return {};
}

void ScheduleTable::recover(ScheduleRecord&& record) {
  const std::uint64_t id = record.id;
  last_id_ = std::max(last_id_, id);
  ScheduleEntry& entry = by_id_[id];
  entry.record = std::move(record);
  const std::string wrong = read(entry.record.definition, entry);
  if (!wrong.empty())
    context_.warn("schedule " + entry.record.definition.name + " of " + entry.record.owner +
                  " does not run: " + wrong);
  by_name_[{entry.record.owner, entry.record.definition.name}] = id;
  plan(entry);
}

void ScheduleTable::remove(std::uint64_t id) {
  ScheduleEntry& entry = by_id_.at(id);
  set_next(entry, std::nullopt);
  by_name_.erase({entry.record.owner, entry.record.definition.name});
  by_id_.erase(id);
  commits_.add(DropSchedule{id});
}

void ScheduleTable::set_paused(ScheduleEntry& entry, bool paused) {
  if (entry.record.progress.paused == paused) return;
  entry.record.progress.paused = paused;
  // What came due during the pause is over.
  entry.record.progress.passed_ms = static_cast<std::uint64_t>(context_.wall_ms());
  plan(entry);
  save(entry);
}

void ScheduleTable::pass(ScheduleEntry& entry, std::int64_t due_ms) {
  entry.record.progress.passed_ms = static_cast<std::uint64_t>(due_ms);
  plan(entry);
  save(entry);
}

void ScheduleTable::plan_all() {
  for (auto& [id, entry] : by_id_) plan(entry);
}

void ScheduleTable::plan(ScheduleEntry& entry) {
  if (entry.record.progress.paused || !entry.zone) return set_next(entry, std::nullopt);
  auto passed = static_cast<std::int64_t>(entry.record.progress.passed_ms);
  if (passed > context_.wall_ms() + kSetBackMs) passed = context_.wall_ms();
  const auto next = entry.cron.next(passed / 1000, *entry.zone);
  set_next(entry, next ? std::optional(*next * 1000) : std::nullopt);
}

void ScheduleTable::set_next(ScheduleEntry& entry, std::optional<std::int64_t> next) {
  if (entry.next_ms) due_.erase({*entry.next_ms, entry.record.id});
  entry.next_ms = next;
  if (next) due_.emplace(*next, entry.record.id);
}

void ScheduleTable::save(const ScheduleEntry& entry) {
  commits_.add(SaveSchedule{entry.record.id, entry.record.progress});
}

}  // namespace quern::broker
