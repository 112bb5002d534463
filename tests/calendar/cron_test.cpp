// When cron lines are due: as tables of local times.
#include "calendar/cron.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "calendar/moment_in.hpp"

namespace quern::calendar {
namespace {

struct Next {
  const char* cron;
  const char* zone;
  const char* after;  ///< RFC 3339
  const char* due;    ///< RFC 3339; "never"
};

UnixSeconds at(const char* text) { return *moment_in(text, 0, *find_zone("UTC")); }

std::string next_of(const Next& row) {
  const auto cron = Cron::parse(row.cron);
  if (const auto* wrong = std::get_if<std::string>(&cron)) return *wrong;
  const auto zone = find_zone(row.zone);
  if (!zone) return "no zone";
  const auto due = std::get<Cron>(cron).next(at(row.after), *zone);
  return due ? rfc3339_text(*due) : "never";
}

class NextTest : public ::testing::TestWithParam<Next> {};

TEST_P(NextTest, is_due_at) { EXPECT_EQ(next_of(GetParam()), GetParam().due); }

const Next kPlain[] = {
    {"* * * * *", "UTC", "2026-11-30T06:44:59Z", "2026-11-30T06:45:00Z"},
    {"* * * * *", "UTC", "2026-11-30T06:45:00Z", "2026-11-30T06:46:00Z"},
    {"*/15 * * * *", "UTC", "2026-11-30T06:45:00Z", "2026-11-30T07:00:00Z"},
    {"30 2 * * *", "UTC", "2026-11-30T06:45:00Z", "2026-12-01T02:30:00Z"},
    {"30 2 * * *", "Europe/Zurich", "2026-11-30T06:45:00Z", "2026-12-01T01:30:00Z"},
    {"30 2 * * *", "America/New_York", "2026-11-30T06:45:00Z", "2026-11-30T07:30:00Z"},
    {"0 0 1 1 *", "UTC", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"},
    {"@yearly", "UTC", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"},
    {"@Hourly", "UTC", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"},
    {"0 9 * * mon-fri", "UTC", "2026-11-27T09:00:00Z", "2026-11-30T09:00:00Z"},
    {"0 9 * * 7", "UTC", "2026-11-27T09:00:00Z", "2026-11-29T09:00:00Z"},
    {"0 9 * * 0", "UTC", "2026-11-27T09:00:00Z", "2026-11-29T09:00:00Z"},
    {"0 0 * jan,JUL *", "UTC", "2026-02-01T00:00:00Z", "2026-07-01T00:00:00Z"},
    {"10-20/5,50 8 * * *", "UTC", "2026-11-30T08:15:00Z", "2026-11-30T08:20:00Z"},
    {"5/20 8 * * *", "UTC", "2026-11-30T08:05:00Z", "2026-11-30T08:25:00Z"},
    {"0 0 31 * *", "UTC", "2026-01-31T00:00:00Z", "2026-03-31T00:00:00Z"},
    {"0 9 * * sat-sun", "UTC", "2026-11-28T09:00:00Z", "2026-11-29T09:00:00Z"},
    {"0 9 * * Fri-Sun", "UTC", "2026-11-30T09:00:00Z", "2026-12-04T09:00:00Z"},
    {"0 9 * * sun-mon", "UTC", "2026-11-28T09:00:00Z", "2026-11-29T09:00:00Z"},
};
INSTANTIATE_TEST_SUITE_P(Plain, NextTest, ::testing::ValuesIn(kPlain));

// The 13th, or a Friday; with a `*`, both conditions hold.
const Next kDays[] = {
    {"0 0 13 * 5", "UTC", "2026-11-07T00:00:00Z", "2026-11-13T00:00:00Z"},
    {"0 0 13 * 5", "UTC", "2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z"},
    {"0 0 */2 * 5", "UTC", "2026-11-13T00:00:00Z", "2026-11-27T00:00:00Z"},
};
INSTANTIATE_TEST_SUITE_P(Days, NextTest, ::testing::ValuesIn(kDays));

const Next kLeapDays[] = {
    {"0 12 29 2 *", "UTC", "2026-11-30T00:00:00Z", "2028-02-29T12:00:00Z"},
    {"0 12 29 2 *", "UTC", "2096-02-29T12:00:00Z", "2104-02-29T12:00:00Z"},
    // A 29 February that is a Sunday.
    {"0 0 29 2 */7", "UTC", "2026-11-30T00:00:00Z", "2032-02-29T00:00:00Z"},
    {"0 0 29 2 */7", "UTC", "2072-11-30T00:00:00Z", "2088-02-29T00:00:00Z"},
    {"0 12 30 2 *", "UTC", "2026-11-30T00:00:00Z", "never"},
    {"0 12 31 4,6,9,11 *", "UTC", "2026-11-30T00:00:00Z", "never"},
};
INSTANTIATE_TEST_SUITE_P(LeapDays, NextTest, ::testing::ValuesIn(kLeapDays));

// Zurich: 2026-03-29 02:00 becomes 03:00; 2026-10-25 03:00 becomes 02:00.
const Next kSummer[] = {
    // A time that is skipped is due when the clock has skipped it, once.
    {"30 2 * * *", "Europe/Zurich", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"},
    {"30 2 * * *", "Europe/Zurich", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"},
    {"15,45 2 * * *", "Europe/Zurich", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"},
    {"15,45 2 * * *", "Europe/Zurich", "2026-03-29T01:00:00Z", "2026-03-30T00:15:00Z"},
    {"0 3 * * *", "Europe/Zurich", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"},
    {"0 3 * * *", "Europe/Zurich", "2026-03-29T01:00:00Z", "2026-03-30T01:00:00Z"},
    // A time that comes twice is due the first time.
    {"30 2 * * *", "Europe/Zurich", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"},
    {"30 2 * * *", "Europe/Zurich", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
    // What is due every hour or every few minutes goes on.
    {"0 * * * *", "Europe/Zurich", "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z"},
    {"0 * * * *", "Europe/Zurich", "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"},
    {"*/30 * * * *", "Europe/Zurich", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z"},
    {"*/30 2 * * *", "Europe/Zurich", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z"},
    {"*/30 2 * * *", "Europe/Zurich", "2026-03-28T12:00:00Z", "2026-03-30T00:00:00Z"},
    // A change of half an hour, and one across midnight.
    {"15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z", "2026-10-03T15:30:00Z"},
    {"30 0 * * *", "America/Havana", "2026-03-07T12:00:00Z", "2026-03-08T05:00:00Z"},
    // Samoa had no 30 December 2011.
    {"0 12 30 12 *", "Pacific/Apia", "2011-12-29T00:00:00Z", "2011-12-30T10:00:00Z"},
};
INSTANTIATE_TEST_SUITE_P(Summer, NextTest, ::testing::ValuesIn(kSummer));

TEST(Cron, what_is_wrong_is_said) {
  const std::pair<const char*, const char*> rows[] = {
      {"", "five"},
      {"* * * *", "4 fields"},
      {"* * * * * *", "6 fields"},
      {"60 * * * *", "minute `60`"},
      {"* 24 * * *", "hour `24`"},
      {"* * 0 * *", "day of the month `0`"},
      {"* * * 13 *", "month `13`"},
      {"* * * foo *", "jan to dec"},
      {"* * * * 8", "day of the week `8`"},
      {"5-1 * * * *", "minute"},
      {"*/0 * * * *", "minute"},
      {"1,,2 * * * *", "minute `1,,2`"},
      {"1, * * * *", "minute `1,`"},
      {",1 * * * *", "minute `,1`"},
      {"* * * * sun-6-", "day of the week"},
      {"* * * * 5-0", "day of the week"},
      {", * * * *", "minute"},
      {"-1 * * * *", "minute"},
      {"1- * * * *", "minute"},
      {"99999999999999999999 * * * *", "minute"},
      {"@reboot", "@hourly"},
  };
  for (const auto& [text, said] : rows) {
    const auto cron = Cron::parse(text);
    const auto* wrong = std::get_if<std::string>(&cron);
    ASSERT_TRUE(wrong) << text;
    EXPECT_NE(wrong->find(said), std::string::npos) << text << ": " << *wrong;
  }
}

/// Minute by minute, against the definition: what is shown by the clock of the zone.
TEST(Cron, a_year_in_a_zone_with_summer_time_against_the_clock) {
  const auto zone = find_zone("Europe/Zurich");
  const auto cron = std::get<Cron>(Cron::parse("*/7 1-3 * * *"));
  const UnixSeconds end = at("2027-01-01T00:00:00Z");
  UnixSeconds next = *cron.next(at("2026-01-01T00:00:00Z"), *zone);
  for (UnixSeconds time = at("2026-01-01T00:01:00Z"); time < end; time += 60) {
    const std::int64_t local = time + zone->at(time).offset;
    const bool due = local / 60 % 60 % 7 == 0 && local / 3600 % 24 >= 1 && local / 3600 % 24 <= 3;
    ASSERT_EQ(due, time == next) << rfc3339_text(time);
    if (due) next = *cron.next(time, *zone);
  }
}

TEST(Zone, an_unknown_zone_is_not_found) {
  EXPECT_FALSE(find_zone("Mars/Olympus"));
  EXPECT_FALSE(find_zone(""));
  EXPECT_FALSE(find_zone("../../etc/passwd"));
  EXPECT_TRUE(find_zone("UTC"));
}

TEST(Zone, the_local_zone_is_what_tz_names) {
  const char* before = std::getenv("TZ");
  const std::string kept = before ? before : "";
  const std::pair<const char*, const char*> rows[] = {
      {"Asia/Tokyo", "Asia/Tokyo"},
      {":Asia/Tokyo", "Asia/Tokyo"},
      {":/usr/share/zoneinfo/Asia/Tokyo", "Asia/Tokyo"},
      {"", "UTC"},
      // Not the zone of the machine: whoever uses it is told that nobody knows it.
      {"CET-1CEST,M3.5.0,M10.5.0/3", "CET-1CEST,M3.5.0,M10.5.0/3"},
  };
  for (const auto& [given, name] : rows) {
    setenv("TZ", given, 1);
    EXPECT_EQ(local_zone_name(), name) << given;
  }
  if (before)
    setenv("TZ", kept.c_str(), 1);
  else
    unsetenv("TZ");
}

}  // namespace
}  // namespace quern::calendar
