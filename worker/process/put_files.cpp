#include "worker/process/put_files.hpp"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <system_error>

namespace quern::worker {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kResultMax = (64u << 20) - (64u << 10);

[[noreturn]] void fail(const std::string& file) {
  throw std::system_error(errno, std::generic_category(), file);
}

void write(const fs::path& path, const Bytes& bytes, std::uint32_t mode) {
  fs::create_directories(path.parent_path());
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) fail(path);
  for (BytesView rest = bytes; !rest.empty();) {
    const ssize_t put = ::write(fd, rest.data(), rest.size());
    if (put < 0 && errno != EINTR) {
      const int error = errno;
      ::close(fd);
      errno = error;
      fail(path);
    }
    if (put > 0) rest.remove_prefix(static_cast<std::size_t>(put));
  }
  ::fchmod(fd, mode);
  ::close(fd);
}

}  // namespace

std::shared_ptr<PutFiles::OfJob> PutFiles::of_job(const Task& task, const Command& command) {
  const auto owner = task.common_owner();
  std::shared_ptr<OfJob> job;
  {
    std::lock_guard lock(mutex_);
    std::erase_if(jobs_, [](const auto& known) { return known.second->owner.expired(); });
    auto& known = jobs_[owner.get()];
    if (!known) known = std::make_shared<OfJob>();
    known->owner = owner;
    job = known;
  }
  std::lock_guard lock(job->mutex);
  if (job->folder) return job;
  // All programs of the job see the same file: none of them may write to it.
  auto folder = std::make_unique<TemporaryFolder>(host_.folder());
  for (const auto& file : command.files)
    write_file(fs::path(folder->path()) / file.name, file, file.mode & 0555u);
  job->folder = std::move(folder);  // only when it is complete, so that a file that cannot be
                                    // written fails only its task
  return job;
}

void PutFiles::write_file(const fs::path& path, const CommandFile& file, std::uint32_t mode) const {
  if (file.is_folder()) {
    fs::create_directories(path);
    return;
  }
  if (file.blob.empty()) return write(path, file.bytes, mode);
  fs::create_directories(path.parent_path());
  host_.blobs().copy(file.blob, path, mode);
}

void PutFiles::place(const Task& task, const Command& command, const std::vector<CommandFile>& own,
                     const std::string& folder) {
  if (!command.files.empty()) {
    const auto job = of_job(task, command);
    for (const auto& file : command.files) {
      const fs::path to = fs::path(folder) / file.name;
      fs::create_directories(to.parent_path());
      // Root can write to read-only files, and could change the shared file of all programs, so it
      // gets copies.
      if (::geteuid() == 0 || file.is_folder())
        write_file(to, file, file.mode & 0555u);
      else
        fs::create_hard_link(fs::path(job->folder->path()) / file.name, to);
    }
  }
  for (const auto& file : own) write_file(fs::path(folder) / file.name, file, file.mode & 0777u);
}

namespace {

/// The folder as a pattern that matches only itself.
std::string literal(const std::string& folder) { return expand_pattern("{}", {folder}, 0); }

}  // namespace

std::vector<CommandFile> files_matching(const std::string& folder,
                                        const std::vector<std::string>& patterns,
                                        std::size_t taken) {
  std::set<std::string> names;
  for (const std::string& pattern : patterns) {
    if (!stays_within(pattern))
      throw std::runtime_error("--get " + pattern + ": the pattern leads out of the folder");
    glob_t found{};
    if (::glob((literal(folder) + "/" + pattern).c_str(), GLOB_NOSORT, nullptr, &found) == 0)
      for (std::size_t i = 0; i < found.gl_pathc; ++i)
        names.insert(std::string(found.gl_pathv[i]).substr(folder.size() + 1));
    ::globfree(&found);
  }
  std::vector<CommandFile> files;
  for (const std::string& name : names) {
    const std::string path = folder + "/" + name;
    struct stat info {};
    // Never follows links, which may point to any file of this machine.
    if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    taken += static_cast<std::size_t>(info.st_size) + name.size();
    if (taken > kResultMax)
      throw std::runtime_error(
          "the files that --get names exceed the limit of 64 MiB for a result");
    std::ifstream in(path, std::ios::binary);
    files.push_back({name, info.st_mode & 0777u, {std::istreambuf_iterator<char>(in), {}}});
  }
  return files;
}

}  // namespace quern::worker
