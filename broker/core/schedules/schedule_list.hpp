// Which schedules a principal sees.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "broker/core/access/access.hpp"
#include "broker/core/base/refusal.hpp"
#include "broker/core/schedules/schedule_table.hpp"

namespace quern::broker {

/// `owner` is empty for the asker's own.
Refusal no_such_schedule(const std::string& owner, const std::string& name);

/// Adds the schedules that a QueryWhat::schedules asks for: `page` of them at most, with where to
/// continue. `bytes` grows by what they take in a message.
void list_schedules(const ScheduleTable& table, const Principal& principal,
                    const wire::Query& query, std::size_t page, std::size_t& bytes,
                    wire::Answer& out);
/// The same for the one schedule of a QueryWhat::schedule, with its history.
std::optional<Refusal> show_schedule(ScheduleTable& table, const Principal& principal,
                                     const wire::Query& query, std::size_t& bytes,
                                     wire::Answer& out);

}  // namespace quern::broker
