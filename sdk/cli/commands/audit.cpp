// `quern audit`: reads and verifies the broker's audit log on this machine.
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <deque>
#include <fstream>
#include <iostream>
#include <regex>
#include <thread>
#include <utility>

#include "cli/commands/command.hpp"
#include "cli/output/json.hpp"
#include "cli/output/table.hpp"
#include "cli/syntax/options.hpp"
#include "keys/audit_files.hpp"
#include "keys/error.hpp"
#include "keys/files.hpp"
#include "keys/grant.hpp"

namespace quern::cli {
namespace {

using namespace std::chrono_literals;

constexpr Manual kAuditManual = {
    "quern audit tail | grep | verify [OPTIONS]",
    "Shows the broker's record of decisions: who did what, what was denied, changes of keys, "
    "starts and stops. One JSON object per line in audit.log, each with the hash of the line "
    "before; in $XDG_STATE_HOME/quern, or --audit DIR.",
    "  quern audit tail -f\n"
    "  quern audit grep --decision deny --since 2026-11-25\n"
    "  quern audit verify && echo untouched\n"};

constexpr const char* kFields[] = {"principal", "address",  "action",
                                   "object",    "decision", "reason"};
constexpr auto kFollowLook = 200ms;

void add_folder_option(Syntax& syntax) {
  syntax.add()("audit", option<std::string>("DIR"),
               "folder of the audit log; default $XDG_STATE_HOME/quern");
}

std::string log_folder(const Given& given) {
  const std::string folder = given.get_or<std::string>("audit", keys::default_state_folder());
  if (folder.empty())
    throw UsageError(
        "the folder of the audit log is unknown because neither XDG_STATE_HOME nor HOME is set; "
        "name it with --audit");
  return folder;
}

std::vector<std::string> files_of(const std::string& folder) {
  auto files = keys::audit_files(folder);
  if (files.empty())
    throw FileError("no audit log in " + folder +
                    "; name its folder with --audit (a broker writes one unless it was started "
                    "with --insecure or --no-audit)");
  return files;
}

void show(const std::string& line, bool json) {
  if (json) {
    std::cout << line << '\n';
    return;
  }
  const auto field = [&](const char* name) {
    return printable(keys::field_of(line, name).value_or("?"));
  };
  std::cout << field("time").substr(0, 23) << "  " << field("decision") << "  "
            << field("principal") << "  " << field("action");
  if (const auto object = field("object"); !object.empty()) std::cout << "  " << object;
  if (const auto reason = field("reason"); !reason.empty()) std::cout << "  (" << reason << ")";
  if (const auto address = field("address"); !address.empty()) std::cout << "  from " << address;
  std::cout << '\n';
}

/// Follows the end of the current file, also across rotations.
class LogEnd {
 public:
  explicit LogEnd(std::string path) : path_(std::move(path)) { open(true); }

  /// The complete lines that have arrived.
  std::vector<std::string> take() {
    std::vector<std::string> lines;
    read(lines);
    if (inode(path_) == inode_) return lines;
    read(lines);  // reads what was written before the rotation
    open(false);
    read(lines);
    return lines;
  }

 private:
  static std::uint64_t inode(const std::string& path) {
    struct stat about {};
    return ::stat(path.c_str(), &about) == 0 ? about.st_ino : 0;
  }
  void open(bool at_end) {
    inode_ = inode(path_);
    file_ = std::ifstream(path_, std::ios::binary);
    if (at_end) file_.seekg(0, std::ios::end);
    piece_.clear();
  }
  void read(std::vector<std::string>& lines) {
    file_.clear();
    for (std::string text; std::getline(file_, text);) {
      piece_ += text;
      if (file_.eof()) return;
      lines.push_back(std::exchange(piece_, {}));
    }
  }

