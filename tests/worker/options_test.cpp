// The command line and plugins; a mistake in either is reported in one clear line.
#include "worker/actors/options.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "worker/actors/allowed.hpp"
#include "worker/actors/capacity.hpp"
#include "worker/actors/plugin.hpp"

namespace quern::worker {
namespace {

Options parse(std::vector<const char*> words) {
  words.insert(words.begin(), "quern-worker");
  return parse_options(static_cast<int>(words.size()), words.data());
}

TEST(Options, options_have_their_defaults) {
  ::unsetenv("QUERN_BROKER");
  const Options options = parse({});
  EXPECT_EQ(options.endpoint, "tcp://127.0.0.1:7600");
  EXPECT_GE(options.slots, 1u);
  EXPECT_EQ(options.cpu_share, 1);
  EXPECT_FALSE(options.name.empty());
  EXPECT_EQ(options.drain_wait, std::chrono::seconds(30));
}

TEST(Options, the_broker_option_overrides_the_environment) {
  ::setenv("QUERN_BROKER", "tcp://10.0.0.5:1", 1);
  EXPECT_EQ(parse({}).endpoint, "tcp://10.0.0.5:1");
  EXPECT_EQ(parse({"--broker", "ipc:///x"}).endpoint, "ipc:///x");
  ::unsetenv("QUERN_BROKER");
}

TEST(Options, every_option_is_parsed) {
  const Options options = parse({"--slots",
                                 "3",
                                 "--name",
                                 "n",
                                 "--label",
                                 "a=b",
                                 "--label=c=d=e",
                                 "--resource",
                                 "gpu=2",
                                 "--load",
                                 "x.so",
                                 "--load",
                                 "y.so",
                                 "--cpu-share",
                                 "0.25",
                                 "--insecure",
                                 "--log-level",
                                 "off",
                                 "--drain-timeout",
                                 "1.5"});
  EXPECT_EQ(options.slots, 3u);
  EXPECT_EQ(options.name, "n");
  EXPECT_EQ(options.labels, (std::map<std::string, std::string>{{"a", "b"}, {"c", "d=e"}}));
  EXPECT_EQ(options.resources, (std::map<std::string, double>{{"gpu", 2}}));
  EXPECT_EQ(options.plugins, (std::vector<std::string>{"x.so", "y.so"}));
  EXPECT_EQ(options.cpu_share, 0.25);
  EXPECT_EQ(options.log_level, runtime::LogLevel::off);
  EXPECT_EQ(options.drain_wait, std::chrono::milliseconds(1500));
}

TEST(Options, help_and_version_take_precedence) {
  EXPECT_EQ(parse({"--help"}).show, Options::Show::help);
  EXPECT_EQ(parse({"--version"}).show, Options::Show::version);
  EXPECT_NE(help_text().find("--cpu-share"), std::string::npos);
}

TEST(Options, mistakes_are_reported_on_one_line) {
  const std::vector<std::vector<const char*>> table = {
      {"--nonsense"},
      {"--slot", "2"},  // abbreviations are not accepted
      {"stray"},
      {"--slots"},
      {"--slots", "0"},
      {"--slots", "1.5"},
      {"--broker", "tcp://127.0.0.1:99999"},
      {"--broker", "tcp://127.0.0.1:0"},
      {"--broker", "tcp://127.0.0.1"},
      {"--slots", "4097"},
      {"--slots", "x"},
      {"--slots", "-1"},
      {"--cpu-share", "0"},
      {"--cpu-share", "1.1"},
      {"--cpu-share", "nan"},
      {"--cpu-share", "half"},
      {"--label", "x"},
      {"--label", "=x"},
      {"--resource", "gpu=many"},
      {"--resource", "gpu=-1"},
      {"--broker", "localhost"},
      {"--name", ""},
      {"--log-level", "loud"},
      {"--drain-timeout", "-1"}};
  for (const auto& words : table) {
    try {
      parse(words);
      ADD_FAILURE() << words[0] << " is accepted";
    } catch (const UsageError& error) {
      const std::string text = error.what();
      EXPECT_FALSE(text.empty());
      EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    }
  }
}

// ---- plugins

std::string trouble_with(const std::string& path) {
  Functions functions;
  try {
    load_plugin(path, functions);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(Plugin, a_plugin_adds_its_functions) {
  Functions functions;
  load_plugin(PLUGIN_cube, functions);
  ASSERT_NE(functions.find("cube", Takes::item), nullptr);
}

TEST(Plugin, broken_plugins_are_named_in_the_error) {
  EXPECT_NE(trouble_with("no_such_library.so").find("no_such_library.so"), std::string::npos);
  EXPECT_NE(trouble_with(PLUGIN_no_plugin).find("not a Quern plugin"), std::string::npos);
  EXPECT_NE(trouble_with(PLUGIN_foreign).find("interface 99"), std::string::npos);
}

TEST(Plugin, loading_a_plugin_twice_names_the_duplicate_function) {
  Functions functions;
  load_plugin(PLUGIN_cube, functions);
  try {
    load_plugin(PLUGIN_cube, functions);
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("'cube' was added twice"), std::string::npos);
  }
}

// ---- allowed functions

std::vector<std::string> left_of(const std::vector<std::string>& patterns) {
  Functions all;
  add_builtin_functions(all);
  const Functions some = only_allowed(all, patterns);
  std::vector<std::string> names;
  for (const auto& entry : some.functions()) names.push_back(entry.decl.name);
  for (const auto& entry : some.reducers()) names.push_back(entry.decl.name);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

TEST(Allowed, only_functions_that_match_a_pattern_are_offered) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(left_of({"echo"}), Names{"echo"});
  EXPECT_EQ(left_of({"s*", "ech?"}), (Names{"echo", "sleep", "spin", "sum"}));
  EXPECT_EQ(left_of({"wordcount", "merge_*"}), (Names{"merge_counts", "wordcount"}));
}

TEST(Allowed, an_allowed_function_is_unchanged) {
  Functions all;
  add_builtin_functions(all);
  const Functions some = only_allowed(all, {"pi"});
  const FunctionEntry* before = all.find("pi", Takes::range);
  const FunctionEntry* after = some.find("pi", Takes::range);
  ASSERT_TRUE(before && after);
  EXPECT_EQ(after->decl, before->decl);
  EXPECT_TRUE(after->body && after->finish);
  EXPECT_EQ(some.find("sum", Takes::range), nullptr);
}

TEST(Allowed, a_pattern_that_matches_nothing_is_an_error) {
  try {
    left_of({"echo", "wordcuont"});
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("--allow wordcuont"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("wordcount"), std::string::npos);
  }
}

// ---- the program

int exit_code_of(const std::string& arguments) {
  const int status = std::system((QUERN_WORKER " " + arguments + " >/dev/null 2>&1").c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Program, exit_codes_are_as_documented) {
  EXPECT_EQ(exit_code_of("--version"), 0);
  EXPECT_EQ(exit_code_of("--help"), 0);
  EXPECT_EQ(exit_code_of("--nonsense"), 2);
  EXPECT_EQ(exit_code_of("--allow no_such_function"), 2);
  EXPECT_EQ(exit_code_of("--load no_such_library.so"), 2);
  EXPECT_EQ(exit_code_of("--broker nonsense://x"), 2);
}

// ---- the capacity of the machine

TEST(Capacity, cpu_max_is_parsed) {
  EXPECT_EQ(cores_of_cpu_max("max 100000"), 0);
  EXPECT_EQ(cores_of_cpu_max("50000 100000"), 0.5);
  EXPECT_EQ(cores_of_cpu_max("250000 100000"), 2.5);
  EXPECT_EQ(cores_of_cpu_max(""), 0);
  EXPECT_EQ(cores_of_cpu_max("x y"), 0);
}

TEST(Capacity, the_capacity_of_this_machine_is_measured) {
  CapacityProbe probe;
  const Capacity now = probe.sample();
  EXPECT_GT(now.cores, 0);
  EXPECT_GT(now.memory_free, 0u);
  EXPECT_GE(now.idle, 0);
  EXPECT_LE(now.idle, 1);
}

}  // namespace
}  // namespace quern::worker
