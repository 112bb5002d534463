// `quern man`: pages of the manual.
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>

#include "cli/process/children.hpp"
#include "cli/syntax/manual_page.hpp"
#include "cli/syntax/options.hpp"

namespace quern::cli {
namespace {

constexpr Manual kManManual = {
    "quern man [COMMAND] | --all DIR",
    "Prints the manual page of a command in roff. Without COMMAND it is the page of `quern`; "
    "quern-broker and quern-worker have pages, too.\n\n--all writes all pages to a folder. An "
    "installed Quern has them where `man quern-run` finds "
    "them.",
    "  quern man run | man -l -\n  quern man --all ~/.local/share/man/man1\n"};

/// The programs beside `quern`, whose own --help is their manual.
constexpr std::pair<const char*, const char*> kPrograms[] = {
    {"quern-broker", "accept jobs, grant leases to workers, and collect the results"},
    {"quern-worker", "run tasks for a Quern broker"},
};

/// All that a program prints.
std::string output_of(const ProgramCall& call) {
  Child child(call);
  std::string text;
  while (const auto line = child.first_line(std::chrono::seconds(10))) text += *line + '\n';
  return text;
}

/// The page of one of them, else nothing.
std::optional<std::string> page_of_program(const std::string& name) {
  for (const auto& [program, summary] : kPrograms) {
    if (name != program) continue;
    const std::string help = output_of({find_program(name), {"--help"}});
    return program_page(name, summary, help);
  }
  return std::nullopt;
}

void write_page(const std::filesystem::path& folder, const std::string& name,
                const std::string& page) {
  const auto path = folder / (name + ".1");
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << page;
  file.close();
  if (!file) throw FileError("cannot write " + path.string() + ": " + std::strerror(errno));
}

void write_pages(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    throw FileError("cannot create the folder " + folder.string() + ": " + error.message());
  write_page(folder, "quern", overview_page(commands()));
  for (const Subcommand& command : commands())
    write_page(folder, "quern-" + std::string(command.name), command_page(command));
  for (const auto& [program, summary] : kPrograms)
    write_page(folder, program, *page_of_program(program));
}

}  // namespace

Syntax man_syntax() {
  Syntax syntax(kManManual);
  syntax.words(0, 1, "a command", Word::command);
  syntax.add()("all", option<std::string>("DIR"),
               "write quern.1 and a page for each command and program to DIR");
  return syntax;
}

Exit man(const Arguments& arguments) {
  const auto given = man_syntax().parse(arguments);
  if (!given) return Exit::done;
  const auto words = given->words();
  if (given->has("all")) {
    if (!words.empty())
      throw UsageError("--all writes every page; leave out '" + words.front() + "'");
    write_pages(given->get<std::string>("all"));
    return Exit::done;
  }
  if (words.empty()) {
    std::cout << overview_page(commands());
  } else if (const Subcommand* command = find_command(commands(), words.front())) {
    std::cout << command_page(*command);
  } else if (const auto page = page_of_program(words.front())) {
    std::cout << *page;
  } else {
    throw UsageError("unknown command '" + words.front() + "' (`quern help` lists all commands)");
  }
  return Exit::done;
}

}  // namespace quern::cli
