// Points in time as people write them. Pure; any thread.
#pragma once

#include <optional>
#include <string_view>

#include "calendar/zone.hpp"

namespace quern::calendar {

/// The end of the times that a job can wait for, the year 2200: system_clock counts nanoseconds in
/// 64 bits.
inline constexpr UnixSeconds kLatest = 7'258'118'400;

/// When the clock of this zone shows `local` (seconds since 1970 as if it were UTC): the first
/// time, if it does so twice; the moment after, if it skips this time.
UnixSeconds time_of_local(std::int64_t local, const Zone& zone);

/// Reads "2026-12-24", "2026-12-24 18:30", "2026-12-24T18:30:05Z", "2026-12-24 18:30+01:00", or a
/// time of the day, "18:30", which means the next one after `now`. What names no zone is read in
/// `zone`. Nothing if the text has another form, or there is no such day.
std::optional<UnixSeconds> moment_in(std::string_view text, UnixSeconds now, const Zone& zone);

}  // namespace quern::calendar
