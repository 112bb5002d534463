#include "wire/number.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <msgpack.hpp>
#include <random>

namespace quern::wire::test {
namespace {

Bytes operator""_n(const char* text, std::size_t size) { return Bytes(text, size); }

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr Int128 kTwo64 = static_cast<Int128>(1) << 64;
constexpr Int128 kMost = ((static_cast<Int128>(1) << 126) - 1) * 2 + 1;
constexpr Int128 kLeast = -kMost - 1;

template <typename T>
Bytes packed(T v) {
  msgpack::sbuffer buffer;
  msgpack::pack(buffer, v);
  return Bytes(buffer.data(), buffer.size());
}

void expect_integer(Int128 n) {
  const auto bytes = bytes_of(n);
  const auto back = number_from(bytes);
  ASSERT_TRUE(back.has_value());
  ASSERT_TRUE(std::get<Int128>(*back) == n);
}

TEST(Number, integers_are_encoded_as_msgpack_does) {
  std::mt19937_64 random(1);
  std::vector<std::uint64_t> values{0,   1,     127,   128,        255,
                                    256, 65535, 65536, 0xffffffff, 0x100000000};
  for (int i = 0; i < 2000; ++i) values.push_back(random() >> (random() % 64));
  for (const auto v : values) {
    EXPECT_EQ(bytes_of(Int128{v}), packed(v));
    const auto negative = -static_cast<std::int64_t>(v >> 1);
    EXPECT_EQ(bytes_of(Int128{negative}), packed(negative));
    expect_integer(Int128{v});
    expect_integer(Int128{negative});
  }
  EXPECT_EQ(bytes_of(Int128{std::numeric_limits<std::int64_t>::min()}),
            packed(std::numeric_limits<std::int64_t>::min()));
  EXPECT_EQ(bytes_of(kTwo64 - 1), packed(std::numeric_limits<std::uint64_t>::max()));
}

TEST(Number, integers_beyond_64_bits_use_extension_type_one) {
  EXPECT_EQ(bytes_of(kTwo64), "\xd8\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0"_n);
  EXPECT_EQ(bytes_of(Int128{std::numeric_limits<std::int64_t>::min()} - 1),
            "\xd8\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff"_n);
  EXPECT_TRUE(is_wide(bytes_of(kTwo64)));
  EXPECT_FALSE(is_wide(bytes_of(kTwo64 - 1)));
  for (const Int128 n : {kTwo64, -kTwo64, kTwo64 * 12345, -kTwo64 * 12345 - 7, kMost, kLeast})
    expect_integer(n);
}

TEST(Number, longer_encodings_than_needed_are_read) {
  EXPECT_TRUE(std::get<Int128>(*number_from("\xcf\0\0\0\0\0\0\0\x05"_n)) == 5);
  EXPECT_TRUE(std::get<Int128>(*number_from("\xd3\xff\xff\xff\xff\xff\xff\xff\xfe"_n)) == -2);
  EXPECT_TRUE(std::get<Int128>(*number_from("\xd0\xfe"_n)) == -2);
  EXPECT_TRUE(std::get<Int128>(*number_from("\xd2\x80\0\0\0"_n)) ==
              std::numeric_limits<std::int32_t>::min());
}

TEST(Number, doubles_survive_a_round_trip) {
  for (const double d : {0.0, -0.0, 1.5, -1e300, kInfinity, 5e-324}) {
    const auto bytes = bytes_of(d);
    EXPECT_EQ(bytes.size(), 9u);
    EXPECT_EQ(std::get<double>(*number_from(bytes)), d);
  }
  EXPECT_EQ(std::get<double>(*number_from("\xca\x3f\xc0\0\0"_n)), 1.5);
  EXPECT_EQ(bytes_of(-kNan), bytes_of(kNan));
}

TEST(Number, other_bytes_are_no_number) {
  for (const auto& bytes :
       {""_n, "\xc0"_n, "\xc3"_n, "\xa1x"_n, "\xc4\0"_n, "\x90"_n, "\x80"_n, "\xc1"_n, "\x05\x05"_n,
        "\xcc"_n, "\xcd\x01"_n, "\xcb\0"_n, "\xcf\0\0\0\0\0\0\0"_n, "\xd8\x01\0"_n, "\xd4\x01\0"_n,
        "\xd8\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"_n})
    EXPECT_FALSE(number_from(bytes).has_value());
}

TEST(Number, integers_are_added_exactly) {
  EXPECT_TRUE(std::get<Int128>(add(kTwo64 - 1, Int128{1})) == kTwo64);
  EXPECT_EQ(std::get<double>(add(Int128{1}, 0.5)), 1.5);
  EXPECT_TRUE(std::isnan(std::get<double>(add(kNan, Int128{1}))));
  EXPECT_TRUE(
      std::holds_alternative<double>(add(kMost, Int128{1})));  // a forged number must not overflow
}

TEST(Number, the_order_of_numbers_is_exact_and_total) {
  const Int128 big = static_cast<Int128>(1) << 53;
  const std::vector<Number> ascending{
      -kInfinity, -1e300, kLeast,  Int128{-1},         -0.5,    Int128{0}, 0.5,
      Int128{1},  1.5,    big - 1, 9007199254740992.0, big + 1, kTwo64,    1e300,
      kInfinity,  kNan};
  for (std::size_t i = 0; i < ascending.size(); ++i)
    for (std::size_t j = 0; j < ascending.size(); ++j)
      EXPECT_EQ(less(ascending[i], ascending[j]), i < j) << i << " " << j;
  EXPECT_FALSE(less(Int128{1}, 1.0) || less(1.0, Int128{1}));
}

}  // namespace
}  // namespace quern::wire::test
