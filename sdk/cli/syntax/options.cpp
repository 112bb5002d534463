#include "cli/syntax/options.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <iostream>

#include "cli/syntax/paragraphs.hpp"
#include "cli/syntax/suggest.hpp"
#include "keys/files.hpp"
#include "keys/invitation.hpp"
#include "notation/duration.hpp"

namespace quern::cli {

namespace po = boost::program_options;

namespace {

constexpr std::size_t kHelpColumns = 80;  // as Boost.Program_options wraps the options

po::options_description described_always() {
  po::options_description always("common options");
  auto add = always.add_options();
  add("help,h", flag(), "print this text");
  add("json", flag(), "machine-readable output: one JSON object per line");
  add("broker", option<std::string>("ENDPOINT"),
      "endpoint of the broker; default: $QUERN_BROKER, else tcp://127.0.0.1:7600");
  add("keys", option<std::string>("DIR"),
      "folder of the keys; default: $QUERN_KEYS, else $XDG_CONFIG_HOME/quern");
  add("insecure", flag(),
      "connect without encryption, to a broker that was started with --insecure");
  return always;
}

std::vector<OptionText> texts_of(const po::options_description& described) {
  std::vector<OptionText> texts;
  for (const auto& each : described.options()) {
    const std::string letter =
        each->canonical_display_name(po::command_line_style::allow_dash_for_short);
    const unsigned most = each->semantic()->max_tokens();
    texts.push_back({"--" + each->long_name(), letter.size() == 2 ? letter : "",
                     most == 0 ? "" : each->semantic()->name(), each->description(), most > 1});
  }
  return texts;
}

/// "init, list or add"
std::string listed(std::span<const Subcommand> among, const std::string& last) {
  std::string text;
  for (std::size_t i = 0; i < among.size(); ++i) {
    if (i > 0) text += i + 1 == among.size() ? " " + last + " " : ", ";
    text += among[i].name;
  }
  return text;
}

}  // namespace

std::vector<std::string> OptionText::choices() const {
  std::vector<std::string> found;
  if (value.find('|') == std::string::npos) return found;
  for (std::size_t at = 0; at <= value.size();) {
    const std::size_t end = std::min(value.find('|', at), value.size());
    const std::string word = value.substr(at, end - at);
    if (!word.empty() && std::islower(static_cast<unsigned char>(word[0]))) found.push_back(word);
    at = end + 1;
  }
  return found;
}

std::vector<std::string> Given::words() const {
  if (values_.count("word") == 0) return {};
  return values_["word"].as<std::vector<std::string>>();
}

std::string Given::endpoint() const {
  const char* environment = std::getenv("QUERN_BROKER");
  return get_or<std::string>("broker",
                             environment && *environment ? environment : "tcp://127.0.0.1:7600");
}

void Given::check_endpoint() const {
  const std::string endpoint = this->endpoint();
  if (endpoint.starts_with("tcp://") && !keys::is_peer_endpoint(endpoint))
    throw UsageError((has("broker") ? "--broker " : "QUERN_BROKER=") + endpoint +
                     ": use the form tcp://HOST:PORT with a port from 1 to 65535");
}

std::string Given::keys() const { return get_or<std::string>("keys", keys::default_folder()); }

std::chrono::milliseconds Given::interval(double otherwise) const {
  constexpr double kLeast = 0.1, kMost = 3600;
  const double seconds = get_or<double>("interval", otherwise);
  if (!(seconds >= kLeast && seconds <= kMost))
    throw UsageError("--interval takes 0.1 to 3600 seconds");
  return notation::milliseconds_of(seconds, notation::Rounding::nearest);
}

ClientOptions Given::client() const {
  check_endpoint();
  ClientOptions options;
  options.endpoint = get_or<std::string>("broker", {});
  options.keys = get_or<std::string>("keys", {});
  options.insecure = flag("insecure");
  return options;
}

Syntax::Syntax(const Manual& manual) : manual_(manual) {}

void Syntax::words(std::size_t least, std::size_t most, const char* what, Word kind) {
  least_words_ = least;
  most_words_ = most;
  word_is_ = what;
  word_ = kind;
}

namespace {

/// Whether the option that this word names takes the next word as its value.
bool takes_next(const std::string& word, const po::options_description& known) {
  const bool is_long = word.starts_with("--");
  const std::string name = is_long ? word.substr(2, word.find('=') - 2) : "-" + word.substr(1, 1);
  const po::option_description* option = known.find_nothrow(name, false);
  if (!option || option->semantic()->max_tokens() == 0) return false;
  return is_long ? word.find('=') == std::string::npos : word.size() == 2;
}

}  // namespace

// `quern map -k gzip -9 {}`: -9 is an option of the command.
Arguments Syntax::with_end_of_options(const Arguments& arguments,
                                      const po::options_description& known) const {
  Arguments out;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "--" || word.size() < 2 || word.front() != '-') {
      if (word != "--") out.emplace_back("--");
      out.insert(out.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i), arguments.end());
      return out;
    }
    out.push_back(word);
    if (takes_next(word, known) && i + 1 < arguments.size()) out.push_back(arguments[++i]);
  }
  return out;
}

