#include "keys/audit_line.hpp"

#include <array>
#include <charconv>
#include <cstdio>

#include "keys/error.hpp"
#include "keys/sodium.hpp"

namespace quern::keys {
namespace {

constexpr std::size_t kHash = 64;
constexpr std::string_view kStart = R"({"prev":")";

/// The length of the UTF-8 character that begins at `at`; 0 if it is invalid.
std::size_t character_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u;
  };
  const auto follows = [&](std::size_t n) {
    for (std::size_t i = 1; i <= n; ++i)
      if ((byte(i) & 0xC0u) != 0x80u) return false;
    return true;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first < 0xE0 && follows(1)) return 2;
  if (first >= 0xE0 && first < 0xF0 && follows(2) && !(first == 0xE0 && byte(1) < 0xA0) &&
      !(first == 0xED && byte(1) > 0x9F))
    return 3;
  if (first >= 0xF0 && first < 0xF5 && follows(3) && !(first == 0xF0 && byte(1) < 0x90) &&
      !(first == 0xF4 && byte(1) > 0x8F))
    return 4;
  return 0;
}

void append_escaped(std::string& out, unsigned code) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "\\u%04x", code);
  out += text.data();
}

void append_string(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const std::size_t length = character_at(text, i);
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += text[i];
    } else if (byte < 0x20 || byte == 0x7F || length == 0) {
      append_escaped(out, byte);
    } else {
      out += text.substr(i, length);
    }
    i += length == 0 ? 1 : length;
  }
  out += '"';
}

void append_field(std::string& out, const char* name, std::string_view value) {
  out += std::string(",\"") + name + "\":";
  append_string(out, value);
}

std::optional<std::uint64_t> number_after(std::string_view text, std::string_view label) {
  if (!text.starts_with(label)) return std::nullopt;
  text.remove_prefix(label.size());
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end == text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string next_line(AuditPosition& at, const AuditEntry& entry, std::string_view key) {
  std::string line = std::string(kStart) + at.hash + "\",\"n\":" + std::to_string(at.count + 1);
  append_field(line, "time", entry.time);
  append_field(line, "principal", entry.principal);
  append_field(line, "address", entry.address);
  append_field(line, "action", entry.action);
  append_field(line, "object", entry.object);
  append_field(line, "decision", entry.decision);
  append_field(line, "reason", entry.reason);
  line += '}';
  at = {at.count + 1, hash_hex(line, key)};
  return line;
}

std::optional<AuditPosition> position_before(std::string_view line) {
  if (!line.starts_with(kStart) || line.size() < kStart.size() + kHash || !line.ends_with('}'))
    return std::nullopt;
  const auto number = number_after(line.substr(kStart.size() + kHash), "\",\"n\":");
  if (!number || *number == 0) return std::nullopt;
  return AuditPosition{*number - 1, std::string(line.substr(kStart.size(), kHash))};
}

std::optional<std::string> continue_chain(AuditPosition& at, std::string_view line,
                                          std::string_view key) {
  const auto before = position_before(line);
  if (!before) return "it is not a line of an audit log";
  if (before->count != at.count)
    return "line " + std::to_string(at.count + 1) + " is expected here, but this is line " +
           std::to_string(before->count + 1) + ": lines were removed, inserted or reordered";
  if (before->hash != at.hash)
    return "its hash does not match the previous line, which was changed (or the log uses another "
           "secret)";
  at = {at.count + 1, hash_hex(line, key)};
  return std::nullopt;
}

std::optional<std::string> field_of(std::string_view line, std::string_view name) {
  const std::string label = "\"" + std::string(name) + "\":\"";
  // Values are escaped, so a label can only occur after the end of the previous value.
  std::size_t at = line.find(name == "prev" ? "{" + label : "," + label);
  if (at == std::string_view::npos) return std::nullopt;
  std::string value;
  for (at += label.size() + 1; at < line.size() && line[at] != '"'; ++at) {
    const bool escaped = line[at] == '\\';
    if (escaped) ++at;
    if (escaped && at + 4 < line.size() && line[at] == 'u') {
      unsigned code = 0;
      std::from_chars(line.data() + at + 1, line.data() + at + 5, code, 16);
      value += static_cast<char>(code & 0xFF);
      at += 4;
    } else if (at < line.size()) {
      value += line[at];
    }
  }
  return value;
}

std::string checkpoint_text(const AuditPosition& at, std::string_view key) {
  const std::string text = std::to_string(at.count) + " " + at.hash;
  return text + " " + hash_hex(text, key) + "\n";
}

AuditPosition checkpoint_of(std::string_view text, std::string_view key) {
  const auto first = text.find(' ');
  const auto second = first == std::string_view::npos ? first : text.find(' ', first + 1);
  AuditPosition at;
  const bool form = second == first + 1 + kHash && text.size() >= second + 1 + kHash &&
                    second != std::string_view::npos;
  if (form) std::from_chars(text.data(), text.data() + first, at.count);
  if (!form || !same_secret(hash_hex(text.substr(0, second), key), text.substr(second + 1, kHash)))
    throw KeyError("the checkpoint of the audit log was changed, or written with another secret");
  at.hash = text.substr(first + 1, kHash);
  return at;
}

}  // namespace quern::keys
