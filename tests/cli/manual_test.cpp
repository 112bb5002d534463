// Help, completion and manual are generated from one syntax; each of them must be complete.
#include <gtest/gtest.h>

#include <functional>

#include "cli/commands/command.hpp"
#include "cli/syntax/completion.hpp"
#include "cli/syntax/manual_page.hpp"
#include "cli/syntax/options.hpp"

namespace quern::cli {
namespace {

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Visits every command and action with its manual page.
void for_each_syntax(const std::function<void(const std::string& path, const Syntax&,
                                              const std::string& page)>& visit) {
  for (const Subcommand& command : commands()) {
    ASSERT_NE(command.syntax, nullptr)
        << command.name << " has no syntax: no completion, no manual";
    const Syntax syntax = command.syntax();
    const std::string name(command.name), page = command_page(command);
    if (syntax.actions().empty()) visit(name, syntax, page);
    for (const Subcommand& action : syntax.actions())
      visit(name + " " + std::string(action.name), action.syntax(), page);
  }
}

/// Escapes text as in roff.
std::string in_roff(std::string text) {
  for (std::size_t at = 0; (at = text.find('-', at)) != std::string::npos; at += 2)
    text.insert(at, "\\");
  return text;
}

/// The part of the bash completion for one command.
std::string case_of(const std::string& script, const std::string& path) {
  const std::size_t begin = script.find("    '" + path + "')");
  if (begin == std::string::npos) return {};
  return script.substr(begin, script.find("esac ;;", begin) - begin);
}

TEST(Manual, every_command_has_a_synopsis_and_examples) {
  for_each_syntax([](const std::string& path, const Syntax& syntax, const std::string&) {
    EXPECT_TRUE(std::string(syntax.manual().synopsis).starts_with("quern " + path)) << path;
    EXPECT_TRUE(mentions(syntax.manual().examples, "  ")) << path;
    EXPECT_TRUE(mentions(syntax.manual().examples, "quern " + path)) << path;
    EXPECT_NE(std::string(syntax.manual().about), "") << path;
  });
}

TEST(Manual, every_option_is_in_both_completions_and_in_the_manual) {
  const std::string bash = bash_completion(commands()), zsh = zsh_completion(commands());
  for_each_syntax([&](const std::string& path, const Syntax& syntax, const std::string& page) {
    const std::string here = case_of(bash, path);
    for (const OptionText& option : all_options(syntax)) {
      EXPECT_TRUE(mentions(here, option.name)) << path << ' ' << option.name;
      EXPECT_TRUE(mentions(zsh, option.name + "'[") || mentions(zsh, option.name + "}'["))
          << path << ' ' << option.name;
      EXPECT_TRUE(mentions(page, in_roff(option.name))) << path << ' ' << option.name;
    }
  });
  const std::string overview = overview_page(commands());
  for (const Subcommand& command : commands())
    EXPECT_TRUE(mentions(overview, "\\fB" + std::string(command.name) + "\\fR")) << command.name;
}

TEST(Manual, help_texts_are_ascii) {
  // So neither roff nor a shell depends on the encoding.
  for_each_syntax([](const std::string& path, const Syntax&, const std::string& page) {
    for (const char c : page) ASSERT_GE(c, 0) << path;
  });
}

TEST(OptionValues, value_names_decide_how_values_are_completed) {
  const auto value = [](const char* name) { return value_of({"--x", "", name, "", false}); };
  EXPECT_EQ(value(""), Value::none);
  EXPECT_EQ(value("N"), Value::anything);
  EXPECT_EQ(value("FILE"), Value::file);
  EXPECT_EQ(value("FILE..."), Value::file);
  EXPECT_EQ(value("DIR"), Value::folder);
  EXPECT_EQ(value("on|off"), Value::choice);
  EXPECT_EQ(value("A|B"), Value::anything);
  EXPECT_EQ((OptionText{"--x", "", "sum|min|R", "", false}.choices()),
            (std::vector<std::string>{"sum", "min"}));
}

TEST(ProgramPage, a_program_page_is_generated_from_its_help) {
  const std::string page =
      program_page("quern-some", "do something",
                   "Usage: quern-some [OPTIONS]\n\nDoes a thing.\n.And more.\n\nExamples:\n  "
                   "quern-some --x 1     one\n\n"
                   "Every end is good.\n\nOptions:\n  --x N                 a number that is so\n"
                   "                        long that it wraps\n  --a-very-long-option-name FILE\n"
                   "                        a file\n  -h [ --help ]         this\n");
  EXPECT_TRUE(mentions(page, ".SH SYNOPSIS\n\\fBquern\\-some\\fR [OPTIONS]\n")) << page;
  EXPECT_TRUE(mentions(page, ".PP\nDoes a thing.\n\\&.And more.\n")) << page;
  EXPECT_TRUE(mentions(page, "Every end is good.\n")) << page;
  EXPECT_TRUE(mentions(page, ".TP\n\\fB\\-\\-x N\\fR\na number that is so long that it wraps\n"))
      << page;
  EXPECT_TRUE(mentions(page, ".TP\n\\fB\\-\\-a\\-very\\-long\\-option\\-name FILE\\fR\na file\n"))
      << page;
  EXPECT_TRUE(mentions(page, "quern\\-some \\-\\-x 1     one\n")) << page;
}

TEST(Actions, an_unknown_action_is_an_error_that_lists_the_known_ones) {
  const Syntax audit = audit_syntax();
  const auto text_of = [&](const Arguments& arguments) {
    try {
      audit.act(arguments);
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string("nothing");
  };
  EXPECT_EQ(text_of({}), "the action is missing: tail, grep or verify");
  EXPECT_EQ(text_of({"verfy"}), "unknown action 'verfy'; did you mean 'verify'?");
  EXPECT_EQ(text_of({"x"}), "unknown action 'x'; use tail, grep or verify");
}

}  // namespace
}  // namespace quern::cli
