#include "notation/duration.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <utility>

#include "notation/moment.hpp"

namespace quern::notation {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(Duration, a_number_with_or_without_a_unit_is_read) {
  const std::pair<const char*, double> cases[] = {
      {"90", 90},       {"0", 0},       {"10s", 10}, {"15m", 900}, {"2h", 7200},
      {"30d", 2.592e6}, {"1.5h", 5400}, {".5m", 30}, {"1.s", 1},   {"0.25", 0.25}};
  for (const auto& [text, seconds] : cases) EXPECT_EQ(seconds_in(text), seconds) << text;
}

TEST(Duration, other_forms_are_refused) {
  for (const char* text :
       {"",    "s",     ".",     "-1",  "+1",  "1e3", "1 s", " 1",  "1 ",   "1ms",
        "1hm", "1h30m", "1.2.3", "15M", "2 h", "1w",  "inf", "nan", "0x10", "1,5"})
    EXPECT_EQ(seconds_in(text), std::nullopt) << text;
  EXPECT_EQ(seconds_in(std::string(400, '9')), std::nullopt);  // no double is that large
}

TEST(Duration, fractions_of_a_millisecond_are_rounded_as_asked) {
  const auto ms = [](double seconds, Rounding rounding) {
    return milliseconds_of(seconds, rounding).count();
  };
  EXPECT_EQ(ms(0.0015, Rounding::down), 1);
  EXPECT_EQ(ms(0.0015, Rounding::up), 2);
  EXPECT_EQ(ms(0.0016, Rounding::nearest), 2);
  EXPECT_EQ(ms(0.0014, Rounding::nearest), 1);
  for (const auto rounding : {Rounding::down, Rounding::nearest, Rounding::up}) {
    EXPECT_EQ(ms(0, rounding), 0);
    EXPECT_EQ(ms(2.5, rounding), 2500);
    EXPECT_EQ(ms(kSecondsMax, rounding), 1'000'000'000'000);
  }
}

TEST(Duration, the_short_form_is_coarser_for_longer_times) {
  const std::pair<double, const char*> cases[] = {
      {0, "0 us"},         {0.12e-6, "0.12 us"},
      {0.00085, "850 us"}, {0.012, "12 ms"},
      {3.42, "3.4 s"},     {60, "1m00s"},
      {125, "2m05s"},      {3599.9, "59m59s"},
      {3600, "1h00m"},     {3 * 3600 + 7 * 60, "3h07m"},
      {86'400, "1d00h"},   {4 * 86'400 + 2 * 3600, "4d02h"},
      {-1, "-"},           {kInfinity, "?"},
      {-kInfinity, "?"},   {kNan, "?"},
      {1e24, "?"}};
  for (const auto& [seconds, text] : cases) EXPECT_EQ(short_duration(seconds), text) << seconds;
  EXPECT_EQ(short_duration_us(3'420'000), "3.4 s");
}

TEST(Duration, the_long_form_has_two_units) {
  const std::pair<double, const char*> cases[] = {{0, "0 s"},
                                                  {-1, "0 s"},
                                                  {kNan, "0 s"},
                                                  {25e-6, "25 us"},
                                                  {0.35, "350 ms"},
                                                  {2.003, "2.003 s"},
                                                  {2, "2 s"},
                                                  {119.9, "119.9 s"},
                                                  {250, "4 min 10 s"},
                                                  {7500, "2 h 5 min"},
                                                  {3 * 86400.0, "3 days 0 h"},
                                                  {1e300, "forever"},
                                                  {kInfinity, "forever"}};
  for (const auto& [seconds, text] : cases) EXPECT_EQ(long_duration(seconds), text) << seconds;
}

TEST(Moment, is_written_in_utc) {
  const std::pair<std::int64_t, const char*> cases[] = {
      {0, "1970-01-01T00:00:00Z"},
      {-1, "1969-12-31T23:59:59Z"},
      {1'709'164'800, "2024-02-29T00:00:00Z"},
      {1'764'107'141, "2025-11-25T21:45:41Z"},
      {253'402'300'799, "9999-12-31T23:59:59Z"},
      {253'402'300'800, "253402300800"},
      {std::numeric_limits<std::int64_t>::max(), "9223372036854775807"},
      {std::numeric_limits<std::int64_t>::min(), "-9223372036854775808"}};
  for (const auto& [seconds, text] : cases) EXPECT_EQ(moment_text(seconds), text);
}

}  // namespace
}  // namespace quern::notation
