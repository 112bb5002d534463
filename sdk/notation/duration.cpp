#include "notation/duration.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <system_error>
#include <utility>

namespace quern::notation {
namespace {

constexpr std::uint64_t kMinute = 60, kHour = 3600, kDay = 86'400;
// The times come from a peer and may be any number. Beyond these limits they are meaningless.
constexpr double kReadableMost = 1e24, kCountedMost = 1e15;

template <typename... Values>
std::string formatted(const char* pattern, Values... values) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), pattern, values...);
  return text.data();
}

/// Removes the trailing zeros of the fraction.
std::string fixed(double value, int digits) {
  std::array<char, 64> text{};
  const auto written = std::to_chars(text.data(), text.data() + text.size(), value,
                                     std::chars_format::fixed, digits);
  std::string number(text.data(), written.ptr);
  if (number.find('.') == std::string::npos) return number;
  number.erase(number.find_last_not_of('0') + 1);
  if (number.back() == '.') number.pop_back();
  return number;
}

}  // namespace

std::chrono::milliseconds milliseconds_of(double seconds, Rounding rounding) {
  const double ms = seconds * 1000;
  const double whole = rounding == Rounding::down      ? std::trunc(ms)
                       : rounding == Rounding::nearest ? std::round(ms)
                                                       : std::ceil(ms);
  return std::chrono::milliseconds(static_cast<std::int64_t>(whole));
}

std::optional<double> seconds_in(std::string_view text) {
  constexpr std::pair<std::string_view, double> kUnits[] = {
      {"", 1}, {"s", 1}, {"m", kMinute}, {"h", kHour}, {"d", kDay}};
  if (text.find_first_not_of("0123456789.smhd") != std::string_view::npos) return std::nullopt;
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc()) return std::nullopt;
  const std::string_view suffix(rest, static_cast<std::size_t>(end - rest));
  for (const auto& [unit, factor] : kUnits)
    if (suffix == unit) return number * factor;
  return std::nullopt;
}

std::string short_duration(double seconds) {
  if (!std::isfinite(seconds) || std::abs(seconds) >= kReadableMost) return "?";
  if (seconds < 0) return "-";
  if (seconds > 0 && seconds < 1e-5) return formatted("%.2f us", seconds * 1e6);
  if (seconds < 1e-3) return formatted("%.0f us", seconds * 1e6);
  if (seconds < 1) return formatted("%.0f ms", seconds * 1e3);
  if (seconds < 60) return formatted("%.1f s", seconds);
  const auto whole = static_cast<std::uint64_t>(std::min(seconds, kCountedMost));
  const auto part = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
  if (whole < kHour) return formatted("%llum%02llus", part(whole / kMinute), part(whole % kMinute));
  if (whole < kDay)
    return formatted("%lluh%02llum", part(whole / kHour), part(whole % kHour / kMinute));
  return formatted("%llud%02lluh", part(whole / kDay), part(whole % kDay / kHour));
}

std::string long_duration(double seconds) {
  if (!(seconds > 0)) return "0 s";
  if (seconds < 1e-3) return fixed(seconds * 1e6, 1) + " us";
  if (seconds < 1) return fixed(seconds * 1e3, 3) + " ms";
  if (seconds < 2 * static_cast<double>(kMinute)) return fixed(seconds, 3) + " s";
  if (!(seconds < kCountedMost)) return "forever";
  const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
  const auto pair = [](std::uint64_t large, const char* unit, std::uint64_t small,
                       const char* small_unit) {
    return std::to_string(large) + unit + std::to_string(small) + small_unit;
  };
  if (whole < 2 * kHour) return pair(whole / kMinute, " min ", whole % kMinute, " s");
  if (whole < 2 * kDay) return pair(whole / kHour, " h ", whole % kHour / kMinute, " min");
  return pair(whole / kDay, " days ", whole % kDay / kHour, " h");
}

}  // namespace quern::notation
