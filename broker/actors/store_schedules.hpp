// The schedules in the store: one row each. The definition is the message SCHEDULE as it travels,
// each of its parts after its length (32 bits, little endian). A due time that has passed is a line
// DUE_MS AT_MS OUTCOME JOB TEXT, readable in a shell.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/actors/sqlite.hpp"
#include "broker/core/base/persist.hpp"

namespace quern::broker {

void put_schedule(Database& database, const ScheduleRecord& record);
void save_schedule(Database& database, const SaveSchedule& save);
void drop_schedule(Database& database, const DropSchedule& drop);
/// Ascending by id. Throws StoreError if a row is damaged.
std::vector<ScheduleRecord> read_schedules(Database& database);

std::string column_of(const std::vector<ScheduleRun>& runs);
/// nullopt if it is not in the format of column_of().
std::optional<std::vector<ScheduleRun>> runs_in(std::string_view column);

}  // namespace quern::broker
