#include "broker/actors/checksum.hpp"

#include <bit>
#include <cstring>

namespace quern::broker {
namespace {

constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15, kOther = 0xD6E8FEB86659FD93;

/// A bijection of `sum` for each `word`, so the effect of a changed word cannot be cancelled by the
/// following words.
std::uint64_t mixed(std::uint64_t sum, std::uint64_t word) {
  return std::rotl(sum ^ (word * kOther), 29) * kOdd;
}

/// Always little endian, because a store can be moved to another machine.
std::uint64_t word_at(const char* bytes, std::size_t count) {
  std::uint64_t word = 0;
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(&word, bytes, count);
  } else {
    for (std::size_t i = 0; i < count; ++i)
      word |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  return word;
}

}  // namespace

std::int64_t checksum_of(std::initializer_list<std::string_view> parts) {
  std::uint64_t sum = kOdd;
  for (std::string_view part : parts) {
    sum = mixed(sum, part.size());
    // Two at a time, so that the processor can multiply them in parallel.
    std::uint64_t beside = kOther;
    for (; part.size() >= 16; part.remove_prefix(16)) {
      sum = mixed(sum, word_at(part.data(), 8));
      beside = mixed(beside, word_at(part.data() + 8, 8));
    }
    for (; part.size() >= 8; part.remove_prefix(8)) sum = mixed(sum, word_at(part.data(), 8));
    if (!part.empty()) sum = mixed(sum, word_at(part.data(), part.size()));
    sum = mixed(sum, beside);
  }
  return static_cast<std::int64_t>(sum ^ (sum >> 32));
}

}  // namespace quern::broker
