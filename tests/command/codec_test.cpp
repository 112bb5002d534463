#include <gtest/gtest.h>

#include "quern/command.hpp"
#include "quern/typed.hpp"

namespace quern {
namespace {

TEST(CommandCodec, a_command_survives_a_round_trip) {
  Command command;
  command.words = {"a", "", "\xff z"};
  command.env = {"A=1"};
  command.cwd = "/tmp";
  command.cwd_optional = true;
  command.feed = Command::Feed::input;
  command.frame = Command::Frame::length;
  command.numbered = command.echo = true;
  command.timeout_ms = 1500;
  command.memory_bytes = 1u << 30;
  command.files = {{"a/b", 0755, Bytes("\0x", 2)}};
  command.get = {"*.out"};
  command.permanent_exits = {65, 255};
  EXPECT_EQ(command_in(to_bytes(command)), command);
  EXPECT_EQ(command_in(to_bytes(Command{.words = {"x"}})), Command{.words = {"x"}});

  CommandResult result;
  result.code = 3;
  result.signal = 9;
  result.timed_out = true;
  result.out = std::string("\0\xff", 2);
  result.err = "e";
  result.host = "h";
  result.started_s = 1.5;
  result.ran_s = 0.25;
  result.number = 1ULL << 40;
  result.arguments = {"a", ""};
  EXPECT_EQ(command_result(to_bytes(result)), result);

  const CommandItem item{{"a"}, {"X=y"}, "/", Bytes("in"), {{"f", 0600, "b"}}, 9};
  EXPECT_EQ(command_item(to_bytes(item)), item);
}

TEST(CommandCodec, file_names_cannot_leave_their_folder) {
  for (const char* name : {"a", "a/b", "..a", "a../b", ".x"})
    EXPECT_TRUE(stays_within(name)) << name;
  for (const char* name : {"", "/a", "..", "a/../b", "a//b", "a/", ".", "./a"}) {
    EXPECT_FALSE(stays_within(name)) << name;
    EXPECT_THROW(command_in(to_bytes(Command{.words = {"x"}, .files = {{name, 0644, ""}}})),
                 std::invalid_argument)
        << name;
  }
  EXPECT_THROW(
      command_in(to_bytes(Command{.words = {"x"}, .files = {{"f", 0644, ""}, {"f", 0644, ""}}})),
      std::invalid_argument);
  EXPECT_THROW(command_in(to_bytes(Command{.words = {Bytes("x\0y", 3)}})), std::invalid_argument);
}

TEST(CommandCodec, unknown_keys_are_ignored) {
  const Bytes newer =
      to_value(std::map<std::string, std::vector<std::string>>{{"words", {"x"}}, {"later", {"y"}}});
  EXPECT_EQ(command_in(newer).words, std::vector<std::string>{"x"});
}

TEST(CommandCodec, malformed_bytes_are_an_error) {
  const Bytes good = to_bytes(Command{.words = {"x", "y"}, .env = {"A=1"}});
  for (std::size_t n = 0; n < good.size(); ++n)
    EXPECT_THROW(command_in(BytesView(good).substr(0, n)), std::invalid_argument) << n;
  for (const Bytes& bad :
       {Bytes(), Bytes("\xc0", 1), to_value(1), to_value(std::map<std::string, int>{{"words", 1}}),
        to_value(std::map<std::string, std::vector<std::string>>{{"words", {}}}),
        Bytes("\xdf\xff\xff\xff\xff", 5)})
    EXPECT_THROW(command_in(bad), std::invalid_argument);
  EXPECT_THROW(command_result(""), std::invalid_argument);
}

}  // namespace
}  // namespace quern
