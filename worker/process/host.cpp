#include "worker/process/host.hpp"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "process/spawn.hpp"

namespace quern::worker {
namespace {

std::string new_folder(const std::string& pattern) {
  std::string path = pattern;
  if (!::mkdtemp(path.data())) throw std::system_error(errno, std::generic_category(), pattern);
  return path;
}

std::string temporary_place() {
  const char* place = std::getenv("TMPDIR");
  return place && *place ? place : "/tmp";
}

bool is_kept(std::string_view variable) {
  const std::string_view name = variable.substr(0, variable.find('='));
  for (const std::string_view kept :
       {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR"})
    if (name == kept) return true;
  return name.starts_with("LC_");
}

std::vector<std::string> clean_environment() {
  std::vector<std::string> out;
  for (std::string& variable : process::own_environment())
    if (is_kept(variable)) out.push_back(std::move(variable));
  if (!std::getenv("PATH")) out.emplace_back("PATH=/usr/local/bin:/usr/bin:/bin");
  return out;
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

}  // namespace

Host::Host(std::uint64_t memory_bytes)
    : folder_(new_folder(temporary_place() + "/quern-worker-XXXXXX")),
      blobs_(folder_ + "/blobs"),
      reaper_(mark_, folder_),
      environment_(clean_environment()),
      name_(host_name()),
      memory_bytes_(memory_bytes) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::signal(SIGCHLD,
           SIG_DFL);  // if a parent had set it to be ignored, exit codes of programs would be lost
  ::signal(SIGPIPE, SIG_IGN);  // writing to a program that does not read must not kill this process
}

Host::~Host() = default;  // the reaper removes the folder

std::uint64_t Host::memory_for(std::uint64_t asked) const {
  if (memory_bytes_ == 0 || asked == 0) return std::max(memory_bytes_, asked);
  return std::min(memory_bytes_, asked);
}

ProgramMark::ProgramMark(Host& host) : host_(host) {
  host_.running_.fetch_add(1);
  variable_ = host_.mark_.variable(host_.children_.fetch_add(1));
}

ProgramMark::~ProgramMark() {
  const bool last = host_.running_.fetch_sub(1) == 1;
  kill_orphans(variable_, host_.reaper_.pid(), last ? Orphans::all : Orphans::marked);
}

TemporaryFolder::TemporaryFolder(const std::string& within)
    : path_(new_folder(within + "/XXXXXX")) {}

TemporaryFolder::~TemporaryFolder() { remove_folder(path_); }

void remove_folder(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::remove_all(path, error);
  if (!error) return;
  // A program may leave folders without write permission.
  for (fs::recursive_directory_iterator
           at(path, fs::directory_options::skip_permission_denied, error),
       end;
       !error && at != end; at.increment(error))
    if (at->is_directory(error) && !at->is_symlink(error))
      fs::permissions(at->path(), fs::perms::owner_all, fs::perm_options::add, error);
  fs::remove_all(path, error);
}

}  // namespace quern::worker
