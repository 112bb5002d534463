/// @file
/// Programs as tasks: what the functions `exec` and `filter` of a worker with `--allow-exec` take
/// and give. `quern map` and `quern run exec` are made of this, and a program can use it in the
/// same way:
///
///     quern::Command command{.words = {"gzip", "-9", "{}"}};
///     auto job = client.submit("exec", quern::Items::of(files),
///                              {.attempts = 1, .common = quern::to_bytes(command)});
///     while (auto result = job.next()) std::cout << quern::command_result(result->bytes).out;
///
/// `exec` starts a program per item. A program that fails (an exit code other than 0, a signal, its
/// time limit) fails its task; what it wrote comes with the error (TaskResult::bytes). `filter`
/// starts one program per slot and gives it item after item.
///
/// All functions here are pure: any thread may call them.
///
/// Fields that a worker does not know are ignored, and absent ones keep their default, so that
/// clients and workers of different releases work together.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "quern/bytes.hpp"

namespace quern {

/// A file that travels with a command or its result.
struct CommandFile {
  /// Relative name, see stays_within(). It is relative to the folder of the program.
  std::string name{};
  /// Permissions (the lowest nine bits). With #kFolder: an empty folder of that name.
  std::uint32_t mode = 0644;
  /// The content.
  Bytes bytes{};
  /// Instead of `bytes`: a file that Client::put() gave to the broker. It must be named in
  /// SubmitOptions::blobs, too.
  std::string blob{};

  /// Bit of `mode` that marks a folder; the same as S_IFDIR of POSIX.
  static constexpr std::uint32_t kFolder = 0040000;

  /// @return whether it is a folder
  bool is_folder() const { return (mode & kFolder) != 0; }
  /// @return whether all fields are equal
  bool operator==(const CommandFile&) const = default;
};

/// The common input of a job of `exec` or `filter`: which program to run, and how.
struct Command {
  /// How an item reaches the program.
  enum class Feed : std::uint8_t {
    arguments,  ///< as its argument, or as several with a NUL byte between them, where `words` have
                ///< a replacement string, else at the end
    input,      ///< as its standard input
    nothing     ///< not at all
  };
  /// `filter`: how items and answers are separated.
  enum class Frame : std::uint8_t {
    line,    ///< each is followed by a newline
    length,  ///< each follows its length in 4 bytes, little endian
    call     ///< as `length`; an answer begins with a byte: 0 for a result, 1 for the text of a
             ///< failure
  };

  /// The program and its arguments; at least one word. With Feed::arguments they may contain the
  /// replacement strings of GNU parallel (https://www.gnu.org/software/parallel/):
  ///
  /// | string | stands for |
  /// |---|---|
  /// | `{}` | the item |
  /// | `{.}` | the item without its extension |
  /// | `{/}` | the item without its folder |
  /// | `{//}` | the folder of the item |
  /// | `{/.}` | the item without folder and extension |
  /// | `{#}` | the number of the task, counted from 1 |
  /// | `{2}` `{2.}` `{2/}` `{2//}` `{2/.}` | the same for the second of several arguments |
  /// | `{-1}` | the last of several arguments |
  ///
  /// A word that consists of `{}` alone becomes as many words as there are arguments.
  std::vector<std::string> words{};
  /// Environment variables as NAME=VALUE, in addition to the few that every program gets (PATH,
  /// HOME, LANG and so on).
  std::vector<std::string> env{};
  /// Folder to run in. "temp": a new, empty one for each program. Empty: one that the worker
  /// chooses.
  std::string cwd{};
  /// Where the folder `cwd` does not exist, run in a new, empty one instead of failing.
  bool cwd_optional = false;
  /// How an item reaches the program.
  Feed feed = Feed::arguments;
  /// `filter`: how items and answers are separated.
  Frame frame = Frame::line;
  /// Each item begins with the number that `{#}` stands for, in decimal digits, and a NUL byte.
  bool numbered = false;
  /// Repeat the arguments in the results.
  bool echo = false;
  /// Time limit of one program in milliseconds (`filter`: of one answer); 0: none.
  std::uint64_t timeout_ms = 0;
  /// Memory that a program may have, in bytes; 0: what the worker allows.
  std::uint64_t memory_bytes = 0;
  /// Files that are put into the folder of each program, read-only. Only for temporary folders
  /// (`cwd` "temp").
  std::vector<CommandFile> files{};
  /// Standard input of every program: a file that Client::put() gave to the broker. Empty: none.
  std::string input_blob{};
  /// File mode creation mask of the program (the lowest nine bits); none: that of the worker.
  std::optional<std::uint32_t> umask{};
  /// Files that come back with the result: patterns (`*`, `?`, `[...]`) relative to the folder, in
  /// which replacement strings work.
  std::vector<std::string> get{};
  /// `exec`: exit codes, 1 to 255, which say that another attempt would fail in the same way (the
  /// input is wrong, say). Such a task is not tried again, whatever SubmitOptions::attempts says,
  /// and fails with ErrorCode::permanent.
  std::vector<std::int32_t> permanent_exits{};

  /// @return whether all fields are equal
  bool operator==(const Command&) const = default;
};

/// An item that says more than its arguments. The items of a job with Encoding::value may be these.
struct CommandItem {
  std::vector<std::string> arguments{};  ///< what the replacement strings stand for
  std::vector<std::string> env{};        ///< NAME=VALUE, in addition to Command::env
  std::string cwd{};                     ///< folder to run in; empty: Command::cwd
  std::optional<Bytes> input{};      ///< standard input of the program; none: Command::input_blob
  std::vector<CommandFile> files{};  ///< in addition to Command::files
  std::uint64_t number = 0;  ///< what `{#}` stands for; 0: the number of the task, counted from 1

