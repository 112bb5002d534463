#include "worker/process/input_wait.hpp"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

namespace quern::worker {
namespace {

constexpr std::size_t kFamilyMax = 64;  // maximum number of programs and threads to check

/// The system call in which a thread waits: its number and its first argument.
struct Call {
  long number = -1;
  long first = -1;
};

/// The system calls that wait for events, whatever those are.
bool waits_for_events(long number) {
  static constexpr std::array kCalls{
#ifdef SYS_poll
      static_cast<long>(SYS_poll),       static_cast<long>(SYS_select),
      static_cast<long>(SYS_epoll_wait),
#endif
      static_cast<long>(SYS_ppoll),      static_cast<long>(SYS_pselect6),
      static_cast<long>(SYS_epoll_pwait)};
  return std::find(kCalls.begin(), kCalls.end(), number) != kCalls.end();
}

std::vector<std::string> entries_of(const std::string& folder) {
  std::vector<std::string> names;
  DIR* dir = ::opendir(folder.c_str());
  if (!dir) return names;
  while (const dirent* entry = ::readdir(dir))
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  ::closedir(dir);
  return names;
}

/// Nothing if the system does not tell. A running thread is in no system call.
std::optional<Call> call_of(const std::string& thread) {
  std::ifstream in(thread + "/syscall");
  std::string number, first;
  if (!(in >> number)) return std::nullopt;
  if (number == "running" || !(in >> first)) return Call{};
  return Call{std::strtol(number.c_str(), nullptr, 0), std::strtol(first.c_str(), nullptr, 0)};
}

bool is_same(const std::string& file, const struct stat& pipe) {
  struct stat other {};
  return ::stat(file.c_str(), &other) == 0 && other.st_dev == pipe.st_dev &&
         other.st_ino == pipe.st_ino;
}

}  // namespace

InputWait input_wait_of(pid_t pid, int pipe) {
  struct stat input {};
  if (::fstat(pipe, &input) != 0) return InputWait::unknown;
  std::vector<std::string> family{std::to_string(pid)};
  bool told = false;
  for (std::size_t i = 0; i < family.size() && i < kFamilyMax; ++i) {
    const std::string process = "/proc/" + family[i];
    for (const std::string& id : entries_of(process + "/task")) {
      const std::string thread = process + "/task/" + id;
      const auto call = call_of(thread);
      told = told || call.has_value();
      if (call && waits_for_events(call->number)) return InputWait::waits;
      const bool reads = call && (call->number == SYS_read || call->number == SYS_readv);
      if (reads && is_same(process + "/fd/" + std::to_string(call->first), input))
        return InputWait::waits;
      std::ifstream children(thread + "/children");
      for (std::string child; children >> child;) family.push_back(child);
    }
  }
  return told ? InputWait::works : InputWait::unknown;
}

}  // namespace quern::worker
