#include "calendar/moment_in.hpp"

#include <charconv>
#include <chrono>

namespace quern::calendar {
namespace {

constexpr std::int64_t kDaySeconds = 86'400;

/// Takes parts from the front of a text.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  /// Exactly so many digits.
  std::optional<int> digits(std::size_t count) {
    if (rest_.size() < count) return std::nullopt;
    int number = 0;
    for (const char c : rest_.substr(0, count)) {
      if (c < '0' || c > '9') return std::nullopt;
      number = 10 * number + (c - '0');
    }
    rest_.remove_prefix(count);
    return number;
  }
  bool one_of(std::string_view characters) {
    if (rest_.empty() || characters.find(rest_.front()) == characters.npos) return false;
    last_ = rest_.front();
    rest_.remove_prefix(1);
    return true;
  }
  char last() const { return last_; }
  bool at_end() const { return rest_.empty(); }
  bool starts_time() const { return rest_.size() > 2 && rest_[2] == ':'; }

 private:
  std::string_view rest_;
  char last_ = 0;
};

/// Seconds of a day: HH:MM or HH:MM:SS.
std::optional<std::int64_t> time_of_day(Reader& text) {
  const auto hour = text.digits(2);
  if (!hour || *hour > 23 || !text.one_of(":")) return std::nullopt;
  const auto minute = text.digits(2);
  if (!minute || *minute > 59) return std::nullopt;
  std::int64_t second = 0;
  if (text.one_of(":")) {
    const auto given = text.digits(2);
    if (!given || *given > 59) return std::nullopt;
    second = *given;
  }
  return *hour * 3600 + *minute * 60 + second;
}

/// The midnight of a day, as if it were UTC: YYYY-MM-DD.
std::optional<std::int64_t> day(Reader& text) {
  const auto year = text.digits(4);
  if (!year || !text.one_of("-")) return std::nullopt;
  const auto month = text.digits(2);
  if (!month || !text.one_of("-")) return std::nullopt;
  const auto number = text.digits(2);
  if (!number) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*number))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count() * kDaySeconds;
}

/// Z, or +HH:MM, or -HH:MM: the distance from UTC.
std::optional<std::int64_t> offset(Reader& text) {
  if (text.one_of("Zz")) return 0;
  if (!text.one_of("+-")) return std::nullopt;
  const std::int64_t sign = text.last() == '-' ? -1 : 1;
  const auto hours = text.digits(2);
  if (!hours || *hours > 23) return std::nullopt;
  text.one_of(":");
  const auto minutes = text.digits(2);
  if (!minutes || *minutes > 59) return std::nullopt;
  return sign * (*hours * 3600 + *minutes * 60);
}

}  // namespace

UnixSeconds time_of_local(std::int64_t local, const Zone& zone) {
  // A day before, no change near `local` has happened yet.
  for (Zone::Span span = zone.at(local - kDaySeconds - 2 * 3600);; span = zone.at(span.end)) {
    const UnixSeconds time = local - span.offset;
    if (time < span.begin) return span.begin;  // the clock skipped it
    if (time < span.end) return time;
  }
}

std::optional<UnixSeconds> moment_in(std::string_view text, UnixSeconds now, const Zone& zone) {
  Reader reader(text);
  if (reader.starts_time()) {
    const auto seconds = time_of_day(reader);
    if (!seconds || !reader.at_end()) return std::nullopt;
    const std::int64_t local = now + zone.at(now).offset;
    const std::int64_t midnight = local - (local % kDaySeconds + kDaySeconds) % kDaySeconds;
    const UnixSeconds today = time_of_local(midnight + *seconds, zone);
    return today > now ? today : time_of_local(midnight + kDaySeconds + *seconds, zone);
  }
  const auto midnight = day(reader);
  if (!midnight) return std::nullopt;
  if (reader.at_end()) return time_of_local(*midnight, zone);
  if (!reader.one_of(" Tt")) return std::nullopt;
  const auto seconds = time_of_day(reader);
  if (!seconds) return std::nullopt;
  if (reader.at_end()) return time_of_local(*midnight + *seconds, zone);
  const auto distance = offset(reader);
  if (!distance || !reader.at_end()) return std::nullopt;
  return *midnight + *seconds - *distance;
}

}  // namespace quern::calendar
