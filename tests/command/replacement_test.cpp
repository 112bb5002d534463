#include <gtest/gtest.h>

#include <cstdio>

#include "quern/command.hpp"

namespace quern {
namespace {

using Words = std::vector<std::string>;

Words expanded(const Words& words, const std::vector<BytesView>& arguments,
               std::uint64_t number = 7) {
  return expand(Command{.words = words}, arguments, number);
}

TEST(Replacement, replacement_strings_match_those_of_gnu_parallel) {
  const struct {
    const char* word;
    const char* argument;
    const char* result;
  } table[] = {
      {"{}", "dir/file.tar.gz", "dir/file.tar.gz"},
      {"{.}", "dir/file.tar.gz", "dir/file.tar"},
      {"{/}", "dir/file.tar.gz", "file.tar.gz"},
      {"{//}", "dir/file.tar.gz", "dir"},
      {"{/.}", "dir/file.tar.gz", "file.tar"},
      {"{#}", "x", "7"},
      {"{1}", "x", "x"},
      {"{1/.}", "a/b.c", "b"},
      {"{2}", "x", ""},
      {"{.}", "dir.d/file", "dir.d/file"},
      {"{.}", "file.", "file."},
      {"{//}", "file", "."},
      {"{//}", "/file", "/"},
      {"{/}", "dir/", ""},
      {"{//}", "dir/", "."},
      {"{//}", "a/dir/", "a"},
      {"{} {x} {} {", "a", "a {x} a {"},
      {"${1} {1}", "a", "${1} a"},
      {"{0}", "a", "{0}"},
      {"{99999999999}", "a", "{99999999999}"},
      {"{#1}", "a", "{#1}"},
  };
  for (const auto& row : table)
    EXPECT_EQ(expanded({"p", row.word, has_replacement(row.word) ? "" : "{}"}, {row.argument})[1],
              row.result)
        << row.word;
  EXPECT_EQ(expanded({"p", "x{}y{}z"}, {"a b"}), (Words{"p", "xa bya bz"}));
}

TEST(Replacement, without_a_replacement_string_the_argument_is_appended) {
  EXPECT_EQ(expanded({"echo", "-n"}, {"a b"}), (Words{"echo", "-n", "a b"}));
  EXPECT_EQ(expanded({"echo"}, {"a", "b"}), (Words{"echo", "a", "b"}));
  EXPECT_EQ(expanded({"echo"}, {""}), (Words{"echo", ""}));
}

TEST(Replacement, numbered_replacement_strings_select_arguments) {
  EXPECT_EQ(expanded({"cp", "{}", "to"}, {"a", "b"}), (Words{"cp", "a", "b", "to"}));
  EXPECT_EQ(expanded({"p", "{.}"}, {"a.c", "b.c"}), (Words{"p", "a", "b"}));
  EXPECT_EQ(expanded({"p", "[{}]"}, {"a", "b"}), (Words{"p", "[a b]"}));
  EXPECT_EQ(expanded({"p", "{2}-{1}"}, {"a", "b"}), (Words{"p", "b-a"}));
}

TEST(Script, shell_syntax_makes_a_command_a_script) {
  for (const char* script : {"echo {} | wc", "a b", "x>y", "$HOME/x", "a;b", "`a`", "*", "{a,b}"})
    EXPECT_TRUE(is_script(script)) << script;
  for (const char* program : {"echo", "./a.sh", "{}", "a{}b", "/usr/bin/x-1.2", "a=b"})
    EXPECT_FALSE(is_script(program)) << program;
}

TEST(Script, values_are_passed_as_parameters) {
  EXPECT_EQ(script_words("cat {} > {.}.out"),
            (Words{"/bin/sh", "-c", "_q1=${1} _q2=${2} ; shift 2\ncat \"${_q1}\" > \"${_q2}\".out",
                   "sh", "{}", "{.}"}));
  EXPECT_EQ(script_words("echo hello"),
            (Words{"/bin/sh", "-c", "_q1=${1} ; shift 1\necho hello \"${_q1}\"", "sh", "{}"}));
  EXPECT_EQ(script_words("echo {}", 2), (Words{"/bin/sh", "-c", "echo \"$@\"", "sh", "{}"}));
  EXPECT_THROW(script_words("echo {} {.}", 2), std::invalid_argument);
}

/// The output of /bin/sh for a script with one argument.
std::string run(const std::string& script, const std::string& argument) {
  const auto words = expand(Command{.words = script_words(script)}, {argument}, 3);
  std::string line;
  for (const auto& word : words) {
    line += " '";
    for (const char c : word) line += c == '\'' ? "'\\''" : std::string(1, c);
    line += "'";
  }
  std::string out;
  FILE* pipe = ::popen(line.c_str(), "r");
  for (int c; (c = std::fgetc(pipe)) != EOF;) out += static_cast<char>(c);
  ::pclose(pipe);
  return out;
}

TEST(Script, a_value_is_always_one_word_and_never_executed) {
  const std::string nasty = "a  b; echo 'BOO' \"$(echo BOO)\" `echo BOO` $HOME * \\ #";
  for (const char* script :
       {"printf '%s' {}", "printf '%s' \"{}\"", "printf %s '{}'",
        "x=$(printf %s {}); printf %s \"$x\"", "printf %s \"$(printf %s \"{}\")\"",
        "printf %s x | sed s/x// ; printf %s {}", "# it's a comment\nprintf %s {}"})
    EXPECT_EQ(run(script, nasty), nasty) << script;
  // Inside quoted backquotes a value may be split into words, but it is not executed.
  EXPECT_EQ(run("printf %s \"`printf %s {}`\"", "; echo BOO").find("BOO\n"), std::string::npos);
}

TEST(Script, the_argument_is_appended_to_a_command_or_pipeline_but_not_to_a_list) {
  struct {
    const char* script;
    const char* out;
  } const cases[] = {
      {"echo a", "a x\n"},
      {"echo a | cat - 2>&1; true", "a\n"},
      {"echo a 2>&1", "a x\n"},
      {"printf '%s;%s' 'a;b&&c'", "a;b&&c;x"},
      {"echo $(true; echo b)", "b x\n"},
      {"[ -d / ] && echo empty", "empty\n"},
      {"[ -f / ] || echo none", "none\n"},
      {"for i in 1 2; do echo $i; done", "1\n2\n"},
      {"(echo sub)", "sub\n"},
      {"echo a\necho b", "a\nb\n"},
      {"echo a; echo \"$1\"", "a\nx\n"},
      {"echo {}; echo a", "x\na\n"},
  };
  for (const auto& [script, out] : cases) EXPECT_EQ(run(script, "x"), out) << script;
}

TEST(Script, ignored_arguments_are_reported) {
  for (const char* script : {"a; b", "a && b", "echo '$'; b", "while read -r x; do a; done"})
    EXPECT_TRUE(ignores_arguments(script)) << script;
  for (const char* script : {"a", "a | b", "a; b {}", "a; b $1", "a; b \"$@\"", "a; b ${1%.c}"})
    EXPECT_FALSE(ignores_arguments(script)) << script;
}

TEST(Script, a_script_as_text_behaves_like_the_original_command) {
  EXPECT_EQ(script_text("echo a", {"x y"}, 1), "echo a 'x y'");
  EXPECT_EQ(script_text("a && b", {"x"}, 1), "a && b");
  EXPECT_EQ(script_text("a; b \"$1\"", {"x y"}, 1), "set -- 'x y'; a; b \"$1\"");
}

TEST(Script, other_braces_belong_to_the_shell) {
  EXPECT_EQ(run("x={}; echo ${x} {#} $(echo ${#x})", "abc"), "abc 3 3\n");
  EXPECT_EQ(run("echo {} | awk '{print $1}'", "first second"), "first\n");
}

}  // namespace
}  // namespace quern
