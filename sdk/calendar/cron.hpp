// When something is due: the five fields of cron, read in the local time of a zone. Pure; any
// thread.
//
// The format and its treatment of changes between winter and summer time are those of Vixie cron
// (Debian, crontab(5) and cron(8)):
// - A time that the clock skips is due when the clock has skipped it.
// - A time that the clock shows twice is due the first time only.
// - Neither holds if the field of minutes or of hours begins with `*`: what is due every so many
//   minutes or hours stays so.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "calendar/zone.hpp"

namespace quern::calendar {

class Cron {
 public:
  /// Five fields: minute (0-59), hour (0-23), day of the month (1-31), month (1-12 or jan-dec), day
  /// of the week (0-7 or sun-sat; 0 and 7 are Sunday). A field is `*` or a list of numbers and
  /// ranges, each with an optional step: `*/15`, `1-5`, `0,30`. If both days are restricted, either
  /// of them suffices. Or one of @hourly, @daily, @midnight, @weekly, @monthly, @yearly and
  /// @annually. Returns the sentence that says what is wrong, if something is.
  static std::variant<Cron, std::string> parse(std::string_view text);

  /// The first time after `after` at which it is due; nothing if there is none, as on 30 February.
  std::optional<UnixSeconds> next(UnixSeconds after, const Zone& zone) const;

 private:
  struct Field;
  struct Day;
  friend class CronParser;

  bool is_due_on(const Day& day) const;
  /// The first due time after `after` on the local day that begins at `midnight` (as if it were
  /// UTC).
  std::optional<UnixSeconds> next_on(std::int64_t midnight, UnixSeconds after,
                                     const Zone& zone) const;

  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<7> weekdays_;
  bool any_day_ = false;       ///< the day of the month begins with `*`
  bool any_weekday_ = false;   ///< the day of the week begins with `*`
  bool is_repeating_ = false;  ///< minutes or hours begin with `*`
};

/// "2026-11-30 06:15:00 UTC".
std::string utc_text(UnixSeconds time);
/// "2026-11-30T06:15:00Z" (RFC 3339).
std::string rfc3339_text(UnixSeconds time);

}  // namespace quern::calendar
