#include "calendar/cron.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <vector>

namespace quern::calendar {
namespace {

constexpr std::int64_t kDay = 86'400;
// A day of the month and a day of the week that must both fit (`0 0 29 2 */7`: a 29 February that
// is a Sunday) come at most 40 years apart (2072 to 2112, for example).
constexpr int kDaysAhead = 366 * 41;
// No zone is further away from UTC.
constexpr std::int64_t kOffsetMost = 93'600;  // 26 hours

std::int64_t floor_day(std::int64_t seconds) {
  return (seconds - (seconds % kDay + kDay) % kDay) / kDay;
}

std::string two(std::int64_t number) { return (number < 10 ? "0" : "") + std::to_string(number); }

std::string text_of(UnixSeconds time, const char* between, const char* end) {
  const std::int64_t day = floor_day(time);
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  const std::int64_t second = time - day * kDay;
  return std::to_string(static_cast<int>(date.year())) + '-' +
         two(static_cast<unsigned>(date.month())) + '-' + two(static_cast<unsigned>(date.day())) +
         between + two(second / 3600) + ':' + two(second / 60 % 60) + ':' + two(second % 60) + end;
}

/// The words of a text, which any number of blanks separates.
std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t end = text.find_first_of(" \t");
    if (end != 0) words.push_back(text.substr(0, end));
    if (end == text.npos) break;
    text.remove_prefix(end + 1);
  }
  return words;
}

/// What a list consists of; an empty element is an element.
std::vector<std::string_view> elements_of(std::string_view text) {
  std::vector<std::string_view> elements;
  for (;;) {
    const std::size_t end = text.find(',');
    elements.push_back(text.substr(0, end));
    if (end == text.npos) return elements;
    text.remove_prefix(end + 1);
  }
}

constexpr std::array<std::string_view, 12> kMonths{"jan", "feb", "mar", "apr", "may", "jun",
                                                   "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kWeekdays{"sun", "mon", "tue", "wed",
                                                    "thu", "fri", "sat"};

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kShort{{
    {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
    {"@monthly", "0 0 1 * *"},
    {"@weekly", "0 0 * * 0"},
    {"@daily", "0 0 * * *"},
    {"@midnight", "0 0 * * *"},
    {"@hourly", "0 * * * *"},
}};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

}  // namespace

/// One field as it is described: its bounds and the names that stand for numbers.
struct Cron::Field {
  std::string_view name;
  unsigned least;
  unsigned most;
  const std::string_view* names = nullptr;
  std::size_t named = 0;
};

struct Cron::Day {
  std::int64_t midnight;  ///< as if local time were UTC
  unsigned month, day, weekday;
};

class CronParser {
 public:
  using Field = Cron::Field;

  /// Calls set(number) for each number of the field; the sentence that says what is wrong.
  template <typename Set>
  std::string read(std::string_view text, const Field& field, Set&& set) const {
    for (const std::string_view part : elements_of(text)) {
      unsigned from = field.least, to = field.most, step = 1;
      const std::size_t slash = part.find('/');
      const std::string_view range = part.substr(0, slash);
      if (slash != part.npos && !number(part.substr(slash + 1), step)) return wrong(text, field);
      if (step == 0) return wrong(text, field);
      if (range != "*") {
        const std::size_t dash = range.find('-');
        if (!value(range.substr(0, dash), field, from)) return wrong(text, field);
        to = slash == part.npos ? from : field.most;
        if (dash != range.npos && !value(range.substr(dash + 1), field, to))
          return wrong(text, field);
        // `sat-sun`: the name of day 0, which is also day 7.
        if (dash != range.npos && to == 0 && lower(range.substr(dash + 1)) == kWeekdays[0]) to = 7;
        if (from > to) return wrong(text, field);
      }
      for (unsigned n = from; n <= to; n += step) set(n);
    }
    return {};
  }

  std::string read_all(const std::vector<std::string_view>& fields, Cron& cron) const {
    static constexpr Field kMinute{"minute", 0, 59}, kHour{"hour", 0, 23},
        kDayOfMonth{"day of the month", 1, 31},
        kMonth{"month", 1, 12, kMonths.data(), kMonths.size()},
        kDayOfWeek{"day of the week", 0, 7, kWeekdays.data(), kWeekdays.size()};
    std::string no = read(fields[0], kMinute, [&](unsigned n) { cron.minutes_.set(n); });
    if (no.empty()) no = read(fields[1], kHour, [&](unsigned n) { cron.hours_.set(n); });
    if (no.empty()) no = read(fields[2], kDayOfMonth, [&](unsigned n) { cron.days_.set(n); });
    if (no.empty()) no = read(fields[3], kMonth, [&](unsigned n) { cron.months_.set(n); });
    if (no.empty())
      no = read(fields[4], kDayOfWeek, [&](unsigned n) { cron.weekdays_.set(n % 7); });
    cron.is_repeating_ = fields[0][0] == '*' || fields[1][0] == '*';
    cron.any_day_ = fields[2][0] == '*';
    cron.any_weekday_ = fields[4][0] == '*';
    return no;
  }

