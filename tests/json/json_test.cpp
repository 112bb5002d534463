#include "json/json.hpp"

#include <gtest/gtest.h>

#include "quern/typed.hpp"

namespace quern::json {
namespace {

std::string text_of(BytesView bytes, Encoding encoding) {
  std::string out;
  append_result(out, bytes, encoding);
  return out;
}

TEST(ResultAsJson, raw_text_is_a_string) {
  EXPECT_EQ(text_of("plain", Encoding::raw), "\"plain\"");
  EXPECT_EQ(text_of("", Encoding::raw), "\"\"");
  EXPECT_EQ(text_of("say \"é\"\\\n\t\r", Encoding::raw), "\"say \\\"é\\\"\\\\\\n\\t\\r\"");
  EXPECT_EQ(text_of(std::string_view("\0\x1f\x7f", 3), Encoding::raw), "\"\\u0000\\u001f\\u007f\"");
}

TEST(ResultAsJson, bytes_that_are_not_utf8_are_base64) {
  for (const char* bytes :
       {"\xff\xfe", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe0\x80\x80"})
    EXPECT_EQ(text_of(bytes, Encoding::raw).substr(0, 12), "{\"base64\": \"") << bytes;
  EXPECT_EQ(text_of("\xff", Encoding::raw), "{\"base64\": \"/w==\"}");
  EXPECT_EQ(text_of("\xff\xfe", Encoding::raw), "{\"base64\": \"//4=\"}");
  EXPECT_EQ(text_of("\xff\xfe\xfd", Encoding::raw), "{\"base64\": \"//79\"}");
}

TEST(ResultAsJson, a_value_is_printed_as_json) {
  EXPECT_EQ(text_of(to_value(5050), Encoding::value), "5050");
  EXPECT_EQ(text_of(to_value(std::string("word")), Encoding::value), "\"word\"");
}

TEST(ResultAsJson, bytes_that_are_not_a_value_are_base64) {
  EXPECT_EQ(text_of("\xc1", Encoding::value), "{\"base64\": \"wQ==\"}");
}

TEST(StatusAsJson, names_that_are_not_utf8_do_not_break_the_line) {
  JobStatus status;
  status.name = "\xff";
  EXPECT_EQ(Json::parse(line_of(to_json(status)))["name"], "\xEF\xBF\xBD");
}

TEST(StatusAsJson, shares_of_the_work_add_up) {
  JobStatus status;
  status.shares = {{"a", 1, 30, 0, 0, 1}, {"b", 1, 10, 0, 0, 1}};
  const Json object = to_json(status);
  EXPECT_EQ(object["workers"][0]["share"], 0.75);
  EXPECT_EQ(object["workers"][1]["share"], 0.25);
}

}  // namespace
}  // namespace quern::json
