#include "worker/process/mark.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <optional>
#include <random>

#include "notation/hex.hpp"
#include "process/end.hpp"

namespace quern::worker {
namespace {

constexpr int kRounds = 100;  // rounds of searching for remaining processes
constexpr useconds_t kBetweenRounds = 2000;

std::string process_file(const std::string& file) {
  std::string text;
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return text;
  char block[4096];
  for (ssize_t got; (got = ::read(fd, block, sizeof block)) > 0;)
    text.append(block, static_cast<std::size_t>(got));
  ::close(fd);
  return text;
}

bool carries(pid_t pid, std::string_view variable) {
  const std::string environment = process_file("/proc/" + std::to_string(pid) + "/environ");
  for (std::size_t at = 0; (at = environment.find(variable, at)) != std::string::npos; ++at)
    if (at == 0 || environment[at - 1] == '\0') return true;
  return false;
}

std::optional<pid_t> pid_in(std::string_view name) {
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
  return error == std::errc() && end == name.data() + name.size() ? std::optional(pid)
                                                                  : std::nullopt;
}

std::string random_text() {
  std::random_device device;
  std::string text;
  for (int i = 0; i < 16; ++i) text += notation::kHexDigits[device() & 15];
  return text;
}

/// The main thread never starts programs, so its children are those that were left behind by
/// others.
std::vector<pid_t> orphans() {
  static const std::string file = "/proc/self/task/" + std::to_string(::getpid()) + "/children";
  const std::string list = process_file(file);  // each number is followed by a blank
  std::vector<pid_t> found;
  for (std::size_t at = 0, end = 0; (end = list.find(' ', at)) != std::string::npos; at = end + 1)
    if (const auto pid = pid_in(std::string_view(list).substr(at, end - at))) found.push_back(*pid);
  return found;
}

}  // namespace

Mark::Mark() : text_("QUERN_MARK=" + random_text() + ".") {}

std::string Mark::variable(std::uint64_t child) const {
  return text_ + std::to_string(child) + ".";
}

std::vector<pid_t> marked(std::string_view variable) {
  std::vector<pid_t> found;
  DIR* proc = ::opendir("/proc");
  if (!proc) return found;
  while (const dirent* entry = ::readdir(proc)) {
    const auto pid = pid_in(entry->d_name);
    if (pid && *pid != ::getpid() && carries(*pid, variable)) found.push_back(*pid);
  }
  ::closedir(proc);
  return found;
}

void kill_marked(std::string_view variable) {
  for (int round = 0; round < kRounds; ++round) {
    const auto left = marked(variable);
    if (left.empty()) return;
    for (const pid_t pid : left) ::kill(pid, SIGKILL);
    ::usleep(kBetweenRounds);
  }
}

void kill_orphans(std::string_view variable, pid_t except, Orphans which) {
  // The children of an orphan that is killed become orphans in turn.
  for (int round = 0; round < kRounds; ++round) {
    bool found = false;
    for (const pid_t pid : orphans()) {
      if (pid == except) continue;
      const bool ours = which == Orphans::all || carries(pid, variable);
      if (ours) ::kill(pid, SIGKILL);
      const bool reaped = process::reap_if_ended(pid).has_value();
      found = found || ours || reaped;
    }
    if (!found) return;
    ::usleep(kBetweenRounds);
  }
}

}  // namespace quern::worker
