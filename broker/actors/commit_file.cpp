#include "broker/actors/commit_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <utility>

#include "broker/actors/checksum.hpp"
#include "runtime/log.hpp"

namespace quern::broker {
namespace {

// Smaller than a sector, which a disk writes atomically.
constexpr std::size_t kSize = 160;
constexpr std::chrono::seconds kUnsyncedMost{1};

/// Padded with spaces, so that each line overwrites the previous one completely.
std::string line_of(const CommitMark& mark) {
  char sum[20];
  std::string line = "commit " + std::to_string(mark.commit) + " time " +
                     std::to_string(mark.time) + " start " + std::to_string(mark.incarnation) +
                     " jobs-below " + std::to_string(mark.numbers_below);
  std::snprintf(sum, sizeof sum, "%016" PRIx64, static_cast<std::uint64_t>(checksum_of({line})));
  line.append(" sum ").append(sum).resize(kSize - 1, ' ');
  return line += '\n';
}

std::optional<CommitMark> mark_in(const std::string& line) {
  CommitMark mark;
  // A number that overflows does not reproduce the line below.
  if (std::sscanf(  // NOLINT(cert-err34-c)
          line.c_str(), "commit %" SCNu64 " time %" SCNd64 " start %" SCNu64 " jobs-below %" SCNu64,
          &mark.commit, &mark.time, &mark.incarnation, &mark.numbers_below) != 4)
    return std::nullopt;
  return line == line_of(mark) ? std::optional(mark) : std::nullopt;
}

}  // namespace

CommitFile::CommitFile(const std::string& folder) : path_(file_in(folder)) {
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (fd_ < 0) {
    warn(errno);
    return;
  }
  struct stat about {};
  if (::fstat(fd_, &about) == 0 && about.st_size > static_cast<off_t>(kSize))
    (void)!::ftruncate(fd_, kSize);  // it was damaged
}

CommitFile::~CommitFile() {
  if (fd_ < 0) return;
  ::fdatasync(fd_);
  ::close(fd_);
}

void CommitFile::warn(int error) {
  if (std::exchange(warned_, true)) return;
  runtime::log_warning(
      "cannot write " + path_ + ": " + std::strerror(error) +
      " (jobs are kept, but the next start cannot detect whether the store lost commits)");
}

void CommitFile::write(const CommitMark& mark) {
  if (fd_ < 0) return;
  const std::string line = line_of(mark);
  if (::pwrite(fd_, line.data(), line.size(), 0) != static_cast<ssize_t>(line.size()))
    return warn(errno);
  warned_ = false;
  if (!unsynced_since_) unsynced_since_ = Clock::now();
}

void CommitFile::sync_old() {
  if (!unsynced_since_ || Clock::now() < *unsynced_since_ + kUnsyncedMost) return;
  unsynced_since_.reset();
  if (::fdatasync(fd_) != 0) warn(errno);
}

CommitFile::Found CommitFile::read(const std::string& folder) {
  const std::string path = file_in(folder);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  const auto trouble = [&](const std::string& why) {
    return Found{std::nullopt,
                 path + " " + why + ": the broker cannot detect whether the store lost commits"};
  };
  if (fd < 0)
    return errno == ENOENT ? Found{}
                           : trouble(std::string("cannot be read (") + std::strerror(errno) + ")");
  std::string line(kSize + 1, '\0');
  const ssize_t size = ::pread(fd, line.data(), line.size(), 0);
  const int error = errno;
  ::close(fd);
  if (size < 0) return trouble(std::string("cannot be read (") + std::strerror(error) + ")");
  if (size == 0) return {};  // it was created, and nothing was committed
  line.resize(static_cast<std::size_t>(size));
  if (auto mark = mark_in(line)) return {mark, {}};
  return trouble("is damaged");
}

}  // namespace quern::broker
