#include "cli/syntax/manual_page.hpp"

#include <algorithm>
#include <vector>

#include "cli/syntax/options.hpp"

namespace quern::cli {
namespace {

/// Escapes text for roff. An unescaped '-' would become a hyphen, which a shell does not accept.
std::string plain(std::string_view text) {
  std::string out;
  bool begins = true;
  for (const char c : text) {
    if (begins && (c == '.' || c == '\'')) out += "\\&";
    begins = c == '\n';
    switch (c) {
      case '\\':
        out += "\\e";
        break;
      case '-':
        out += "\\-";
        break;
      case '\'':
        out += "\\(aq";
        break;
      case '`':
        out += "\\(ga";
        break;
      case '^':
        out += "\\(ha";
        break;
      case '~':
        out += "\\(ti";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string bold(std::string_view text) { return "\\fB" + plain(text) + "\\fR"; }
std::string italic(std::string_view text) { return "\\fI" + plain(text) + "\\fR"; }

std::vector<std::string> text_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return out;
}

std::string head_of(std::string_view page, std::string_view summary) {
  // Left-aligned without hyphenation: options and addresses are long and must not be hyphenated.
  return ".TH " + plain(upper(page)) +
         " 1 \"\" \"quern " QUERN_VERSION "\" \"Quern\"\n.ad l\n.nh\n.SH NAME\n" + plain(page) +
         " \\- " + plain(summary) + "\n";
}

/// Paragraphs, separated by empty lines.
std::string paragraphs(std::string_view text) {
  std::string out = ".PP\n";
  for (const std::string& line : text_lines(text))
    out += line.empty() ? ".PP\n" : plain(line) + "\n";
  return out;
}

/// Lines that must not be joined.
std::string verbatim(std::string_view text) {
  std::string out = ".PP\n.nf\n.RS\n";
  for (const std::string& line : text_lines(text))
    out += plain(line.starts_with("  ") ? line.substr(2) : line) + "\n";
  return out + ".RE\n.fi\n";
}

/// "quern cancel ID": literal words are bold.
std::string synopsis(std::string_view text, std::string_view typed) {
  if (!text.starts_with(typed)) return plain(text) + "\n";
  return bold(typed) + plain(text.substr(typed.size())) + "\n";
}

std::string entry(const std::string& tag, std::string_view about) {
  return ".TP\n" + tag + "\n" + plain(about) + "\n";
}

std::string entry(const OptionText& option) {
  std::string tag =
      option.letter.empty() ? bold(option.name) : bold(option.letter) + ", " + bold(option.name);
  if (!option.value.empty()) tag += " " + italic(option.value);
  return entry(tag, option.about);
}

std::string entries(const std::vector<OptionText>& options) {
  std::string out;
  for (const OptionText& option : options) out += entry(option);
  return out;
}

std::string tail_of(const std::vector<std::string>& see_also) {
  std::string out = ".SH \"EXIT STATUS\"\n";
  for (const auto& [code, meaning] :
       {std::pair{"0", "done"},
        {"1",
         "the job, or some task of it, failed; or the audit log was modified, or no line of it "
         "matches"},
        {"2", "wrong command line, or a file that it names cannot be used"},
        {"3", "no broker, or it refused the connection"},
        {"130", "interrupted"}})
    out += entry(bold(code), meaning);
  out += ".SH ENVIRONMENT\n" +
         entry(bold("QUERN_BROKER"), "endpoint of the broker, unless --broker is given") +
         entry(bold("QUERN_KEYS"), "folder of the keys, unless --keys is given");
  out += ".SH \"SEE ALSO\"\n";
  for (std::size_t i = 0; i < see_also.size(); ++i)
    out += bold(see_also[i]) + "(1)" + (i + 1 < see_also.size() ? ",\n" : "\n");
  return out;
}

/// Description, options and examples; for an action, as parts of the page of its command.
std::string body_of(const Syntax& syntax, bool is_action) {
  const char* section = is_action ? ".PP\n" : ".SH OPTIONS\n";
  std::string out = (is_action ? "" : ".SH DESCRIPTION\n") + paragraphs(syntax.manual().about);
  if (!syntax.options().empty()) out += section + entries(syntax.options());
  return out + (is_action ? ".PP\nExamples:\n" : "");
}

}  // namespace

std::string overview_page(std::span<const Subcommand> commands) {
  std::string out = head_of("quern", "spread one big job over unequal machines");
  std::vector<std::string> others = {"quern-broker", "quern-worker"};
  out += ".SH SYNOPSIS\n" + synopsis("quern COMMAND [OPTIONS]", "quern") + ".SH DESCRIPTION\n" +
         paragraphs(
             "Quern turns one big job into many small tasks, spreads them over machines by their "
             "measured speed, and\n"
             "gathers the results. A broker takes jobs, workers run their tasks, and this command "
             "talks to the broker.") +
         ".SH COMMANDS\n";
  for (const Subcommand& command : commands) {
    out += entry(bold(command.name), command.summary);
    others.push_back("quern-" + std::string(command.name));
  }
  out += ".SH OPTIONS\nOf every command:\n" + entries(Syntax::common_options());
  out +=
      ".SH EXAMPLES\n" +
      verbatim("  quern up\n  quern run sum --range 1:101\n  seq 5 | quern run echo --items -\n");
  return out + tail_of(others);
}

std::string command_page(const Subcommand& command) {
  const Syntax syntax = command.syntax();
  const std::string typed = "quern " + std::string(command.name);
  std::string out = head_of("quern-" + std::string(command.name), command.summary);
  out += ".SH SYNOPSIS\n" + synopsis(syntax.manual().synopsis, typed) + body_of(syntax, false);
  if (!syntax.actions().empty()) out += ".SH ACTIONS\n";
  for (const Subcommand& action : syntax.actions()) {
    const Syntax of_action = action.syntax();
    out += ".SS " + plain(of_action.manual().synopsis) + "\n" + body_of(of_action, true) +
           verbatim(of_action.manual().examples);
  }
  out += syntax.options().empty() ? ".SH OPTIONS\n" : "";
  out += (syntax.actions().empty() ? "" : "Of every action:\n") + entries(Syntax::common_options());
  out += ".SH EXAMPLES\n" + verbatim(syntax.manual().examples);
  return out + tail_of({"quern"});
}

std::string program_page(std::string_view name, std::string_view summary, std::string_view help) {
  // Boost prints the name of an option at this column, then a gap and its description; wrapped
  // lines of the description are indented more.
  constexpr std::size_t kNames = 2;
  std::string out = head_of(name, summary);
  enum class Part : unsigned char { text, options, examples } part = Part::text;
  std::string text, about, examples, tag;
  std::string options;
  const auto close = [&] {
    if (!tag.empty()) options += entry(tag, about);
    tag.clear();
    about.clear();
  };
  for (const std::string& line : text_lines(help)) {
    const std::size_t first = line.find_first_not_of(' ');
    if (line.starts_with("Usage: ")) {
      out += ".SH SYNOPSIS\n" + synopsis(line.substr(7), name);
    } else if (line.starts_with("Options:")) {
      part = Part::options;
    } else if (line.starts_with("Examples:")) {
      close();
      part = Part::examples;
    } else if (part == Part::options && first == kNames) {
      close();
      const std::size_t gap = std::min(line.find("  ", kNames), line.size());
      tag = bold(line.substr(kNames, gap - kNames));
      const std::size_t meaning = std::min(line.find_first_not_of(' ', gap), line.size());
      about = line.substr(meaning);
    } else if (part == Part::options && first != std::string::npos && first > kNames) {
      about.erase(about.find_last_not_of(' ') + 1);
      about += (about.empty() ? "" : " ") + line.substr(first);
    } else if (part == Part::examples && line.starts_with("  ")) {
      examples += line + "\n";
    } else if (!line.empty() || !text.empty()) {
      text += line + "\n";
    }
  }
  close();
  while (text.ends_with("\n\n")) text.pop_back();
  out += ".SH DESCRIPTION\n" + paragraphs(text) + ".SH OPTIONS\n" + options + ".SH EXAMPLES\n" +
         verbatim(examples);
  return out + ".SH \"SEE ALSO\"\n" + bold("quern") + "(1)\n";
}

}  // namespace quern::cli
