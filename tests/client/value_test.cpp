// Values to JSON and back.
#include "quern/value.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <vector>

#include "quern/typed.hpp"

namespace quern {
namespace {

std::string round_trip(const std::string& text) {
  auto value = value_from_json(text);
  if (!value) return "<no json>";
  return json_from_value(*value).value_or("<no value>");
}

TEST(Value, json_survives_a_round_trip) {
  for (const char* text : {"0",
                           "-1",
                           "5050",
                           "18446744073709551615",
                           "-9223372036854775808",
                           "3.14159",
                           "1.0",
                           "0.1",
                           "0.5",
                           "1e+300",
                           "null",
                           "true",
                           "false",
                           "\"\"",
                           "\"a \\\"b\\\" \\n\"",
                           "[]",
                           "{}",
                           "[1,[2,[]],{}]",
                           "{\"a\":1,\"b\":[true,null]}",
                           "\"gr\u00fc\u00dfe\""}) {
    EXPECT_EQ(round_trip(text), text);
  }
}

TEST(Value, white_space_around_a_value_is_allowed) {
  EXPECT_EQ(round_trip(" \n[ 1 , 2 ]\n"), "[1,2]");
}

TEST(Value, text_that_is_not_one_json_value_is_refused) {
  for (const char* text : {"", " ", "1 2", "{", "[1,]", "nan", "NaN", "Infinity", "'a'", "abc",
                           "{\"a\":1}x", "1e999", "01", "\"\xff\""}) {
    EXPECT_FALSE(value_from_json(text)) << text;
  }
}

TEST(Value, integers_stay_integers) {
  EXPECT_EQ(*value_from_json("7"), to_value(7));
  EXPECT_EQ(*value_from_json("-7"), to_value(-7));
  EXPECT_EQ(from_value<std::uint64_t>(*value_from_json("18446744073709551615")),
            std::numeric_limits<std::uint64_t>::max());
}

TEST(Value, floats_are_printed_with_their_shortest_digits) {
  EXPECT_EQ(json_from_value(to_value(0.1f)), "0.1");
  EXPECT_EQ(json_from_value(to_value(0.1)), "0.1");
  EXPECT_EQ(json_from_value(std::string("\xcb\x40\x08\0\0\0\0\0\0", 9)), "3.0");
  EXPECT_EQ(json_from_value(to_value(3.0)), "3");  // msgpack-cxx packs whole doubles as integers
  EXPECT_EQ(json_from_value(to_value(std::numeric_limits<double>::quiet_NaN())), "null");
  EXPECT_EQ(json_from_value(to_value(std::numeric_limits<float>::infinity())), "null");
}

TEST(Value, binary_becomes_base64) {
  const auto bin = [](const std::string& s) {
    return to_value(std::vector<char>(s.begin(), s.end()));
  };
  EXPECT_EQ(json_from_value(bin("")), R"({"base64":""})");
  EXPECT_EQ(json_from_value(bin("f")), R"({"base64":"Zg=="})");
  EXPECT_EQ(json_from_value(bin("fo")), R"({"base64":"Zm8="})");
  EXPECT_EQ(json_from_value(bin("foo")), R"({"base64":"Zm9v"})");
  EXPECT_EQ(json_from_value(to_value(std::string("\xff\xfe"))), R"({"base64":"//4="})");
  EXPECT_EQ(json_from_value(std::string("\xd4\x05z", 3)), R"({"base64":"eg==","ext":5})");
}

TEST(Value, keys_that_are_not_strings_are_quoted) {
  EXPECT_EQ(json_from_value(to_value(std::map<int, int>{{1, 2}, {3, 4}})), R"({"1":2,"3":4})");
  EXPECT_EQ(json_from_value(to_value(std::map<std::vector<int>, int>{{{1, 2}, 3}})),
            R"({"[1,2]":3})");
}

TEST(Value, every_truncated_value_is_refused) {
  const Bytes whole = *value_from_json(R"({"a":[1,2.5,"text",null],"b":{"c":70000}})");
  for (std::size_t n = 0; n < whole.size(); ++n)
    EXPECT_FALSE(json_from_value(whole.substr(0, n))) << n;
  EXPECT_FALSE(json_from_value(whole + '\0'));
}

TEST(Value, huge_lengths_and_deep_nesting_are_refused) {
  EXPECT_FALSE(json_from_value(std::string("\xdd\xff\xff\xff\xff", 5)));
  EXPECT_FALSE(json_from_value(std::string("\xdf\xff\xff\xff\xff", 5)));
  EXPECT_FALSE(json_from_value(std::string("\xc6\xff\xff\xff\xff", 5)));
  EXPECT_FALSE(json_from_value("\xc1"));
  EXPECT_TRUE(json_from_value(std::string(63, '\x91') + "\x01"));
  EXPECT_FALSE(json_from_value(std::string(1'000'000, '\x91') + "\x01"));
  EXPECT_TRUE(value_from_json(std::string(64, '[') + std::string(64, ']')));
  EXPECT_FALSE(value_from_json(std::string(65, '[') + std::string(65, ']')));
  EXPECT_FALSE(value_from_json(std::string(1'000'000, '[')));
}

}  // namespace
}  // namespace quern
