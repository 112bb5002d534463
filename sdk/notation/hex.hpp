// Bytes as lower-case hexadecimal digits. Pure; any thread.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "quern/bytes.hpp"

namespace quern::notation {

inline constexpr std::string_view kHexDigits = "0123456789abcdef";

/// The value of a lower-case digit, or -1.
constexpr int hex_value(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

inline bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return hex_value(c) >= 0; });
}

/// Appends the two digits of a byte.
inline void append_hex(std::string& text, unsigned char byte) {
  text += kHexDigits[byte >> 4];
  text += kHexDigits[byte & 15];
}

inline std::string hex(BytesView bytes) {
  std::string text;
  text.reserve(2 * bytes.size());
  for (const char c : bytes) append_hex(text, static_cast<unsigned char>(c));
  return text;
}

}  // namespace quern::notation
