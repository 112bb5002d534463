// Programs as tasks: what the functions `exec` and `filter` of a worker with --allow-exec take and
// give. `quern map` and `quern run exec` are made of this; a program of your own may do the same:
//
//   quern::Command command{.words = {"gzip", "-9", "{}"}};
//   auto job = client.submit("exec", quern::Items::of(files),
//                            {.attempts = 1, .common = quern::to_bytes(command)});
//   while (auto result = job.next()) std::cout << quern::command_result(result->bytes).out;
//
// `exec` starts a program per item. A program that fails (another code than 0, a signal, over its
// time) fails its task; what it wrote comes with the error (TaskResult::bytes). `filter` starts one
// program per slot and gives it item after item.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "quern/bytes.hpp"

namespace quern {

/// A file that travels with a command. Names are relative and stay within the folder they are
/// relative to.
struct CommandFile {
  std::string name{};
  std::uint32_t mode = 0644;  ///< permissions; with kFolder: an empty folder of that name
  Bytes bytes{};
  std::string blob{};  ///< instead of `bytes`: a file that Client::put() gave; named in
                       ///< SubmitOptions::blobs too

  static constexpr std::uint32_t kFolder = 0040000;
  bool is_folder() const { return (mode & kFolder) != 0; }
  bool operator==(const CommandFile&) const = default;
};

/// The common input of a job of `exec` or `filter`.
struct Command {
  /// How an item reaches the program. arguments: it is one argument, or several with a NUL between
  /// each two, and stands where the words say {} (at the end if no word has a replacement string).
  /// input: it is the program's standard input. nothing: it is ignored.
  enum class Feed : std::uint8_t { arguments, input, nothing };
  /// `filter`: how items and answers are told apart. line: each is followed by a newline. length:
  /// each follows its length in four octets, little endian. call: as length, and an answer begins
  /// with an octet: 0, a result; 1, the text of a failure.
  enum class Frame : std::uint8_t { line, length, call };

  /// The program and its arguments. With Feed::arguments they may hold replacement strings: {} the
  /// item, {.} without its extension,
  /// {/} without its folder, {//} its folder, {/.} without both, {#} the number of the task counted
  /// from 1, {2} {2.} ... the second argument of several, {-1} the last. A word that is {} alone
  /// becomes as many words as there are arguments.
  std::vector<std::string> words{};
  std::vector<std::string> env{};  ///< NAME=VALUE, beside the few variables that every program gets
                                   ///< (PATH, HOME, LANG, ...)
  std::string cwd{};  ///< folder to run in; "temp": a new empty one for each program; empty: the
                      ///< worker's own choice
  bool cwd_optional = false;  ///< where the folder does not exist, a new empty one does
  Feed feed = Feed::arguments;
  Frame frame = Frame::line;
  bool numbered = false;  ///< each item begins with the number that {#} stands for, and a NUL
  bool echo = false;      ///< results repeat the arguments
  std::uint64_t timeout_ms = 0;      ///< of one program (filter: of one answer); 0: none
  std::uint64_t memory_bytes = 0;    ///< it may have; 0: what the worker allows
  std::vector<CommandFile> files{};  ///< put into the folder of each program, read-only; go with a
                                     ///< temporary one (`cwd` "temp")
  std::string input_blob{};  ///< standard input of every program: a file that Client::put() gave
  std::optional<std::uint32_t> umask{};  ///< of the program; none: the worker's own
  std::vector<std::string> get{};  ///< files that come back with the result: patterns (* ? [...])
                                   ///< in the folder; replacement strings work

  /// `exec`: exit codes, 1 to 255, of a program that failed in a way that another attempt would not
  /// change (its input is wrong, say): its task is not tried again, whatever
  /// SubmitOptions::attempts, and fails with ErrorCode::permanent.
  std::vector<std::int32_t> permanent_exits{};

