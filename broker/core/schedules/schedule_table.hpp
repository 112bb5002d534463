// All schedules: by id, by owner and name, and by when they are due next.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "broker/core/base/context.hpp"
#include "broker/core/durability/commit_log.hpp"
#include "broker/core/schedules/schedule_entry.hpp"

namespace quern::broker {

class ScheduleTable {
 public:
  ScheduleTable(Context& context, CommitLog& commits) : context_(context), commits_(commits) {}

  ScheduleEntry* find(const std::string& owner, const std::string& name);
  ScheduleEntry* find(std::uint64_t id);
  const std::map<std::uint64_t, ScheduleEntry>& all() const { return by_id_; }

  /// Adds a schedule and plans its first run. It becomes durable with the next commit. Returns why
  /// it is not accepted, if it is not.
  std::string add(ScheduleRecord&& record);
  /// The same for a definition that replaces that of an existing schedule.
  std::string replace(ScheduleEntry& entry, wire::Schedule&& definition);
  void remove(std::uint64_t id);
  void set_paused(ScheduleEntry& entry, bool paused);
  /// The due times up to this one have been handled: plans the next run.
  void pass(ScheduleEntry& entry, std::int64_t due_ms);

  /// At a start, with what the store has.
  void recover(ScheduleRecord&& record);
  /// The wall clock was set: plans all runs anew.
  void plan_all();

  /// The schedule that is due first, and when.
  std::optional<std::pair<std::int64_t, std::uint64_t>> first_due() const {
    return due_.empty() ? std::nullopt : std::optional(*due_.begin());
  }

 private:
  /// Reads the cron line and finds the zone; returns what is wrong with them.
  std::string read(const wire::Schedule& definition, ScheduleEntry& entry) const;
  void plan(ScheduleEntry& entry);
  void set_next(ScheduleEntry& entry, std::optional<std::int64_t> next);
  void save(const ScheduleEntry& entry);

  Context& context_;
  CommitLog& commits_;
  std::map<std::uint64_t, ScheduleEntry> by_id_;
  std::map<std::pair<std::string, std::string>, std::uint64_t> by_name_;  ///< by owner and name
  std::set<std::pair<std::int64_t, std::uint64_t>> due_;
  std::uint64_t last_id_ = 0;
};

}  // namespace quern::broker
