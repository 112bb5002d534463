// Decimal numbers, for functions that take one.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>

#include "quern/bytes.hpp"

namespace quern::functions {

/// A whole text that is one decimal number, not negative.
inline std::optional<std::uint64_t> decimal(BytesView text) {
  std::uint64_t n = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, n);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return n;
}

}  // namespace quern::functions
