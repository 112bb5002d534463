// `quern audit`: reads and verifies the broker's audit log on this machine.
#include <chrono>
#include <csignal>
#include <deque>
#include <fstream>
#include <iostream>
#include <thread>

#include "cli/command.hpp"
#include "cli/json.hpp"
#include "cli/options.hpp"
#include "cli/suggest.hpp"
#include "cli/table.hpp"
#include "keys/audit_files.hpp"
#include "keys/error.hpp"
#include "keys/files.hpp"

namespace quern::cli {
namespace {

using namespace std::chrono_literals;

constexpr char kHelp[] =
    "usage: quern audit tail | grep | verify [OPTIONS]\n\n"
    "The broker's record of decisions: who did what, what was denied, changes of keys, starts and stops. One JSON object per line in\n"
    "audit.log, each with the hash of the line before; in $XDG_STATE_HOME/quern, or --audit DIR.\n\n"
    "  tail    the last lines; -f goes on\n"
    "  grep    lines with these fields\n"
    "  verify  whether any line was changed, removed, inserted, reordered, or the end cut off\n\n"
    "examples:\n"
    "  quern audit tail -f\n"
    "  quern audit grep --decision deny --since 2026-11-25\n"
    "  quern audit verify && echo untouched\n";

constexpr const char* kFields[] = {"principal", "address", "action", "object", "decision", "reason"};
constexpr auto kLook = 200ms;

void add_folder_option(Syntax& syntax) {
  syntax.add()("audit", option<std::string>("DIR"), "folder of the log; default $XDG_STATE_HOME/quern");
}

std::string folder_of(const Given& given) {
  const std::string folder = given.get_or<std::string>("audit", keys::default_state_folder());
  if (folder.empty()) throw UsageError("neither XDG_STATE_HOME nor HOME says where the log is: name its folder with --audit");
  return folder;
}

std::vector<std::string> files_of(const std::string& folder) {
  auto files = keys::audit_files(folder);
  if (files.empty()) throw FileError("there is no audit log in " + folder + ": a broker that encrypts writes one (name its folder with --audit)");
  return files;
}

void show(const std::string& line, bool json) {
  if (json) {
    std::cout << line << '\n';
    return;
  }
  const auto field = [&](const char* name) { return printable(keys::field_of(line, name).value_or("?")); };
  std::cout << field("time").substr(0, 23) << "  " << field("decision") << "  " << field("principal") << "  " << field("action");
  if (const auto object = field("object"); !object.empty()) std::cout << "  " << object;
  if (const auto reason = field("reason"); !reason.empty()) std::cout << "  (" << reason << ")";
  if (const auto address = field("address"); !address.empty()) std::cout << "  from " << address;
  std::cout << '\n';
}

Exit tail(const Arguments& arguments) {
  Syntax syntax({"quern audit tail [-n N] [-f]", "Shows the last lines of the audit log.", "  quern audit tail\n  quern audit tail -n 100 --json\n  quern audit tail -f\n"});
  add_folder_option(syntax);
  syntax.add()("lines,n", option<std::size_t>("N"), "how many; default 20")("follow,f", flag(), "go on as lines come, until Ctrl-C");
  const auto given = syntax.parse(arguments);
  if (!given) return Exit::done;
  const std::string folder = folder_of(*given);
  const std::size_t most = given->get_or<std::size_t>("lines", 20);
  std::deque<std::string> last;
  std::uint64_t seen = 0;
  // What comes while lines are shown is shown too: the next reading begins where this one ended.
  const auto read_new = [&](bool keep_last) {
    std::uint64_t number = 0;
    keys::for_each_line(files_of(folder), [&](const std::string&, std::size_t, const std::string& line) {
      if (++number <= seen) return true;
      seen = number;
      if (!keep_last) {
        show(line, given->json());
        return true;
      }
      last.push_back(line);
      if (last.size() > most) last.pop_front();
      return true;
    });
  };
  read_new(true);
  for (const auto& line : last) show(line, given->json());
  std::uintmax_t size = 0;
  while (given->flag("follow") && std::cout.flush()) {
    std::this_thread::sleep_for(kLook);
    std::ifstream file(folder + "/audit.log", std::ios::ate | std::ios::binary);
    const auto now = static_cast<std::uintmax_t>(std::max<std::streamoff>(0, file.tellg()));
    if (now == size) continue;
    size = now;
    read_new(false);
  }
  return Exit::done;
}

Exit grep(const Arguments& arguments) {
  Syntax syntax({"quern audit grep [TEXT] [--principal P] [--decision deny] [--since TIME] ...",
                 "Shows lines whose fields are as given (parts of them are enough), and that have TEXT anywhere. Exit 1 when there is none.",
                 "  quern audit grep --principal lab3\n  quern audit grep --decision deny --action cancel --json\n  quern audit grep 'job 12'\n"});
  syntax.words(0, 1, "a text");
  add_folder_option(syntax);
  for (const char* field : kFields) syntax.add()(field, option<std::string>("TEXT"), "lines whose field has this text");
  syntax.add()("since", option<std::string>("TIME"), "from 2026-11-25 or 2026-11-25T10:00:00 (UTC) on")(
      "until", option<std::string>("TIME"), "before that");
  const auto given = syntax.parse(arguments);
  if (!given) return Exit::done;
  const auto words = given->words();
  const std::string text = words.empty() ? "" : words.front();
  bool any = false;
  keys::for_each_line(files_of(folder_of(*given)), [&](const std::string&, std::size_t, const std::string& line) {
    if (line.find(text) == std::string::npos) return true;
    for (const char* field : kFields)
      if (given->has(field) && keys::field_of(line, field).value_or("").find(given->get<std::string>(field)) == std::string::npos) return true;
    const std::string time = keys::field_of(line, "time").value_or("");
    if (given->has("since") && time < given->get<std::string>("since")) return true;
    if (given->has("until") && time >= given->get<std::string>("until")) return true;
    any = true;
    show(line, given->json());
    return true;
  });
  return any ? Exit::done : Exit::failed;
}

Exit verify(const Arguments& arguments) {
  Syntax syntax({"quern audit verify", "Checks the whole chain of the audit log. Exit 1 when it is not as it was written, and where.",
                 "  quern audit verify\n  quern audit verify --audit /var/lib/quern --json\n"});
  add_folder_option(syntax);
  const auto given = syntax.parse(arguments);
  if (!given) return Exit::done;
  const keys::AuditCheck check = keys::verify_audit(folder_of(*given));
  if (given->json()) std::cout << line_of({{"lines", check.lines}, {"intact", check.problem.empty()}, {"problem", check.problem}});
  else if (check.problem.empty()) std::cout << check.lines << " lines, all as they were written\n";
  else std::cout << "NOT as it was written: " << check.problem << " (" << check.lines << " lines before it are)\n";
  return check.problem.empty() ? Exit::done : Exit::failed;
}

}  // namespace

Exit audit(const Arguments& arguments) {
  const std::string what = arguments.empty() ? "" : arguments.front();
  if (what == "--help" || what == "-h") {
    std::cout << kHelp;
    return Exit::done;
  }
  const Arguments rest(arguments.begin() + (arguments.empty() ? 0 : 1), arguments.end());
  try {
    if (what == "tail") return tail(rest);
    if (what == "grep") return grep(rest);
    if (what == "verify") return verify(rest);
  } catch (const keys::KeyError& error) {
    throw FileError(error.what());
  }
  if (what.empty()) throw UsageError("what to do is missing: tail, grep or verify");
  throw UsageError("unknown action '" + what + "': there are tail, grep and verify");
}

}  // namespace quern::cli
