#include "keys/audit_files.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "keys/error.hpp"
#include "keys/files.hpp"

namespace quern::keys {
namespace {

constexpr std::size_t kKeyLeast = 16;  // crypto_generichash_KEYBYTES_MIN
constexpr std::size_t kKeyMost = 64;

}  // namespace

std::string default_state_folder() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state && state[0] == '/')
    return std::string(state) + "/quern";
  if (const char* home = std::getenv("HOME"); home && *home)
    return std::string(home) + "/.local/state/quern";
  return {};
}

std::string full_file_name(const std::string& folder, std::size_t number) {
  char name[32];
  std::snprintf(name, sizeof name, "/audit.%06zu.log", number);
  return folder + name;
}

std::vector<std::string> audit_files(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename();
    const bool full =
        name.size() >= 16 && name.starts_with("audit.") && name.ends_with(".log") &&
        std::all_of(name.begin() + 6, name.end() - 4, [](char c) { return c >= '0' && c <= '9'; });
    if (full) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  });
  if (std::filesystem::exists(folder + "/audit.log", error)) files.push_back(folder + "/audit.log");
  return files;
}

AuditPosition start_of(const std::string& path) {
  std::optional<AuditPosition> start;
  for_each_line({path}, [&](const std::string&, std::size_t, const std::string& text) {
    start = position_before(text);
    return false;
  });
  if (!start) throw KeyError(path + " does not begin with a line of an audit log");
  return *start;
}

std::string audit_key(const std::string& folder) {
  const std::string path = folder + "/audit.key";
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return {};
  const auto mode = std::filesystem::status(path, error).permissions();
  if ((mode & (std::filesystem::perms::group_all | std::filesystem::perms::others_all)) !=
      std::filesystem::perms::none)
    throw KeyError(path + " can be read by others: run `chmod 600 " + path + "`");
  std::string key = read_file(path).value_or("");
  key.erase(key.find_last_not_of("\r\n") + 1);
  if (key.size() < kKeyLeast)
    throw KeyError(path + " is shorter than " + std::to_string(kKeyLeast) + " bytes");
  key.resize(std::min(key.size(), kKeyMost));
  return key;
}

std::string for_each_line(const std::vector<std::string>& files,
                          const std::function<bool(const std::string& file, std::size_t line,
                                                   const std::string& text)>& each) {
  std::string torn;
  for (const auto& path : files) {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw KeyError("cannot read " + path + ": " + std::strerror(errno));
    std::string text;
    for (std::size_t line = 1; std::getline(in, text); ++line) {
      if (in.eof()) {
        if (torn.empty()) torn = path;
      } else if (!each(path, line, text)) {
        return torn;
      }
    }
    if (in.bad()) throw KeyError("cannot read " + path + ": " + std::strerror(errno));
  }
  return torn;
}

namespace {

AuditCheck check_audit(const std::string& folder, const std::vector<std::string>& files) {
  const std::string key = audit_key(folder);
  // Reads the checkpoint first, so that lines written in the meantime are after it.
  const auto checkpoint = read_file(folder + "/audit.checkpoint");
  if (files.empty() && !checkpoint)
    throw KeyError("no audit log in " + folder + " (name its folder with --audit)");
  AuditCheck check;
  AuditPosition at, known;
  try {
    if (checkpoint) known = checkpoint_of(*checkpoint, key);
  } catch (const KeyError& error) {
    check.problem = error.what();
  }
  bool passed_checkpoint = known.count == 0;
  const std::string torn =
      for_each_line(files, [&](const std::string& file, std::size_t line, const std::string& text) {
        const auto wrong = continue_chain(at, text, key);
        if (wrong) {
          check.problem = file + ", line " + std::to_string(line) + ": " + *wrong;
          return false;
        }
        if (at.count == known.count) {
          passed_checkpoint = true;
          if (at.hash != known.hash)
            check.problem = file + ", line " + std::to_string(line) +
                            ": it differs from the line that the checkpoint recorded";
        }
        return check.problem.empty();
      });
  check.lines = at.count;
  check.torn = !torn.empty();
  if (check.problem.empty() && check.torn && torn != files.back())
    check.problem = torn + " ends with an incomplete line";
  if (check.problem.empty() && !checkpoint && at.count > 0)
    check.problem = "the checkpoint (audit.checkpoint) is missing";
  if (check.problem.empty() && !passed_checkpoint)
    check.problem = "the log ends with line " + std::to_string(at.count) +
                    ", but the checkpoint recorded line " + std::to_string(known.count) +
                    ": the end was cut off";
  return check;
}

}  // namespace

AuditCheck verify_audit(const std::string& folder) {
  while (true) {
    const auto files = audit_files(folder);
    const AuditCheck check = check_audit(folder, files);
    // A broker may have begun a new file in the meantime; then the files that were read are
    // incomplete.
    if (check.problem.empty() || audit_files(folder) == files) return check;
  }
}

}  // namespace quern::keys
