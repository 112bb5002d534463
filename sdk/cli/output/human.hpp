// Numbers as people read them. Pure.
#pragma once

#include <cstdint>
#include <string>

namespace quern::cli {

/// 999, 1.2k, 34.5M, 2.0G (powers of 1000).
std::string human_count(double count);
/// 999 B, 1.2 KiB, 3.4 MiB.
std::string human_bytes(std::uint64_t bytes);
/// "1.2k/s"; "-" when nothing is known yet.
std::string human_rate(double per_second);
/// 12.3 %
/// "1 worker", "2 workers".
std::string plural(std::uint64_t n, const std::string& word);
std::string percent(double share);
/// "[####    ]" with this many cells between the brackets.
std::string bar(double share, std::size_t cells);

}  // namespace quern::cli
