#include "cli/output/received_files.hpp"

#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <string_view>
#include <utility>

#include "cli/syntax/options.hpp"

namespace quern::cli {
namespace {

constexpr int kTemporaryTries = 100;
constexpr std::uint64_t kMissingTold = 10;

bool matches(const std::string& pattern, const std::string& name) {
  return ::fnmatch(pattern.c_str(), name.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0;
}

[[noreturn]] void cannot_write(const std::string& name, const std::string& why) {
  throw FileError("cannot write " + name + ": " + why);
}

class Folder {
 public:
  explicit Folder(int fd) : fd_(fd) {}
  ~Folder() {
    if (fd_ >= 0) ::close(fd_);
  }
  Folder(Folder&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Folder& operator=(Folder&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

/// Opens the folder of a file and creates missing folders; `last` becomes the file's own name.
Folder parent_of(const std::string& name, std::string& last) {
  Folder folder(::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) cannot_write(name, std::strerror(errno));
  std::size_t at = 0;
  for (std::size_t slash; (slash = name.find('/', at)) != std::string::npos; at = slash + 1) {
    const std::string part = name.substr(at, slash - at);
    if (::mkdirat(folder.get(), part.c_str(), 0777) != 0 && errno != EEXIST)
      cannot_write(name, std::strerror(errno));
    Folder next(
        ::openat(folder.get(), part.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    const int error = errno;
    struct stat info {};
    const bool link = next.get() < 0 &&
                      ::fstatat(folder.get(), part.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
                      S_ISLNK(info.st_mode);
    if (link)
      cannot_write(name, name.substr(0, slash) +
                             " is a link, and received files are not written through links");
    if (next.get() < 0) cannot_write(name, std::strerror(error));
    folder = std::move(next);
  }
  last = name.substr(at);
  return folder;
}

/// A new file in the folder; `name` becomes its name.
int temporary_in(const Folder& folder, mode_t mode, std::string& name) {
  static unsigned counter = 0;
  for (int tries = 0; tries < kTemporaryTries; ++tries) {
    name = ".quern-" + std::to_string(::getpid()) + "-" + std::to_string(++counter);
    const int fd = ::openat(folder.get(), name.c_str(),
                            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd >= 0 || errno != EEXIST) return fd;
  }
  return -1;
}

/// 0 or an errno.
int write_whole(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno != EINTR) return errno;
    if (put > 0) bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return 0;
}

void write_file(const CommandFile& file) {
  std::string last, temporary;
  const Folder folder = parent_of(file.name, last);
  const int fd = temporary_in(folder, (file.mode & 0111u) != 0 ? 0777 : 0666, temporary);
  if (fd < 0) cannot_write(file.name, std::strerror(errno));
  int error = write_whole(fd, file.bytes);
  if (::close(fd) != 0 && error == 0) error = errno;
  if (error == 0 && ::renameat(folder.get(), temporary.c_str(), folder.get(), last.c_str()) != 0)
    error = errno;
  if (error == 0) return;
  ::unlinkat(folder.get(), temporary.c_str(), 0);
  cannot_write(file.name, std::strerror(error));
}

void check_names(const std::vector<std::string>& patterns, const CommandResult& result) {
  std::set<std::string> names;
  for (const auto& file : result.files) {
    const bool asked =
        std::any_of(patterns.begin(), patterns.end(),
                    [&](const std::string& pattern) { return matches(pattern, file.name); });
    if (!stays_within(file.name) || file.is_folder() || !asked)
      throw FileError("a worker (" + result.host + ") sent a file that --get does not name: " +
                      file.name + "; it was not written");
    if (!names.insert(file.name).second)
      throw FileError("a worker (" + result.host + ") sent two files with the name " + file.name);
  }
}

}  // namespace

std::vector<std::string> write_files(const Command& command,
                                     const std::vector<std::string>& arguments,
                                     std::uint64_t number, const CommandResult& result) {
  const std::vector<BytesView> views(arguments.begin(), arguments.end());
  std::vector<std::string> patterns;
  for (const std::string& pattern : command.get)
    patterns.push_back(expand_pattern(pattern, views, number));
  check_names(patterns, result);
  for (const auto& file : result.files) write_file(file);
  std::erase_if(patterns, [&](const std::string& pattern) {
    return std::any_of(result.files.begin(), result.files.end(),
                       [&](const CommandFile& file) { return matches(pattern, file.name); });
  });
  return patterns;
}

void tell_missing(Console& console, const std::vector<std::string>& patterns,
                  const std::string& whose, std::uint64_t& told) {
  for (const std::string& pattern : patterns) {
    if (++told > kMissingTold) return;
    console.say("--get " + pattern + ": " + whose + " created no such file" +
                (told == kMissingTold ? "; further missing files are not reported" : ""));
  }
}

}  // namespace quern::cli