std::vector<OptionText> Syntax::options() const { return texts_of(visible_); }

std::vector<OptionText> Syntax::common_options() { return texts_of(described_always()); }

std::optional<Given> Syntax::parse(const Arguments& given_arguments) const {
  po::options_description everything;
  po::options_description hidden;
  hidden.add_options()("word", po::value<std::vector<std::string>>());
  everything.add(visible_).add(described_always()).add(hidden);
  po::positional_options_description positions;
  positions.add("word", -1);

  const Arguments arguments =
      then_a_command_
          ? with_end_of_options(given_arguments,
                                po::options_description().add(visible_).add(described_always()))
          : given_arguments;
  po::variables_map values;
  try {
    const int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(arguments)
                  .options(everything)
                  .positional(positions)
                  .style(style)
                  .run(),
              values);
    po::notify(values);
  } catch (const po::unknown_option& error) {
    throw UsageError(explain_unknown(error.get_option_name()));
  } catch (const po::error& error) {
    throw UsageError(error.what());
  }

  Given given(std::move(values));
  if (given.flag("help")) {
    print_help();
    return std::nullopt;
  }
  const auto words = given.words();
  if (words.size() < least_words_) throw UsageError(std::string(word_is_) + " is missing");
  if (words.size() > most_words_)
    throw UsageError("unexpected argument '" + words[most_words_] + "'");
  return given;
}

Exit Syntax::act(const Arguments& arguments) const {
  const std::string what = arguments.empty() ? "" : arguments.front();
  if (what == "--help" || what == "-h") {
    print_help();
    return Exit::done;
  }
  if (what.empty()) throw UsageError("the action is missing: " + listed(actions_, "or"));
  if (const Subcommand* action = find_command(actions_, what))
    return action->run(Arguments(arguments.begin() + 1, arguments.end()));
  std::vector<std::string> names;
  for (const Subcommand& action : actions_) names.emplace_back(action.name);
  const auto near = nearest(what, names);
  throw UsageError("unknown action '" + what + "'" +
                   (near ? "; did you mean '" + *near + "'?" : "; use " + listed(actions_, "or")));
}

void Syntax::print_help() const {
  std::cout << "usage: " << manual_.synopsis << "\n\n"
            << wrapped(manual_.about, kHelpColumns) << "\n\n";
  for (const Subcommand& action : actions_)
    std::cout << "  " << action.name << std::string(12 - action.name.size(), ' ') << action.summary
              << '\n';
  if (!actions_.empty()) std::cout << '\n';
  if (!visible_.options().empty()) std::cout << visible_ << '\n';
  if (actions_.empty()) std::cout << described_always() << '\n';
  std::cout << "examples:\n" << manual_.examples;
}

std::string Syntax::explain_unknown(const std::string& option) const {
  std::vector<std::string> known;
  for (const auto& each : common_options()) known.push_back(each.name);
  for (const auto& each : options()) known.push_back(each.name);
  std::string text = "unknown option '" + option + "'";
  if (auto near = nearest(option, known)) text += "; did you mean '" + *near + "'?";
  return text;
}

}  // namespace quern::cli
