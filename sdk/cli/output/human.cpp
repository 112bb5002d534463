#include "cli/output/human.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace quern::cli {
namespace {

template <typename... Values>
std::string format(const char* pattern, Values... values) {
  std::array<char, 64> text{};
  const int length = std::snprintf(text.data(), text.size(), pattern, values...);
  // Longer numbers are cut off; they would not be readable anyway.
  return {text.data(),
          static_cast<std::size_t>(std::clamp(length, 0, static_cast<int>(text.size()) - 1))};
}

/// Numbers are untrusted; beyond this they are not meaningful.
bool is_readable(double number) { return std::isfinite(number) && std::abs(number) < 1e24; }

}  // namespace

std::string human_count(double count) {
  if (!is_readable(count)) return "?";
  // 999.95 would print as "1000.0k" if the step were taken at 1000 exactly.
  static constexpr const char* kUnits[] = {"", "k", "M", "G", "T", "P", "E"};
  std::size_t unit = 0;
  while (std::abs(count) >= (unit == 0 ? 1000 : 999.95) && unit + 1 < std::size(kUnits)) {
    count /= 1000;
    ++unit;
  }
  if (unit == 0) return count == std::floor(count) ? format("%.0f", count) : format("%.1f", count);
  return format("%.1f%s", count, kUnits[unit]);
}

std::string human_bytes(std::uint64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double amount = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (amount >= 1023.95 && unit + 1 < std::size(kUnits)) {
    amount /= 1024;
    ++unit;
  }
  return unit == 0 ? format("%.0f B", amount) : format("%.1f %s", amount, kUnits[unit]);
}

std::string human_rate(double per_second) {
  return per_second > 0 ? human_count(per_second) + "/s" : "-";
}

std::string plural(std::uint64_t n, const std::string& word) {
  return std::to_string(n) + ' ' + word + (n == 1 ? "" : "s");
}

std::string percent(double share) {
  return !is_readable(share) ? "?" : format("%.1f %%", share * 100);
}

std::string bar(double share, std::size_t cells) {
  const auto filled = static_cast<std::size_t>((share > 0 ? std::min(share, 1.0) : 0.0) *
                                               static_cast<double>(cells));
  return "[" + std::string(filled, '#') + std::string(cells - filled, ' ') + "]";
}

}  // namespace quern::cli
