// Points in time as people write them.
#include <gtest/gtest.h>

#include "calendar/cron.hpp"
#include "calendar/moment_in.hpp"

namespace quern::calendar {
namespace {

std::string read(const char* text, const char* zone, UnixSeconds now = 1'796'000'000) {
  const auto time = moment_in(text, now, *find_zone(zone));
  return time ? rfc3339_text(*time) : "none";
}

TEST(Moment, is_read_in_the_zone_unless_it_names_one) {
  EXPECT_EQ(read("2026-12-24", "Europe/Zurich"), "2026-12-23T23:00:00Z");
  EXPECT_EQ(read("2026-12-24 18:30", "Europe/Zurich"), "2026-12-24T17:30:00Z");
  EXPECT_EQ(read("2026-07-24T18:30:05", "Europe/Zurich"), "2026-07-24T16:30:05Z");
  EXPECT_EQ(read("2026-12-24T18:30:05Z", "Europe/Zurich"), "2026-12-24T18:30:05Z");
  EXPECT_EQ(read("2026-12-24 18:30-05:00", "Europe/Zurich"), "2026-12-24T23:30:00Z");
  EXPECT_EQ(read("2026-12-24 18:30+0530", "UTC"), "2026-12-24T13:00:00Z");
}

TEST(Moment, a_time_of_the_day_is_the_next_one) {
  const UnixSeconds now = *moment_in("2026-11-30 12:00", 0, *find_zone("UTC"));
  EXPECT_EQ(read("12:01", "UTC", now), "2026-11-30T12:01:00Z");
  EXPECT_EQ(read("12:00", "UTC", now), "2026-12-01T12:00:00Z");
  EXPECT_EQ(read("00:15", "Europe/Zurich", now), "2026-11-30T23:15:00Z");
}

TEST(Moment, what_the_clock_skips_or_shows_twice) {
  EXPECT_EQ(read("2026-03-29 02:30", "Europe/Zurich"), "2026-03-29T01:00:00Z");
  EXPECT_EQ(read("2026-10-25 02:30", "Europe/Zurich"), "2026-10-25T00:30:00Z");
}

TEST(Moment, other_texts_are_refused) {
  for (const char* text : {"", "now", "25:00", "12:60", "2026-02-30", "2026-13-01", "2026-12-24 ",
                           "2026-12-24x18:30", "2026-12-24 18", "2026-12-24 18:30+25:00", "12:00Z",
                           "2026-12-24T18:30:05Zz", "1:30", "-1:30", "2026-1-1"})
    EXPECT_EQ(read(text, "UTC"), "none") << text;
}

}  // namespace
}  // namespace quern::calendar
