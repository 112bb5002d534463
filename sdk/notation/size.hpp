// Numbers of bytes as options take them. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace quern::notation {

/// The largest size that an option may give: 1 EiB.
inline constexpr std::uint64_t kSizeMax = 1ULL << 60;

/// A number of bytes with an optional unit, as GNU programs take it: "64K", "64KiB" and "65536" are
/// the same, "64kB" is 64,000. K, M, G, T and KiB, MiB, GiB, TiB are powers of 1024; kB, MB, GB, TB
/// are powers of 1000. The prefix may be in either case, and the number may have a fraction.
/// Nothing if the text has another form, is negative, or exceeds kSizeMax.
std::optional<std::uint64_t> size_in(std::string_view text);

}  // namespace quern::notation