  bool operator==(const Command&) const = default;
};

/// An item that says more than its arguments: items of a job whose encoding is `value` may be
/// these.
struct CommandItem {
  std::vector<std::string> arguments{};
  std::vector<std::string> env{};    ///< NAME=VALUE, beside the command's
  std::string cwd{};                 ///< empty: the command's
  std::optional<Bytes> input{};      ///< its standard input
  std::vector<CommandFile> files{};  ///< beside the command's
  std::uint64_t number = 0;  ///< what {#} stands for; 0: the number of the task, counted from 1

  bool operator==(const CommandItem&) const = default;
};

/// What became of one program of `exec`: the value of a result, or of a failed task that left
/// output.
struct CommandResult {
  std::int32_t code =
      0;  ///< exit code; 127 not found, 126 not to be run, 125 the worker could not start it
  std::int32_t signal = 0;  ///< that ended it, or 0
  bool timed_out = false;
  Bytes out{};           ///< its standard output
  Bytes err{};           ///< its standard error
  std::string host{};    ///< where it ran
  double started_s = 0;  ///< seconds since 1970, by the clock there
  double ran_s = 0;
  std::uint64_t number = 0;              ///< what {#} stood for
  std::vector<std::string> arguments{};  ///< with Command::echo
  std::vector<CommandFile> files{};      ///< with Command::get

  bool ok() const { return code == 0 && signal == 0 && !timed_out; }
  bool operator==(const CommandResult&) const = default;
};

Bytes to_bytes(const Command& command);
/// Throws std::invalid_argument when the bytes are not what to_bytes() makes.
Command command_in(BytesView bytes);

/// A value.
Bytes to_bytes(const CommandItem& item);
/// Throws std::invalid_argument when the value is no such item.
CommandItem command_item(BytesView value);

Bytes to_bytes(const CommandResult& result);
/// Throws std::invalid_argument when the bytes are not what to_bytes() makes.
CommandResult command_result(BytesView bytes);

/// The words of a program for these arguments (without any: a program of no item), as
/// Command::words describes. `number` is {#}.
std::vector<std::string> expand(const Command& command, const std::vector<BytesView>& arguments,
                                std::uint64_t number);

/// Whether a name is relative, and none of its parts is empty, `.` or `..`.
bool stays_within(std::string_view name);

/// One word with its replacement strings replaced.
std::string expand_word(std::string_view word, const std::vector<BytesView>& arguments,
                        std::uint64_t number);

/// The same for a pattern such as Command::get has: what is put in stands for itself, whatever
/// characters are in it.
std::string expand_pattern(std::string_view word, const std::vector<BytesView>& arguments,
                           std::uint64_t number);

/// The first replacement string of GNU parallel in a word that has no meaning here, such as {%};
/// empty: there is none.
std::string foreign_replacement(std::string_view word);

/// Whether a word has a replacement string in it.
bool has_replacement(std::string_view word);

/// A shell script with replacement strings as the words of a program that runs it. The values never
/// become part of the script: it refers to them as parameters, so the shell executes nothing in
/// them, wherever {} stands (also within quotes). What the script hands them to may: a word within
/// the words of `sh -c` or `awk` is script again. `arguments`: per program, at most. Throws
/// std::invalid_argument when that cannot be done (two different replacement strings for several
/// arguments at once). Without a replacement string a script that is one command or pipeline gets
/// the arguments at its end; in a list of commands (`a; b`, `a && b`, a loop) they are $1, $2 ...
/// only.
std::vector<std::string> script_words(const std::string& script, std::uint64_t arguments = 1);

/// The script with the values in it, each quoted as its place needs: what a person can paste into a
/// shell to run the same.
std::string script_text(const std::string& script, const std::vector<BytesView>& arguments,
                        std::uint64_t number);

/// Whether a script makes no use of its arguments: it is a list of commands that has neither a
/// replacement string nor $1, "$@" and the like.
bool ignores_arguments(const std::string& script);

/// A word as a shell reads it back: quoted where it needs to be.
std::string shell_quoted(std::string_view word);

/// Whether what a person wrote as one word is a script (it has blanks or characters that mean
/// something to a shell).
bool is_script(const std::string& word);

}  // namespace quern