 private:
  static bool number(std::string_view text, unsigned& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size() && out <= 1000;
  }
  static bool value(std::string_view text, const Field& field, unsigned& out) {
    const std::string name = lower(text);
    for (std::size_t i = 0; i < field.named; ++i)
      if (field.names[i] == name) {
        out = field.least + static_cast<unsigned>(i);
        return true;
      }
    return number(text, out) && out >= field.least && out <= field.most;
  }
  static std::string wrong(std::string_view text, const Field& field) {
    std::string out = "the " + std::string(field.name) + " `" + std::string(text) +
                      "` is not `*`, or numbers from " + std::to_string(field.least) + " to " +
                      std::to_string(field.most);
    if (field.names)
      out += " or names from " + std::string(field.names[0]) + " to " +
             std::string(field.names[field.named - 1]);
    return out + ", ranges (1-5), lists (1,3) and steps (*/2)";
  }
};

std::variant<Cron, std::string> Cron::parse(std::string_view text) {
  std::vector<std::string_view> fields = words_of(text);
  if (fields.size() == 1 && fields[0][0] == '@') {
    const std::string name = lower(fields[0]);
    const auto* known = std::find_if(kShort.begin(), kShort.end(),
                                     [&](const auto& entry) { return entry.first == name; });
    if (known == kShort.end())
      return "`" + std::string(fields[0]) +
             "` is not one of @hourly, @daily, @weekly, @monthly and @yearly";
    fields = words_of(known->second);
  }
  if (fields.size() != 5)
    return "`" + std::string(text) + "` has " + std::to_string(fields.size()) +
           " fields instead of five: minute, hour, day of the month, month, day of the week (for "
           "example `30 2 * * 1-5`: at 02:30 from Monday to Friday)";
  Cron cron;
  if (std::string no = CronParser().read_all(fields, cron); !no.empty()) return no;
  return cron;
}

bool Cron::is_due_on(const Day& day) const {
  if (!months_[day.month]) return false;
  const bool by_day = days_[day.day], by_weekday = weekdays_[day.weekday];
  return any_day_ || any_weekday_ ? by_day && by_weekday : by_day || by_weekday;
}

std::optional<UnixSeconds> Cron::next(UnixSeconds after, const Zone& zone) const {
  // The local day before: a clock that is set back may come back to it.
  std::int64_t number = floor_day(after + zone.at(after).offset) - 1;
  for (int i = 0; i < kDaysAhead; ++i, ++number) {
    const std::chrono::sys_days date{std::chrono::days(number)};
    const std::chrono::year_month_day ymd(date);
    const Day day{number * kDay, static_cast<unsigned>(ymd.month()),
                  static_cast<unsigned>(ymd.day()), std::chrono::weekday(date).c_encoding()};
    if (!is_due_on(day)) continue;
    if (const auto due = next_on(day.midnight, after, zone)) return due;
  }
  return std::nullopt;
}

std::optional<UnixSeconds> Cron::next_on(std::int64_t midnight, UnixSeconds after,
                                         const Zone& zone) const {
  // Usually one span covers the day and its surroundings.
  std::vector<Zone::Span> spans{zone.at(midnight - kOffsetMost)};
  while (spans.back().end <= midnight + kDay + kOffsetMost)
    spans.push_back(zone.at(spans.back().end));
  // When this local time is; nothing if it is not after `after`.
  const auto first_after = [&](std::int64_t local) -> std::optional<UnixSeconds> {
    std::optional<UnixSeconds> skipped_at;
    for (std::size_t i = 0; i < spans.size(); ++i) {
      const UnixSeconds time = local - spans[i].offset;
      if (time >= spans[i].begin && time < spans[i].end) {
        if (time > after) return time;
        if (!is_repeating_) return std::nullopt;  // only the first time counts
        skipped_at.reset();
        continue;
      }
      const bool skipped = i + 1 < spans.size() && time >= spans[i].end &&
                           local - spans[i + 1].offset < spans[i + 1].begin;
      if (skipped) skipped_at = spans[i].end;
    }
    if (is_repeating_ || !skipped_at || *skipped_at <= after) return std::nullopt;
    return skipped_at;
  };
  std::int64_t from = midnight;
  if (spans.size() == 1) from = std::max(from, after + spans[0].offset - 59);
  std::optional<UnixSeconds> first;
  for (std::int64_t hour = std::max<std::int64_t>(0, (from - midnight) / 3600); hour < 24; ++hour) {
    if (!hours_[static_cast<std::size_t>(hour)]) continue;
    for (std::int64_t minute = 0; minute < 60; ++minute) {
      if (!minutes_[static_cast<std::size_t>(minute)]) continue;
      const std::int64_t local = midnight + hour * 3600 + minute * 60;
      if (local < from) continue;
      const auto time = first_after(local);
      if (time && (!first || *time < *first)) first = time;
      if (first && spans.size() == 1) return first;  // later local times are later
    }
  }
  return first;
}

std::string utc_text(UnixSeconds time) { return text_of(time, " ", " UTC"); }
std::string rfc3339_text(UnixSeconds time) { return text_of(time, "T", "Z"); }

}  // namespace quern::calendar
