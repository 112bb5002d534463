// `quern`: finds the subcommand, and turns errors into one line and an exit code.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>

#include "cli/commands/command.hpp"
#include "cli/output/complaint.hpp"
#include "cli/output/standard_output.hpp"
#include "cli/output/table.hpp"
#include "cli/syntax/suggest.hpp"

namespace quern::cli {
namespace {

void print_commands(std::ostream& out) {
  out << "usage: quern COMMAND [OPTIONS]\n\ncommands:\n";
  for (const Subcommand& command : commands())
    out << "  " << command.name << std::string(12 - command.name.size(), ' ') << command.summary
        << '\n';
  out << "\n"
         "`quern COMMAND --help` shows the options and examples of a command.\n"
         "--broker or QUERN_BROKER names the broker; the default is tcp://127.0.0.1:7600.\n";
}

Exit unknown_command(const std::string& name) {
  std::vector<std::string> names;
  for (const Subcommand& command : commands()) names.emplace_back(command.name);
  std::cerr << "quern: unknown command '" << printable(name) << "'";
  if (auto near = nearest(name, names)) std::cerr << "; did you mean '" << *near << "'?";
  std::cerr << " (`quern help` lists all commands)\n";
  return Exit::usage;
}

Exit run_command(const Subcommand& command, const Arguments& arguments) {
  try {
    return command.run(arguments);
  } catch (const std::exception& error) {
    const Complaint complaint = complaint_of(error, std::string(command.name));
    std::cerr << "quern: " << printable(complaint.text) << '\n';
    return complaint.code;
  }
}

Exit dispatch(const Arguments& words) {
  if (words.empty()) {
    print_commands(std::cout);
    return Exit::done;
  }
  const std::string& first = words.front();
  if (first == "--version") {
    std::cout << "quern " << QUERN_VERSION << '\n';
    return Exit::done;
  }
  if (first == "help" || first == "--help" || first == "-h") {
    const Subcommand* command = words.size() > 1 ? find_command(commands(), words[1]) : nullptr;
    if (command) return run_command(*command, {"--help"});
    if (words.size() > 1) return unknown_command(words[1]);
    print_commands(std::cout);
    return Exit::done;
  }
  if (const Subcommand* command = find_command(commands(), first))
    return run_command(*command, Arguments(words.begin() + 1, words.end()));
  return unknown_command(first);
}

/// Opens descriptors 0, 1 and 2 on /dev/null if they are closed; otherwise the next opened file
/// would be mistaken for one of them.
void open_standard_descriptors() {
  int fd = ::open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= 2) fd = ::open("/dev/null", O_RDWR);
  if (fd > 2) ::close(fd);
}

}  // namespace
}  // namespace quern::cli

int main(int argc, char** argv) {
  quern::cli::open_standard_descriptors();
  // A closed pipe is noticed by the failing write (Output), not by SIGPIPE, so that the job can be
  // cancelled first.
  std::signal(SIGPIPE, SIG_IGN);
  const quern::cli::StandardOutput output;
  return static_cast<int>(quern::cli::finish_output(quern::cli::dispatch({argv + 1, argv + argc})));
}
