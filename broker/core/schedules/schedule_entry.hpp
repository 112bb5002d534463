// A schedule: what the broker knows about it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "broker/core/base/persist.hpp"
#include "calendar/cron.hpp"

namespace quern::broker {

struct ScheduleEntry {
  ScheduleRecord record;  ///< what is durable of it
  calendar::Cron cron;
  std::shared_ptr<const calendar::Zone> zone;  ///< nullptr: it is not known here any more
  std::optional<std::int64_t> next_ms;         ///< by the wall clock; nothing: paused, or never due
};

/// @param runs how many of the latest due times are told
ScheduleStatus status_of(const ScheduleEntry& entry, std::size_t runs);

}  // namespace quern::broker
