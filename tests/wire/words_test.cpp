#include "wire/words.hpp"

#include <gtest/gtest.h>

#include <set>

#include "wire/text.hpp"

namespace quern::wire::test {
namespace {

TEST(Words, every_error_code_has_its_own_word) {
  std::set<std::string_view> seen;
  for (int i = 0; i <= static_cast<int>(ErrorCode::shutdown); ++i) {
    const auto code = static_cast<ErrorCode>(i);
    EXPECT_FALSE(to_string(code).empty());
    EXPECT_EQ(error_code(to_string(code)), code);
    seen.insert(to_string(code));
  }
  EXPECT_EQ(seen.size(), 20u);
  EXPECT_EQ(error_code("a word of tomorrow"), ErrorCode::failed);
}

TEST(Words, the_words_of_public_enumerations_are_fixed) {
  EXPECT_EQ(to_string(ErrorCode::results_unread), "results_unread");
  EXPECT_EQ(to_string(JobState::cancelled), "cancelled");
  EXPECT_EQ(to_string(InputKind::items), "items");
  EXPECT_EQ(to_string(Takes::item), "item");
  EXPECT_EQ(to_string(Durability::durable), "durable");
}

TEST(Uuid, a_uuid_is_written_as_groups_of_hex_digits) {
  quern::Uuid uuid;
  for (std::uint8_t i = 0; i < 16; ++i) uuid.bytes[i] = static_cast<std::uint8_t>(i * 17);
  EXPECT_EQ(uuid.text(), "00112233-4455-6677-8899-aabbccddeeff");
}

TEST(Uuid, random_uuids_are_version_four_and_differ) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto text = quern::Uuid::random().text();
    EXPECT_EQ(text[14], '4');
    EXPECT_NE(std::string("89ab").find(text[19]), std::string::npos);
    seen.insert(text);
  }
  EXPECT_EQ(seen.size(), 1000u);
}

TEST(Text, invalid_utf8_is_recognised) {
  for (const auto* good :
       {"", "plain and longer than eight", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
        "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf", "eight---\xc3\xa4 and more"})
    EXPECT_TRUE(valid_utf8(good)) << good;
  for (const auto* bad : {"\x80", "\xc0\xaf", "\xc3", "\xe0\x80\xaf", "\xed\xa0\x80",
                          "\xf0\x80\x80\xaf", "\xf4\x90\x80\x80", "\xff", "eight---\xc3"})
    EXPECT_FALSE(valid_utf8(bad)) << bad;
  EXPECT_EQ(clean_utf8("a\xff\xc3\xa4\xe2\x82z"), "a?\xc3\xa4??z");
}

TEST(Text, text_is_cut_between_characters) {
  EXPECT_EQ(cut_utf8("abc", 3), "abc");
  EXPECT_EQ(cut_utf8("abc", 2), "ab");
  EXPECT_EQ(cut_utf8("a\xf0\x9f\x98\x80", 4), "a");
  EXPECT_EQ(cut_utf8("\xc3\xa4\xc3\xa4", 3), "\xc3\xa4");
  EXPECT_EQ(cut_utf8("abc", 0), "");
}

}  // namespace
}  // namespace quern::wire::test
