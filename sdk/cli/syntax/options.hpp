// The options of a subcommand: Boost.Program_options with one style of help and one-line errors.
#pragma once

#include <boost/program_options.hpp>
#include <chrono>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "cli/syntax/subcommand.hpp"
#include "quern/options.hpp"

namespace quern::cli {

/// A wrong command line: prints one line, exit 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A file named on the command line cannot be used: prints one line, exit 2.
class FileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The texts of `--help`.
struct Manual {
  const char* synopsis;  ///< "quern cancel ID"
  const char* about;
  const char* examples;  ///< lines, each indented by two
};

/// What a positional word means, which determines its completion.
enum class Word : unsigned char { any, job, worker, function, command, shell };

/// An option as help, completion and manual show it.
struct OptionText {
  std::string name;    ///< "--lines"
  std::string letter;  ///< "-n"; empty: it has none
  std::string value;   ///< "N", "FILE", "on|off"; empty: it is a flag
  std::string about;
  bool many = false;  ///< takes all words that follow

  /// The literal words of a value such as "sum|min|R": those that are not names in capitals.
  std::vector<std::string> choices() const;
};

/// What was given on the command line.
class Given {
 public:
  explicit Given(boost::program_options::variables_map values) : values_(std::move(values)) {}

  bool has(const char* name) const { return values_.count(name) > 0 && !values_[name].defaulted(); }
  bool flag(const char* name) const { return values_[name].as<bool>(); }
  template <typename T>
  const T& get(const char* name) const {
    return values_[name].as<T>();
  }
  template <typename T>
  T get_or(const char* name, T otherwise) const {
    return has(name) ? values_[name].as<T>() : otherwise;
  }
  /// The positional words (see Syntax::words).
  std::vector<std::string> words() const;

  bool json() const { return flag("json"); }
  /// --broker, else QUERN_BROKER, else the default.
  std::string endpoint() const;
  /// --keys, else the default folder; empty if the environment does not define it.
  std::string keys() const;
  /// --interval in seconds, else `otherwise`. Throws UsageError.
  std::chrono::milliseconds interval(double otherwise) const;
  /// How to reach the broker: --broker, --keys, --insecure. Throws UsageError for an endpoint that
  /// cannot be one.
  ClientOptions client() const;

 private:
  void check_endpoint() const;

  boost::program_options::variables_map values_;
};

/// What a subcommand accepts. `--help --json --broker --keys --insecure` are always there.
class Syntax {
 public:
  explicit Syntax(const Manual& manual);

  boost::program_options::options_description_easy_init add() { return visible_.add_options(); }
  /// Accepts `least` to `most` positional words, called `what` in errors ("a job's id").
  void words(std::size_t least, std::size_t most, const char* what, Word kind = Word::any);
  /// The first word must be one of these actions, each of which has its own syntax; see act(). They
  /// must outlive this object.
  void actions(std::span<const Subcommand> actions) { actions_ = actions; }

  static constexpr std::size_t kAnyNumber = static_cast<std::size_t>(-1);
  /// The words are a command with options of its own; our options end where it begins, with or
  /// without `--`.
  void then_a_command() { then_a_command_ = true; }

  /// Parses the arguments; nullopt if help was requested and printed. Throws UsageError.
  std::optional<Given> parse(const Arguments& arguments) const;
  /// Runs the action that the first word names, or prints help. Throws UsageError.
  Exit act(const Arguments& arguments) const;

  const Manual& manual() const { return manual_; }
  std::vector<OptionText> options() const;
  /// Those of every command.
  static std::vector<OptionText> common_options();
  std::span<const Subcommand> actions() const { return actions_; }
  Word word() const { return word_; }
  std::size_t most_words() const { return most_words_; }

 private:
  void print_help() const;
  std::string explain_unknown(const std::string& option) const;
  Arguments with_end_of_options(const Arguments& arguments,
                                const boost::program_options::options_description& known) const;

  Manual manual_;
  boost::program_options::options_description visible_{"options"};
  std::size_t least_words_ = 0;
  std::size_t most_words_ = 0;
  const char* word_is_ = "";
  bool then_a_command_ = false;
  Word word_ = Word::any;
  std::span<const Subcommand> actions_;
};

/// A flag: present or not.
inline boost::program_options::typed_value<bool>* flag() {
  return boost::program_options::bool_switch();
}
/// An option with a value of type T, shown as `name` in the help.
template <typename T>
boost::program_options::typed_value<T>* option(const char* name) {
  return boost::program_options::value<T>()->value_name(name);
}

}  // namespace quern::cli
