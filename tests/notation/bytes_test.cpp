#include <gtest/gtest.h>

#include <utility>

#include "notation/base64.hpp"
#include "notation/hex.hpp"

namespace quern::notation {
namespace {

struct Case {
  BytesView bytes;
  const char* standard;
  const char* url;
};

constexpr Case kCases[] = {{"", "", ""},
                           {"f", "Zg==", "Zg"},
                           {"fo", "Zm8=", "Zm8"},
                           {"foo", "Zm9v", "Zm9v"},
                           {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
                           {"\xff\xfe\xfd", "//79", "__79"},
                           {"\xfb\xef", "++8=", "--8"},
                           {BytesView("\0\0", 2), "AAA=", "AAA"}};

TEST(Base64, bytes_are_written_and_read_in_both_forms) {
  for (const auto& [bytes, standard, url] : kCases) {
    EXPECT_EQ(base64(bytes), standard);
    EXPECT_EQ(from_base64(standard), bytes);
    EXPECT_EQ(base64(bytes, Base64::url), url);
    EXPECT_EQ(from_base64(url, Base64::url), bytes);
  }
}

TEST(Base64, other_texts_are_refused) {
  for (const char* text :
       {"Z", "Zg", "Zg=", "Zg===", "Zm8", "Zm9v\n", " Zm9v", "Zm9v Zm9v", "__79", "Zh==", "Zm9$"})
    EXPECT_EQ(from_base64(text), std::nullopt) << text;
  for (const char* text : {"Z", "Zg==", "//79", "Zh", "Zm9v\n"})
    EXPECT_EQ(from_base64(text, Base64::url), std::nullopt) << text;
}

TEST(Hex, a_byte_has_two_lower_case_digits) {
  const std::pair<BytesView, const char*> cases[] = {
      {"", ""}, {BytesView("\0", 1), "00"}, {"\x0f\xf0", "0ff0"}, {"\xde\xad\xbe\xef", "deadbeef"}};
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(hex(bytes), text);
    EXPECT_TRUE(is_hex(text));
  }
}

TEST(Hex, other_characters_are_no_digits) {
  for (std::size_t i = 0; i < kHexDigits.size(); ++i)
    EXPECT_EQ(hex_value(kHexDigits[i]), static_cast<int>(i));
  for (const char c : {'g', 'A', 'F', '/', ':', '`', ' ', '\0', '\xff'})
    EXPECT_EQ(hex_value(c), -1) << c;
  EXPECT_FALSE(is_hex("12 34"));
  EXPECT_FALSE(is_hex("AB"));
}

}  // namespace
}  // namespace quern::notation