  std::string path_;
  std::uint64_t inode_ = 0;
  std::ifstream file_;
  std::string piece_;  ///< of an incomplete line
};

/// Times in the log are compared as text: a prefix of 2026-11-25T10:00:00.
std::string time_of(const Given& given, const char* name) {
  const std::string text = given.get<std::string>(name);
  static const std::regex form(R"(\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?Z?)?)");
  try {
    if (std::regex_match(text, form))
      keys::time_of(text.substr(0, 10));  // throws if the date does not exist
    else
      throw keys::KeyError("'" + text +
                           "' is not a time such as 2026-11-25 or 2026-11-25T10:00:00 (UTC)");
  } catch (const keys::KeyError& error) {
    throw UsageError("--" + std::string(name) + ": " + error.what());
  }
  return text.ends_with('Z') ? text.substr(0, text.size() - 1) : text;
}

Syntax tail_syntax() {
  Syntax syntax({"quern audit tail [-n N] [-f]", "Shows the last lines of the audit log.",
                 "  quern audit tail\n  quern audit tail -n 100 --json\n  quern audit tail -f\n"});
  add_folder_option(syntax);
  auto add = syntax.add();
  add("lines,n", option<std::int64_t>("N"), "number of lines; default 20");
  add("follow,f", flag(), "print new lines as they are written, until Ctrl-C");
  return syntax;
}

Exit tail(const Arguments& arguments) {
  const auto given = tail_syntax().parse(arguments);
  if (!given) return Exit::done;
  const std::string folder = log_folder(*given);
  const auto lines = given->get_or<std::int64_t>("lines", 20);
  if (lines < 0)
    throw UsageError("-n takes a number of lines from 0, not " + std::to_string(lines));
  const auto most = static_cast<std::size_t>(lines);
  std::deque<std::string> last;
  LogEnd end(folder + "/audit.log");
  keys::for_each_line(files_of(folder),
                      [&](const std::string&, std::size_t, const std::string& line) {
                        last.push_back(line);
                        if (last.size() > most) last.pop_front();
                        return true;
                      });
  for (const auto& line : last) show(line, given->json());
  // Lines that arrived while the file was read are shown once.
  std::uint64_t shown =
      last.empty() ? 0
                   : keys::position_before(last.back()).value_or(keys::AuditPosition{}).count + 1;
  while (given->flag("follow") && std::cout.flush()) {
    for (const auto& line : end.take()) {
      const auto at = keys::position_before(line);
      if (!at || at->count < shown) continue;
      shown = at->count + 1;
      show(line, given->json());
    }
    std::cout.flush();
    std::this_thread::sleep_for(kFollowLook);
  }
  return Exit::done;
}

Syntax grep_syntax() {
  Syntax syntax(
      {"quern audit grep [TEXT] [--principal P] [--decision deny] [--since TIME] ...",
       "Shows the lines whose fields contain the given texts and that contain TEXT anywhere. The "
       "exit code is 1 if there are none.",
       "  quern audit grep --principal lab3\n  quern audit grep --decision deny --action cancel "
       "--json\n  quern audit grep 'job 12'\n"});
  syntax.words(0, 1, "a text");
  add_folder_option(syntax);
  for (const char* field : kFields)
    syntax.add()(field, option<std::string>("TEXT"), "only lines whose field contains TEXT");
  auto add = syntax.add();
  add("since", option<std::string>("TIME"),
      "only lines from this time on: 2026-11-25 or 2026-11-25T10:00:00 (UTC)");
  add("until", option<std::string>("TIME"), "only lines before this time");
  return syntax;
}

Exit grep(const Arguments& arguments) {
  const auto given = grep_syntax().parse(arguments);
  if (!given) return Exit::done;
  const auto words = given->words();
  const std::string text = words.empty() ? "" : words.front();
  const std::string since = given->has("since") ? time_of(*given, "since") : "";
  const std::string until = given->has("until") ? time_of(*given, "until") : "";
  bool any = false;
  keys::for_each_line(
      files_of(log_folder(*given)), [&](const std::string&, std::size_t, const std::string& line) {
        if (line.find(text) == std::string::npos) return true;
        for (const char* field : kFields)
          if (given->has(field) &&
              keys::field_of(line, field).value_or("").find(given->get<std::string>(field)) ==
                  std::string::npos)
            return true;
        const std::string time = keys::field_of(line, "time").value_or("");
        if (time < since || (!until.empty() && time >= until)) return true;
        any = true;
        show(line, given->json());
        return true;
      });
  return any ? Exit::done : Exit::failed;
}

Syntax verify_syntax() {
  Syntax syntax({"quern audit verify",
                 "Verifies the hash chain of the whole audit log. If it was modified, tells where; "
                 "the exit code is 1.",
                 "  quern audit verify\n  quern audit verify --audit /var/lib/quern --json\n"});
  add_folder_option(syntax);
  return syntax;
}

Exit verify(const Arguments& arguments) {
  const auto given = verify_syntax().parse(arguments);
  if (!given) return Exit::done;
  const keys::AuditCheck check = keys::verify_audit(log_folder(*given));
  if (given->json())
    std::cout << line_of({{"lines", check.lines},
                          {"intact", check.problem.empty()},
                          {"problem", check.problem},
                          {"torn", check.torn}});
  else if (check.problem.empty())
    std::cout
        << check.lines << " lines, none modified"
        << (check.torn
                ? ", followed by an incomplete line (a broker was killed, or the power failed)"
                : "")
        << '\n';
  else
    std::cout << "MODIFIED: " << check.problem << " (" << check.lines
              << " lines before it are intact)\n";
  return check.problem.empty() ? Exit::done : Exit::failed;
}

constexpr Subcommand kAuditActions[] = {
    {"tail", "show the last lines; -f prints new ones", tail, tail_syntax},
    {"grep", "show lines that contain given texts", grep, grep_syntax},
    {"verify", "detect lines that were changed, removed, inserted, reordered or cut off", verify,
     verify_syntax},
};

}  // namespace

Syntax audit_syntax() {
  Syntax syntax(kAuditManual);
  syntax.actions(kAuditActions);
  return syntax;
}

Exit audit(const Arguments& arguments) {
  try {
    return audit_syntax().act(arguments);
  } catch (const keys::KeyError& error) {
    throw FileError(error.what());
  }
}

}  // namespace quern::cli
