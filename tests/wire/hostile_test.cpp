// Bytes from a faulty or malicious peer are refused cheaply and never crash.
#include <gtest/gtest.h>

#include <random>

#include "wire/codec.hpp"
#include "wire/samples.hpp"

namespace quern::wire::test {
namespace {

void expect_error(Bytes header) {
  const auto result = decode({Buffer::adopt(std::move(header))});
  EXPECT_TRUE(std::holds_alternative<DecodeError>(result));
}

Bytes operator""_h(const char* text, std::size_t size) { return Bytes(text, size); }

TEST(Hostile, a_message_without_parts_is_malformed) {
  EXPECT_TRUE(std::holds_alternative<DecodeError>(decode({})));
}

TEST(Hostile, too_many_parts_are_malformed) {
  const auto result = decode(Frames(kPartsMax + 1, Buffer::copy("\x93\x06\x05\x80")));
  EXPECT_EQ(std::get<DecodeError>(result).code, ErrorCode::limit);
}

TEST(Hostile, huge_lengths_in_a_few_bytes_are_malformed) {
  const Bytes start = "\x93\x06\x05\x81\xa4work"_h;
  for (const auto& claim : {"\xdd\xff\xff\xff\xff"_h, "\xdf\xff\xff\xff\xff"_h,
                            "\xdb\xff\xff\xff\xff"_h, "\xc6\xff\xff\xff\xff"_h,
                            "\xc9\xff\xff\xff\xff\x01"_h, "\xdc\xff\xff"_h, "\xde\xff\xff"_h}) {
    expect_error(start + claim);
    expect_error(claim);
  }
}

TEST(Hostile, deep_nesting_is_malformed) {
  const Bytes start = "\x93\x06\x05\x81\xa4work"_h;
  expect_error(start + Bytes(100'000, '\x91'));
  expect_error(start + Bytes(100'000, '\x91') + '\xc0');
  Bytes maps;
  for (int i = 0; i < 100'000; ++i) maps += "\x81\x01";
  expect_error(start + maps + '\xc0');
}

TEST(Hostile, a_header_over_the_limit_is_malformed) {
  const auto result = decode({Buffer::adopt(Bytes(kHeaderBytesMax + 1, '\x01'))});
  EXPECT_EQ(std::get<DecodeError>(result).code, ErrorCode::limit);
}

TEST(Hostile, bytes_that_are_not_a_header_are_malformed) {
  for (const auto& header :
       {""_h, "\xc0"_h, "hello"_h, "\x92\x06\x05"_h, "\x94\x06\x05\x80\x80"_h,
        "\x93\xa1x\x05\x80"_h, "\x93\x06\xff\x80"_h, "\x93\x06\x05\x90"_h,
        "\x93\x06\xcb\x40\x00\x00\x00\x00\x00\x00\x00\x80"_h, "\x93\x00\x05\x80"_h,
        "\x93\x0f\x05\x80"_h, "\x93\xcd\x01\x06\x05\x80"_h, "\xc1"_h})
    expect_error(header);
}

TEST(Hostile, values_of_the_wrong_type_are_malformed) {
  // The first key of QUERY, "token", with every other type; then keys that are not strings, which
  // count as unknown keys.
  for (const auto& value : {"\xc0"_h, "\xc3"_h, "\xff"_h, "\xa1x"_h, "\xc4\x01x"_h, "\x90"_h,
                            "\x80"_h, "\xd4\x01x"_h, "\xcb\x40\x00\x00\x00\x00\x00\x00\x00"_h})
    expect_error("\x93\x15\x05\x81\xa5token"_h + value);
  const auto result = decode({Buffer::adopt("\x93\x15\x05\x82\x01\x02\xc0\xc0"_h)});
  EXPECT_TRUE(std::holds_alternative<Envelope>(result));
}

TEST(Hostile, names_that_are_not_utf8_are_malformed) {
  for (const auto& name :
       {"\xff"_h, "\xc0\x80"_h, "\xed\xa0\x80"_h, "\xf5\x80\x80\x80"_h, "\xe2\x82"_h})
    expect_error("\x93\x16\x05\x81\xa6worker"_h + static_cast<char>(0xa0 + name.size()) + name);
}

TEST(Hostile, sizes_that_do_not_match_the_bytes_are_malformed) {
  const auto refused = [](Bytes sizes, Bytes bytes) {
    // APPEND of 2 tasks.
    Bytes header = "\x93\x11\x05\x82\xa3job\xc4\x10"_h + Bytes(16, 1) +
                   "\xa5"
                   "count\x02"_h;
    const auto result = decode({Buffer::adopt(std::move(header)), Buffer::adopt(std::move(sizes)),
                                Buffer::adopt(std::move(bytes))});
    return std::holds_alternative<DecodeError>(result);
  };
  EXPECT_FALSE(refused("\x01\0\0\0\x02\0\0\0"_h, "abc"));
  EXPECT_FALSE(refused("\x02\0\0\0"_h, "abcd"));
  EXPECT_TRUE(refused("\x01\0\0\0\x02\0\0\0"_h, "abcd"));
  EXPECT_TRUE(refused("\x02\0\0\0"_h, "abc"));
  EXPECT_TRUE(refused("\xff\xff\xff\xff\xff\xff\xff\xff"_h, "abc"));
  EXPECT_TRUE(refused("\xff\xff\xff\xff"_h, "abc"));
  EXPECT_TRUE(refused("\x01\0\0\0\x02\0\0"_h, "abc"));
  EXPECT_TRUE(refused("\x01\0\0\0\x01\0\0\0\x01\0\0\0"_h, "abc"));
  EXPECT_TRUE(refused(""_h, "abc"));
}

/// Changes a few bytes, or truncates, repeats or swaps parts.
Frames mutated(Frames frames, std::mt19937_64& random) {
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const std::size_t changes = 1 + below(4);
  for (std::size_t c = 0; c < changes && !frames.empty(); ++c) {
    const std::size_t part = below(3) == 0 ? below(frames.size()) : 0;
    Bytes bytes(frames[part].view());
    switch (below(8)) {
      case 0:
        bytes.resize(below(bytes.size() + 1));
        break;
      case 1:
        bytes.insert(below(bytes.size() + 1), Bytes(1 + below(4), static_cast<char>(random())));
        break;
      case 2:
        if (below(20) == 0) frames.erase(frames.begin() + static_cast<std::ptrdiff_t>(part));
        continue;
      default:
        if (!bytes.empty()) bytes[below(bytes.size())] = static_cast<char>(random());
    }
    frames[part] = Buffer::adopt(std::move(bytes));
  }
  return frames;
}

TEST(Hostile, mutated_messages_never_crash) {
  std::mt19937_64 random(20240601);
  std::size_t messages = 0;
  std::size_t errors = 0;
  constexpr int kIterations = 200'000;
  std::vector<Frames> goldens;
  for (const auto& s : samples()) goldens.push_back(encode(s.envelope));
  for (int i = 0; i < kIterations; ++i) {
    const auto result = decode(mutated(goldens[random() % goldens.size()], random));
    if (const auto* envelope = std::get_if<Envelope>(&result)) {
      ++messages;
      // A message that decodes must survive another round trip.
      if (i % 16 == 0) {
        const auto again = decode(encode(*envelope));
        ASSERT_TRUE(std::holds_alternative<Envelope>(again)) << std::get<DecodeError>(again).text;
        ASSERT_TRUE(std::get<Envelope>(again) == *envelope);
      }
    } else {
      ++errors;
    }
  }
  EXPECT_GT(messages, kIterations / 100u);
  EXPECT_GT(errors, kIterations / 4u);
}

TEST(Hostile, random_bytes_never_crash) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 50'000; ++i) {
    Bytes header(1 + random() % 40, '\0');
    for (char& c : header) c = static_cast<char>(random());
    if (i % 2 == 0) header.replace(0, 1, "\x93\x10\x01\x84");
    (void)decode(
        {Buffer::adopt(std::move(header)), Buffer::copy("\x01\x01\x01\x01"), Buffer::copy("x")});
  }
}

}  // namespace
}  // namespace quern::wire::test
