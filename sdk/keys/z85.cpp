#include "keys/z85.hpp"

#include <array>
#include <cstdint>

namespace quern::keys {
namespace {

constexpr std::string_view kAlphabet =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
static_assert(kAlphabet.size() == 85);

constexpr std::array<int, 256> make_digits() {
  std::array<int, 256> digits{};
  for (auto& digit : digits) digit = -1;
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    digits[static_cast<unsigned char>(kAlphabet[i])] = static_cast<int>(i);
  return digits;
}
constexpr auto kDigits = make_digits();

}  // namespace

std::string z85_encode(std::string_view bytes) {
  std::string text;
  for (std::size_t at = 0; at + 4 <= bytes.size(); at += 4) {
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 4; ++i)
      group = group << 8 | static_cast<unsigned char>(bytes[at + i]);
    std::array<char, 5> digits{};
    for (std::size_t i = 5; i-- > 0; group /= 85) digits[i] = kAlphabet[group % 85];
    text.append(digits.data(), digits.size());
  }
  return text;
}

std::optional<std::string> z85_decode(std::string_view text) {
  if (text.size() % 5 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t at = 0; at < text.size(); at += 5) {
    std::uint64_t group = 0;
    for (std::size_t i = 0; i < 5; ++i) {
      const int digit = kDigits[static_cast<unsigned char>(text[at + i])];
      if (digit < 0) return std::nullopt;
      group = group * 85 + static_cast<std::uint64_t>(digit);
    }
    if (group > 0xFFFF'FFFF) return std::nullopt;
    for (int shift = 24; shift >= 0; shift -= 8)
      bytes.push_back(static_cast<char>(group >> shift & 0xFF));
  }
  return bytes;
}

}  // namespace quern::keys
