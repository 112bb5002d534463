#include "cli/request/command_options.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "cli/request/command_files.hpp"
#include "cli/syntax/job_options.hpp"
#include "notation/size.hpp"

namespace quern::cli {
namespace {

std::string here() {
  std::error_code error;
  const std::string folder = std::filesystem::current_path(error).string();
  // Linux names a folder beyond our root "(unreachable)".
  if (error || !folder.starts_with('/'))
    throw FileError(
        "the current folder no longer exists; change to another one, or use --cwd DIR or --cwd "
        "temp");
  return folder;
}

std::uint32_t own_umask() {
  const mode_t mask = ::umask(0);  // it can only be read by setting it
  ::umask(mask);
  return mask;
}

/// NAME=VALUE as given; NAME gets the value that it has here.
std::vector<std::string> environment_of(const std::vector<std::string>& given) {
  std::vector<std::string> out;
  for (const std::string& text : given) {
    if (text.empty() || text.front() == '=')
      throw UsageError("--env takes NAME or NAME=VALUE, not '" + text + "'");
    if (text.find('=') != std::string::npos) {
      out.push_back(text);
    } else if (const char* value = std::getenv(text.c_str())) {
      out.push_back(text + "=" + value);
    } else {
      throw UsageError("--env " + text + ": this variable is not set");
    }
  }
  return out;
}

/// "65" or "65,78".
std::vector<std::int32_t> exit_codes_of(const std::string& text) {
  std::vector<std::int32_t> codes;
  const char* at = text.data();
  const char* const end = at + text.size();
  for (;;) {
    std::int32_t code = 0;
    const auto [stop, error] = std::from_chars(at, end, code);
    if (error != std::errc() || code < 1 || code > 255 || (stop != end && *stop != ','))
      throw UsageError(
          "--permanent-exit takes exit codes from 1 to 255 separated by commas, such as 65,78; not "
          "'" +
          text + "'");
    codes.push_back(code);
    if (stop == end) return codes;
    at = stop + 1;
  }
}

}  // namespace

void add_command_options(Syntax& syntax) {
  auto add = syntax.add();
  add("timeout", option<double>("S"),
      "maximum seconds for a command; then it is killed and has failed");
  add("retries", option<long>("N"), "further attempts of a failing command; default 0");
  add("permanent-exit", option<std::string>("CODE[,CODE...]"),
      "exit codes after which a command is not retried");
  add("env", option<std::vector<std::string>>("NAME[=VALUE]")->composing(),
      "environment variable for the command, repeatable; without a value: that of quern. Few "
      "others are passed");
  add("cwd", option<std::string>("DIR"),
      "folder to run in; temp: a new empty folder for each command; default: the current folder, "
      "which the worker must have, too");
  add("put", option<std::vector<std::string>>("FILE")->composing(),
      "send a file (or a whole folder) to the command's folder, repeatable; {} in the name is "
      "replaced for each command. Implies --cwd temp");
  add("get", option<std::vector<std::string>>("GLOB")->composing(),
      "fetch these files from the command's folder to the current one, repeatable; {} is replaced. "
      "Implies --cwd temp");
  add("memory", option<std::string>("SIZE"), "maximum memory for a command, e.g. 2GiB");
  add_job_options(syntax);
}

Command command_of(const Given& given, const std::vector<std::string>& words,
                   std::uint64_t arguments, LargeFiles& large) {
  Command command;
  try {
    command.words = words.size() == 1 && is_script(words.front())
                        ? script_words(words.front(), arguments)
                        : words;
  } catch (const std::invalid_argument& error) {
    throw UsageError(error.what());
  }
  if (command.words.empty() || command.words.front().empty())
    throw UsageError("the command is missing");
  command.env = environment_of(given.get_or<std::vector<std::string>>("env", {}));
  command.umask = own_umask();
  const bool files = given.has("put") || given.has("get");
  command.cwd = files ? "temp" : given.has("cwd") ? given.get<std::string>("cwd") : here();
  // The worker would resolve a relative name against a folder of its own.
  if (command.cwd != "temp" && !command.cwd.starts_with('/'))
    command.cwd = (std::filesystem::path(here()) / command.cwd).lexically_normal().string();
  if (files) {
    if (given.has("cwd") && given.get<std::string>("cwd") != "temp")
      throw UsageError(
          "--put and --get require a new folder for each command; leave out --cwd, or use --cwd "
          "temp");
    command.get = given.get_or<std::vector<std::string>>("get", {});
    for (const std::string& pattern : command.get)
      if (!has_replacement(pattern) && !stays_within(pattern))
        throw UsageError("--get " + pattern +
                         ": give names of files below the command's folder, without `.`, `..`, and "
                         "`/` at the beginning or end");
    for (const std::string& name : given.get_or<std::vector<std::string>>("put", {}))
      if (!has_replacement(name)) add_files(command.files, name, &large);
  }
  if (given.has("timeout"))
    command.timeout_ms =
        static_cast<std::uint64_t>(timeout_of(given.get<double>("timeout")).count());
  if (given.has("memory"))
    command.memory_bytes = size_of("--memory", given.get<std::string>("memory"));
  if (given.has("permanent-exit"))
    command.permanent_exits = exit_codes_of(given.get<std::string>("permanent-exit"));
  return command;
}

SubmitOptions command_submit_options(const Given& given) {
  SubmitOptions options = job_options_of(given);
  options.attempts = attempts_of(given, 0);
  return options;
}

std::uint64_t size_of(const char* option, const std::string& text) {
  const auto bytes = notation::size_in(text);
  if (!bytes || *bytes == 0)
    throw UsageError(std::string(option) + " takes a size above 0 such as 64K, 1MiB or 2G, not '" +
                     text + "'");
  return *bytes;
}

}  // namespace quern::cli
