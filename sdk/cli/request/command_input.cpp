#include "cli/request/command_input.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "cli/syntax/options.hpp"

namespace quern::cli {
namespace {

constexpr std::size_t kInputWithCommand = 1u << 20;  // more is uploaded by its hash
constexpr std::size_t kInputBlock = 256u << 10;
constexpr int kIdle_ms = 1000;  // without any input

[[noreturn]] void cannot(const std::string& what, const std::string& name, int error) {
  throw FileError("cannot " + what + ' ' + name + ": " + std::strerror(error));
}

/// Whether standard input is a pipe, a socket or a file.
bool comes_from_somebody(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 &&
         (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode) || S_ISREG(info.st_mode));
}

/// A regular file that is read from its beginning.
bool is_whole_file(int fd, std::size_t& size) {
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || ::lseek(fd, 0, SEEK_CUR) != 0)
    return false;
  size = static_cast<std::size_t>(info.st_size);
  return true;
}

/// 0 at the end.
std::size_t read_block(int fd, char* block, const std::string& name) {
  for (;;) {
    const ssize_t got = ::read(fd, block, kInputBlock);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == EAGAIN) {
      pollfd more{fd, POLLIN, 0};
      ::poll(&more, 1, -1);
    } else if (errno != EINTR) {
      cannot("read", name, errno);
    }
  }
}

int nameless_file() {
  const char* folder = std::getenv("TMPDIR");
  std::string pattern = std::string(folder && *folder ? folder : "/tmp") + "/quern-input-XXXXXX";
  const int fd = ::mkostemp(pattern.data(), O_CLOEXEC);
  if (fd < 0) cannot("store standard input in", pattern, errno);
  ::unlink(pattern.c_str());
  return fd;
}

void write_to(int fd, const char* bytes, std::size_t count) {
  while (count > 0) {
    const ssize_t put = ::write(fd, bytes, count);
    if (put < 0 && errno != EINTR)
      cannot("store standard input in", "a temporary file (set TMPDIR to use another folder)",
             errno);
    if (put <= 0) continue;
    bytes += put;
    count -= static_cast<std::size_t>(put);
  }
}

}  // namespace

CommandInput::CommandInput(const std::string& file, Console& console) {
  const bool ours = file.empty() || file == "-";
  const std::string name = ours ? "standard input" : file;
  if (file.empty() && !comes_from_somebody(STDIN_FILENO)) return;
  given_ = true;
  if (!ours) opened_ = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (!ours && opened_ < 0) cannot("read", file, errno);
  const int fd = ours ? STDIN_FILENO : opened_;
  std::size_t size = 0;
  if (is_whole_file(fd, size) && size > kInputWithCommand) {
    large_ = "/proc/self/fd/" + std::to_string(fd);
    return;
  }
  pollfd first{fd, POLLIN, 0};
  if (file.empty() && ::poll(&first, 1, kIdle_ms) == 0)
    console.say(
        "waiting for the end of standard input, which will be passed to the command; to pass none, "
        "use </dev/null or --stdin /dev/null");
  read_all(fd, name);
}

CommandInput::~CommandInput() {
  if (opened_ >= 0) ::close(opened_);
  if (kept_ >= 0) ::close(kept_);
}

void CommandInput::read_all(int fd, const std::string& name) {
  const auto block = std::make_unique<char[]>(kInputBlock);
  while (const std::size_t got = read_block(fd, block.get(), name)) {
    bytes_.append(block.get(), got);
    if (bytes_.size() > kInputWithCommand) return keep_in_file(fd, name);
  }
}

void CommandInput::keep_in_file(int fd, const std::string& name) {
  kept_ = nameless_file();
  write_to(kept_, bytes_.data(), bytes_.size());
  bytes_ = {};
  const auto block = std::make_unique<char[]>(kInputBlock);
  while (const std::size_t got = read_block(fd, block.get(), name))
    write_to(kept_, block.get(), got);
  large_ = "/proc/self/fd/" + std::to_string(kept_);
}

}  // namespace quern::cli
