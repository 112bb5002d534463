#include "gateway/http/target.hpp"

namespace quern::gateway {
namespace {

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// Calls `visit` for each part of `text` between two separators; false as soon as it says so.
template <typename Visit>
bool each_part(std::string_view text, char separator, Visit visit) {
  while (!text.empty()) {
    const std::size_t end = text.find(separator);
    const std::string_view part = text.substr(0, end);
    if (!part.empty() && !visit(part)) return false;
    if (end == text.npos) break;
    text.remove_prefix(end + 1);
  }
  return true;
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text, bool plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? digit_of(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? digit_of(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (plus && c == '+') {
      c = ' ';
    }
    if (c == '\0') return std::nullopt;
    out += c;
  }
  return out;
}

std::optional<std::string> Target::parameter(std::string_view name) const {
  for (const auto& [key, value] : parameters)
    if (key == name) return value;
  return std::nullopt;
}

std::optional<Target> target_of(std::string_view text) {
  if (!text.starts_with('/') || text.find('#') != text.npos) return std::nullopt;
  Target target;
  const std::size_t question = text.find('?');
  const std::string_view query = question == text.npos ? "" : text.substr(question + 1);
  const bool path_ok = each_part(text.substr(0, question), '/', [&](std::string_view part) {
    auto segment = percent_decoded(part);
    if (!segment || *segment == "." || *segment == "..") return false;
    target.segments.push_back(std::move(*segment));
    return true;
  });
  const bool query_ok = each_part(query, '&', [&](std::string_view part) {
    const std::size_t equals = part.find('=');
    auto name = percent_decoded(part.substr(0, equals), true);
    auto value = percent_decoded(equals == part.npos ? "" : part.substr(equals + 1), true);
    if (!name || !value) return false;
    target.parameters.emplace_back(std::move(*name), std::move(*value));
    return true;
  });
  if (!path_ok || !query_ok) return std::nullopt;
  return target;
}

}  // namespace quern::gateway
