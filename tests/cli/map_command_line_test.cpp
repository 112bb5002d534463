// The command line of `quern map`.
#include <gtest/gtest.h>

#include "cli/cli_fixture.hpp"
#include "cli/request/argument_source.hpp"
#include "cli/request/map_request.hpp"
#include "cli/syntax/options.hpp"

namespace quern::cli {
namespace {

Words words_of(const Arguments& arguments) { return map_request(arguments)->shown.words; }

TEST(MapCommandLine, our_options_end_where_the_command_begins) {
  EXPECT_EQ(words_of({"gzip", "-9", "{}"}), (Words{"gzip", "-9", "{}"}));
  EXPECT_EQ(words_of({"-k", "-n", "2", "ls", "-k"}), (Words{"ls", "-k"}));
  EXPECT_EQ(words_of({"-kn2", "--timeout=3", "--tag", "--", "-x"}), (Words{"-x"}));
  EXPECT_EQ(words_of({"--timeout", "3", "ls", "--", "x"}), (Words{"ls", "--", "x"}));
  EXPECT_EQ(words_of({"echo", ":::", "a", "b"}), (Words{"echo"}));
  const auto request = map_request({"-0", "echo", ":::", "a", ":::", "1", "2"});
  EXPECT_EQ(request->lists, (std::vector<Words>{{"a"}, {"1", "2"}}));
  EXPECT_EQ(request->record_end, '\0');
}

TEST(MapCommandLine, a_script_is_one_word) {
  EXPECT_EQ(map_request({"echo {} | wc"})->command.words.front(), "/bin/sh");
  EXPECT_EQ(map_request({"echo", "{} | wc"})->command.words, (Words{"echo", "{} | wc"}));
}

TEST(MapCommandLine, without_a_command_each_value_is_a_command) {
  const auto request = map_request({":::", "echo a", "true"});
  ASSERT_TRUE(request);
  EXPECT_EQ(request->command.words, (Words{"/bin/sh", "-c", "{}"}));
  EXPECT_EQ(request->shown.words, Words{"{}"});
  EXPECT_EQ(request->lists, (std::vector<Words>{{"echo a", "true"}}));
}

TEST(MapCommandLine, invalid_combinations_are_refused) {
  const Arguments bad[] = {{"--pipe"},
                           {"--loop", "-k"},
                           {"-n", "0", "x"},
                           {"-j", "x", "x"},
                           {"-j", "1.5", "x"},
                           {"-j", "99999999999", "x"},
                           {"-j", "+1%", "x"},
                           {"-j", "1001%", "x"},
                           {"echo", ":::+", "a"},
                           {"echo", "{%}"},
                           {"echo", "{= s:x:y: =}"},
                           {"echo", "{+/}"},
                           {"echo a {2..} b"},
                           {"--put", "{%}", "cat"},
                           {"--get", "../x", "cat"},
                           {"--weight", "1e308", "x"},
                           {"--weight", "nan", "x"},
                           {"--resource", "gpu=1e300", "x"},
                           {"--idempotent", "--at-most-once", "x"},
                           {"--at-most-once", "--retries", "1", "x"},
                           {"--pipe", "--loop", "x"},
                           {"--block", "1M", "x"},
                           {"--reduce", "x", "x"},
                           {"--frame", "length", "x"},
                           {"--loop", "--frame", "words", "x"},
                           {"--loop", "--tag", "x"},
                           {"--pipe", "x", ":::", "a"},
                           {"--resume", "x"},
                           {"--retries", "-1", "x"},
                           {"--timeout", "0", "x"},
                           {"--block", "x", "--pipe", "x"},
                           {"--halt", "soon", "x"},
                           {"--detach", "--halt", "now,fail=1", "x"},
                           {"-a", "f", "x", ":::", "a"},
                           {"--env", "QUERN_SURELY_NOT_SET", "x"},
                           {"--unknown", "x"},
                           {""}};
  for (const Arguments& arguments : bad)
    EXPECT_THROW(map_request(arguments), UsageError) << testing::PrintToString(arguments);
}

TEST(MapCommandLine, braces_of_the_shell_are_not_replacement_strings) {
  for (const char* word :
       {"echo {1..9}", "echo ${%}", "echo ${x##y}", "echo {a,b}", "awk '{print}'"})
    EXPECT_NO_THROW(map_request({word, ":::", "a"})) << word;
}

TEST(MapCommandLine, the_number_of_jobs_may_be_relative_to_the_slots) {
  const auto of = [](const char* text, std::uint64_t slots) {
    return at_once_of(*map_request({"-j", text, "x", ":::", "a"}), slots);
  };
  EXPECT_EQ(of("3", 8), 3u);
  EXPECT_EQ(of("0", 8), 0u);
  EXPECT_EQ(of("+1", 8), 9u);
  EXPECT_EQ(of("-1", 8), 7u);
  EXPECT_EQ(of("-9", 8), 1u);
  EXPECT_EQ(of("50%", 8), 4u);
  EXPECT_EQ(of("1%", 8), 1u);
}

TEST(MapCommandLine, linked_lists_advance_together) {
  const auto request =
      map_request({"echo", ":::", "A", "B", ":::+", "F", "G", "H", ":::", "1", "2"});
  EXPECT_EQ(request->linked, (std::vector<bool>{false, true, false}));
  const auto source = arguments_of(request->lists, 1, request->linked);
  std::vector<Words> all;
  for (Words arguments; source->next(arguments);) all.push_back(arguments);
  EXPECT_EQ(all, (std::vector<Words>{
                     {"A", "F", "1"}, {"A", "F", "2"}, {"B", "G", "1"}, {"B", "G", "2"}}));
}

TEST(MapCommandLine, at_most_once_means_one_attempt) {
  const auto request = map_request({"--at-most-once", "x"});
  EXPECT_TRUE(request->submit.at_most_once);
  EXPECT_EQ(request->submit.attempts, 1u);
  EXPECT_TRUE(map_request({"--idempotent", "x"})->submit.idempotent);
}

}  // namespace
}  // namespace quern::cli
