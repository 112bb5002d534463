#include "notation/moment.hpp"

#include <array>
#include <chrono>
#include <cstdio>

namespace quern::notation {
namespace {

using std::chrono::sys_days;
using std::chrono::sys_seconds;

constexpr sys_seconds kFirst = sys_days(std::chrono::year(0) / 1 / 1);
constexpr sys_seconds kEnd = sys_days(std::chrono::year(10'000) / 1 / 1);

}  // namespace

std::string moment_text(std::int64_t seconds) {
  const sys_seconds moment{std::chrono::seconds(seconds)};
  if (moment < kFirst || moment >= kEnd) return std::to_string(seconds);
  const auto day = std::chrono::floor<std::chrono::days>(moment);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(moment - day);
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text.data();
}

}  // namespace quern::notation