  /// @return whether all fields are equal
  bool operator==(const CommandItem&) const = default;
};

/// How one program of `exec` ended: the result of a task, or the output of a task that failed.
struct CommandResult {
  /// Exit code. As with env(1): 127 when the program was not found, 126 when it could not be
  /// executed, 125 when the worker could not start it for another reason.
  std::int32_t code = 0;
  std::int32_t signal = 0;               ///< number of the signal that ended it; 0: none
  bool timed_out = false;                ///< whether it was ended at its time limit
  Bytes out{};                           ///< standard output; with `err` at most 64 MiB, else cut
  Bytes err{};                           ///< standard error
  std::string host{};                    ///< name of the host on which it ran
  double started_s = 0;                  ///< start in seconds since 1970, by the clock of that host
  double ran_s = 0;                      ///< how long it ran, in seconds
  std::uint64_t number = 0;              ///< what `{#}` stood for
  std::vector<std::string> arguments{};  ///< its arguments, with Command::echo
  std::vector<CommandFile> files{};      ///< the files that Command::get asked for

  /// @return whether it ended by itself, with exit code 0
  bool ok() const { return code == 0 && signal == 0 && !timed_out; }
  /// @return whether all fields are equal
  bool operator==(const CommandResult&) const = default;
};

/// Encodes a command for SubmitOptions::common.
/// @param command what to run
/// @return a value; read it with command_in()
Bytes to_bytes(const Command& command);

/// Decodes a command.
/// @param bytes what to_bytes() made
/// @return the command
/// @throws std::invalid_argument when the bytes are not a command, or when it names no program
Command command_in(BytesView bytes);

/// Encodes an item for a job with Encoding::value.
/// @param item the item
/// @return a value; read it with command_item()
Bytes to_bytes(const CommandItem& item);

/// Decodes an item.
/// @param value what to_bytes() made
/// @return the item
/// @throws std::invalid_argument when the value is not such an item
CommandItem command_item(BytesView value);

/// Encodes a result. Workers use it.
/// @param result how a program ended
/// @return a value; read it with command_result()
Bytes to_bytes(const CommandResult& result);

/// Decodes a result of `exec`.
/// @param bytes TaskResult::bytes of a task, or what Job::get() and the like returned
/// @return how the program ended
/// @throws std::invalid_argument when the bytes are not such a result; also for a task that failed
///         before its program could run, which has no bytes
CommandResult command_result(BytesView bytes);

/// The words of a program with all replacement strings replaced, as Command::words describes.
/// @param command its words
/// @param arguments the arguments of the item; none for a program without an item
/// @param number what `{#}` stands for
/// @return program and arguments
std::vector<std::string> expand(const Command& command, const std::vector<BytesView>& arguments,
                                std::uint64_t number);

/// Whether a name stays within the folder to which it is relative.
/// @param name name of a file
/// @return true when it is relative, has no NUL byte, and none of its parts is empty, `.` or `..`
bool stays_within(std::string_view name);

/// One word with its replacement strings replaced. Several arguments are separated by blanks.
/// @param word one of Command::words
/// @param arguments the arguments of the item
/// @param number what `{#}` stands for
/// @return the word
std::string expand_word(std::string_view word, const std::vector<BytesView>& arguments,
                        std::uint64_t number);

/// A pattern with its replacement strings replaced. What is put in stands for itself: characters
/// that mean something in a pattern are escaped.
/// @param word one of Command::get
/// @param arguments the arguments of the item
/// @param number what `{#}` stands for
/// @return the pattern
std::string expand_pattern(std::string_view word, const std::vector<BytesView>& arguments,
                           std::uint64_t number);

/// Finds a replacement string of GNU parallel that Quern does not have, such as `{%}`.
/// @param word one of Command::words
/// @return the first one; empty: there is none
std::string foreign_replacement(std::string_view word);

/// Whether a word contains a replacement string.
/// @param word one of Command::words
/// @return whether it does
bool has_replacement(std::string_view word);

/// Makes the words of a program that runs a shell script with replacement strings. Values never
/// become part of the script: the script refers to them as parameters, so that the shell executes
/// nothing in them, wherever a replacement string stands (also inside quotes). A value can still be
/// executed by what the script itself starts: a word of `sh -c` or of `awk` is script again.
///
/// In a script without a replacement string, the arguments follow at the end if the script is one
/// command or pipeline. In a list of commands (`a; b`, `a && b`, a loop) they are available as $1,
/// $2 and so on.
/// @param script what `/bin/sh -c` is to run
/// @param arguments maximum number of arguments per program
/// @return words for Command::words
/// @throws std::invalid_argument when there are several arguments and two different replacement
///         strings for all of them at once, which parameters cannot express
std::vector<std::string> script_words(const std::string& script, std::uint64_t arguments = 1);

/// The script with its values in place, each quoted as its place needs, for people: pasted into a
/// shell it does the same.
/// @param script as for script_words()
/// @param arguments the arguments of the item
/// @param number what `{#}` stands for
/// @return the text
std::string script_text(const std::string& script, const std::vector<BytesView>& arguments,
                        std::uint64_t number);

/// Whether a script makes no use of its arguments: it is a list of commands with neither a
/// replacement string nor $1, "$@" and the like.
/// @param script as for script_words()
/// @return whether it ignores them
bool ignores_arguments(const std::string& script);

/// Quotes a word so that a POSIX shell reads it back as it is.
/// @param word any bytes except NUL
/// @return the word itself when it needs no quotes, otherwise the word in single quotes
std::string shell_quoted(std::string_view word);

/// Whether a single word that a person wrote is a script: it contains blanks or characters that
/// mean something to a shell, outside replacement strings.
/// @param word the word
/// @return whether it is a script
bool is_script(const std::string& word);

}  // namespace quern
