#include "notation/size.hpp"

#include <charconv>
#include <cmath>

namespace quern::notation {
namespace {

constexpr std::string_view kPrefixes = "kmgt";

/// How many bytes the unit stands for; 0 if it is not a unit.
double factor_of(std::string_view unit) {
  if (unit.empty() || unit == "B") return 1;
  const auto power = kPrefixes.find(static_cast<char>(unit.front() | 0x20));
  if (power == kPrefixes.npos) return 0;
  const std::string_view tail = unit.substr(1);
  const double base = tail.empty() || tail == "iB" ? 1024 : tail == "B" ? 1000 : 0;
  return std::pow(base, static_cast<double>(power + 1));
}

}  // namespace

std::optional<std::uint64_t> size_in(std::string_view text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc{} || std::signbit(number)) return std::nullopt;
  const double factor = factor_of({rest, static_cast<std::size_t>(end - rest)});
  const double bytes = number * factor;
  if (factor == 0 || !(bytes <= static_cast<double>(kSizeMax))) return std::nullopt;
  return static_cast<std::uint64_t>(bytes);
}

}  // namespace quern::notation
