#include "keys/grant.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <chrono>

#include "keys/error.hpp"

namespace quern::keys {
namespace {

constexpr std::pair<GrantRole, std::string_view> kRoles[] = {{GrantRole::submit, "submit"},
                                                             {GrantRole::work, "work"},
                                                             {GrantRole::read, "read"},
                                                             {GrantRole::admin, "admin"}};

/// An address as bytes: 4 or 16 of them; empty if it is not an address. An IPv4-mapped IPv6
/// address counts as IPv4.
std::string bytes_of(std::string_view address) {
  const std::string text(address);
  std::array<unsigned char, 16> bytes{};
  if (::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1)
    return {bytes.begin(), bytes.begin() + 4};
  if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) return {};
  constexpr std::array<unsigned char, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  const bool mapped = std::equal(kMapped.begin(), kMapped.end(), bytes.begin());
  return {bytes.begin() + (mapped ? 12 : 0), bytes.end()};
}

/// Whether `text` matches `form`, where each d stands for a digit.
bool has_form(std::string_view text, std::string_view form) {
  return text.size() == form.size() &&
         std::equal(text.begin(), text.end(), form.begin(),
                    [](char c, char f) { return f == 'd' ? c >= '0' && c <= '9' : c == f; });
}

/// The number formed by some digits of a text.
unsigned digits(std::string_view text, std::size_t at, std::size_t count) {
  unsigned number = 0;
  for (const char c : text.substr(at, count)) number = 10 * number + static_cast<unsigned>(c - '0');
  return number;
}

}  // namespace

std::uint8_t roles_of(std::string_view words) {
  std::uint8_t roles = 0;
  for (bool more = !words.empty(); more;) {
    const auto comma = words.find(',');
    const std::string_view word = words.substr(0, comma);
    const auto* role = std::find_if(std::begin(kRoles), std::end(kRoles),
                                    [&](const auto& r) { return r.second == word; });
    if (role == std::end(kRoles))
      throw KeyError("'" + std::string(word) +
                     "' is not a role; use submit, work, read, admin, separated by commas");
    roles = static_cast<std::uint8_t>(roles | static_cast<std::uint8_t>(role->first));
    more = comma != std::string_view::npos;
    words.remove_prefix(more ? comma + 1 : words.size());
  }
  if (roles == 0)
    throw KeyError("a key needs a role: submit, work, read, admin, separated by commas");
  return roles;
}

std::string role_words(std::uint8_t roles) {
  std::string words;
  for (const auto& [role, word] : kRoles) {
    if ((roles & static_cast<std::uint8_t>(role)) == 0) continue;
    if (!words.empty()) words += ',';
    words += word;
  }
  return words;
}

bool is_principal_name(std::string_view name) {
  const auto safe = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '@' || c == '-';
  };
  constexpr std::string_view kTaken[] = {"broker", "operator", "anonymous"};
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), safe) &&
         std::isalnum(static_cast<unsigned char>(name[0])) != 0 &&
         std::find(std::begin(kTaken), std::end(kTaken), name) == std::end(kTaken);
}

std::int64_t time_of(std::string_view text) {
  const std::string copy(text);
  constexpr std::string_view kDay = "dddd-dd-dd";
  constexpr std::string_view kMoment = "dddd-dd-ddTdd:dd:ddZ";
  const bool is_moment = has_form(text, kMoment);
  // A date without a time means its end: hour 24.
  const unsigned hour = is_moment ? digits(text, 11, 2) : 24;
  const unsigned minute = is_moment ? digits(text, 14, 2) : 0;
  const unsigned second = is_moment ? digits(text, 17, 2) : 0;
  if ((!is_moment && !has_form(text, kDay)) || (is_moment && hour > 23) || minute > 59 ||
      second > 59)
    throw KeyError("'" + copy + "' is not a time such as 2027-01-31 or 2027-01-31T12:00:00Z (UTC)");
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(digits(text, 0, 4))),
                                         std::chrono::month(digits(text, 5, 2)),
                                         std::chrono::day(digits(text, 8, 2))};
  if (!date.ok()) throw KeyError("'" + copy + "' is not a date in the calendar");
  if (date.year() > std::chrono::year(9998))
    throw KeyError("'" + copy +
                   "' is too far in the future; leave it out for a key that does not expire");
  const auto moment = std::chrono::sys_days(date) + std::chrono::hours(hour) +
                      std::chrono::minutes(minute) + std::chrono::seconds(second);
  return std::chrono::duration_cast<std::chrono::seconds>(moment.time_since_epoch()).count();
}

bool address_matches(std::string_view pattern, std::string_view address) {
  const auto slash = pattern.find('/');
  const std::string network = bytes_of(pattern.substr(0, slash));
  const std::string bytes = bytes_of(address);
  if (network.empty() || network.size() != bytes.size()) return false;
  std::size_t bits = network.size() * 8;
  if (slash != std::string_view::npos) {
    const std::string_view digits = pattern.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (error != std::errc{} || end != digits.data() + digits.size() || bits > network.size() * 8)
      return false;
  }
  for (std::size_t bit = 0; bit < bits; ++bit) {
    const int mask = 0x80 >> (bit % 8);
    if ((network[bit / 8] & mask) != (bytes[bit / 8] & mask)) return false;
  }
  return true;
}

bool comes_from(const std::vector<std::string>& patterns, const std::string& address) {
  const std::string_view from = address.empty() ? "127.0.0.1" : std::string_view(address);
  return patterns.empty() || std::any_of(patterns.begin(), patterns.end(),
                                         [&](const auto& p) { return address_matches(p, from); });
}

}  // namespace quern::keys
