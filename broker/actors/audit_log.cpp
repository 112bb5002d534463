#include "broker/actors/audit_log.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "keys/audit_files.hpp"
#include "keys/error.hpp"
#include "keys/files.hpp"

namespace quern::broker {
namespace {

using keys::KeyError;

constexpr std::size_t kChunk = 1u << 20;
// Room on the disk that is reserved in advance, so that a full disk is noticed before a line must
// be written.
constexpr std::uint64_t kReserve = 256u << 10;
// Another process holds the lock only during an append. If it takes longer, it is unresponsive.
constexpr std::chrono::milliseconds kLockWait{2000};

[[noreturn]] void fail(const std::string& what, const std::string& path) {
  throw KeyError("cannot " + what + " " + path + ": " + std::strerror(errno));
}

[[noreturn]] void tampered(const std::string& what) {
  throw KeyError("the audit log was modified: " + what +
                 ". Check it with `quern audit verify`; to begin a new log, stop the brokers and "
                 "move its files to another folder");
}

/// A descriptor that is closed.
class File {
 public:
  explicit File(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) fail("read", path);
  }
  ~File() { ::close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

struct stat about(int fd, const std::string& path) {
  struct stat result {};
  if (::fstat(fd, &result) != 0) fail("read", path);
  return result;
}

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

/// Calls `each` with every complete line of fd between two offsets; returns the end of the last
/// one.
template <typename Each>
std::uint64_t for_each_line(int fd, std::uint64_t from, std::uint64_t to, const std::string& path,
                            Each each) {
  std::string text;
  std::uint64_t read_to = from;
  while (read_to < to) {
    const std::size_t had = text.size();
    text.resize(had + std::min<std::uint64_t>(kChunk, to - read_to));
    const ssize_t got =
        ::pread(fd, text.data() + had, text.size() - had, static_cast<off_t>(read_to));
    if (got < 0 && errno != EINTR) fail("read", path);
    if (got == 0) tampered(path + " is shorter than it was");
    text.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    read_to += static_cast<std::uint64_t>(std::max<ssize_t>(got, 0));
    std::size_t begin = 0;
    for (auto end = text.find('\n', had); end != std::string::npos; end = text.find('\n', begin)) {
      each(std::string_view(text).substr(begin, end - begin));
      begin = end + 1;
    }
    text.erase(0, begin);
  }
  return read_to - text.size();
}

bool has_line(const std::string& path) {
  const File file(path);
  bool any = false;
  for_each_line(file.fd(), 0, static_cast<std::uint64_t>(about(file.fd(), path).st_size), path,
                [&](std::string_view) { any = true; });
  return any;
}

/// The lock, while in scope.
class Locked {
 public:
  explicit Locked(int fd) : fd_(fd) {
    constexpr std::chrono::milliseconds kPause{5};
    for (auto waited = std::chrono::milliseconds{0}; ::flock(fd_, LOCK_EX | LOCK_NB) != 0;
         waited += kPause) {
      if (errno != EINTR && (errno != EWOULDBLOCK || waited >= kLockWait))
        throw KeyError(errno == EWOULDBLOCK
                           ? "the audit log is locked by an unresponsive process"
                           : std::string("cannot lock the audit log: ") + std::strerror(errno));
      std::this_thread::sleep_for(kPause);
    }
  }
  ~Locked() { ::flock(fd_, LOCK_UN); }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

 private:
  int fd_;
};

}  // namespace

AuditLog::AuditLog(std::string folder, std::uint64_t file_bytes_max)
    : folder_(std::move(folder)), path_(folder_ + "/audit.log"), file_bytes_max_(file_bytes_max) {
  keys::make_folder(folder_);
  key_ = keys::audit_key(folder_);
  const std::string lock = folder_ + "/audit.lock";
  lock_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0) fail("open", lock);
  try {
    const Locked locked(lock_);
    begin();
  } catch (...) {
    ::close(lock_);
    if (file_ >= 0) ::close(file_);
    throw;
  }
}

AuditLog::~AuditLog() {
  ::close(file_);
  ::close(lock_);
}

/// The first start creates an empty checkpoint; later ones verify the chain from the checkpoint to
/// its end.
void AuditLog::begin() {
  auto files = keys::audit_files(folder_);
  // The newest file may contain only an incomplete first line after a power failure.
  std::erase_if(files, [&](const std::string& path) { return path == path_ && !has_line(path); });
  const std::string checkpoint = folder_ + "/audit.checkpoint";
  if (!keys::read_file(checkpoint)) {
    if (!files.empty()) tampered(checkpoint + " is missing");
    keys::write_file(checkpoint, keys::checkpoint_text({}, key_));
  }
  known_ = read_checkpoint();
  // The newest file that begins no later than the checkpoint.
  std::optional<keys::AuditPosition> start;
  std::size_t first = files.size();
  while (first > 0 && (!start || start->count > known_.count))
    start = keys::start_of(files[--first]);
  if ((start ? start->count : 0) > known_.count || (!start && known_.count > 0))
    tampered("lines before its line " + std::to_string(known_.count) + " are missing");
  at_ = start.value_or(keys::AuditPosition{});
  check_against_checkpoint(at_);
  open_file();
  for (; first < files.size(); ++first) {
    if (files[first] == path_) break;
    size_ = 0;
    follow(File(files[first]).fd(), files[first]);
  }
  size_ = 0;
  follow(file_, path_);
  if (at_.count < known_.count)
    tampered("it ends with line " + std::to_string(at_.count) +
             ", but the checkpoint recorded line " + std::to_string(known_.count));
}

void AuditLog::check_against_checkpoint(const keys::AuditPosition& at) const {
  if (at.count == known_.count && at.hash != known_.hash)
    tampered("line " + std::to_string(at.count) +
             " differs from the one that the checkpoint recorded");
}

keys::AuditPosition AuditLog::read_checkpoint() const {
  const std::string path = folder_ + "/audit.checkpoint";
  const auto text = keys::read_file(path);
  if (!text) tampered(path + " is missing");
  const auto checkpoint = keys::checkpoint_of(*text, key_);
  if (checkpoint.count < known_.count ||
      (checkpoint.count == known_.count && checkpoint.hash != known_.hash))
    tampered(path + " was replaced by an older one");
  return checkpoint;
}

void AuditLog::open_file() {
  const int fresh = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  adopt_file(fresh, path_);
}

void AuditLog::adopt_file(int fd, const std::string& path) {
  if (fd < 0) fail("open", path);
  if (file_ >= 0) ::close(file_);
  file_ = fd;
  size_ = reserved_ = 0;
}

/// Reads what another broker has written since, and switches to the file that it may have begun.
void AuditLog::catch_up() {
  struct stat named {};
  const auto open = about(file_, path_);
  if (::stat(path_.c_str(), &named) == 0 && same_file(named, open)) return follow(file_, path_);
  const auto files = keys::audit_files(folder_);
  auto next = std::find_if(files.begin(), files.end(), [&](const std::string& path) {
    return ::stat(path.c_str(), &named) == 0 && same_file(named, open);
  });
  if (next == files.end()) tampered(path_ + " was removed or replaced");
  follow(file_, *next);
  for (++next; next != files.end() && *next != path_; ++next) {
    const File full(*next);
    // From here on this is the current file: after an error, reading continues from it.
    adopt_file(::dup(full.fd()), *next);
    follow(file_, *next);
  }
  open_file();
  follow(file_, path_);
}

/// Verifies the chain from size_ to the end of the file. Removes an incomplete line at the end,
/// which a power failure left.
void AuditLog::follow(int fd, const std::string& path) {
  const auto size = static_cast<std::uint64_t>(about(fd, path).st_size);
  if (size < size_) tampered(path + " is shorter than it was");
  keys::AuditPosition at = at_;  // all or nothing: an error leaves the known position unchanged
  const std::uint64_t end = for_each_line(fd, size_, size, path, [&](std::string_view line) {
    if (const auto wrong = keys::continue_chain(at, line, key_))
      tampered(path + ", after line " + std::to_string(at.count) + ": " + *wrong);
    check_against_checkpoint(at);
  });
  if (end < size && path != path_) tampered(path + " ends with an incomplete line");
  if (end < size && ::ftruncate(fd, static_cast<off_t>(end)) != 0) fail("mend", path);
  if (end < size) reserved_ = 0;  // the truncation released the reserved room
  at_ = std::move(at);
  size_ = end;
}

void AuditLog::look() { append({}); }

void AuditLog::reserve() {
  if (size_ + kReserve / 2 < reserved_) return;
  // If the file system does not support this, a full disk is noticed by the line that does not fit.
  if (::fallocate(file_, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(size_),
                  static_cast<off_t>(kReserve)) != 0 &&
      errno != EOPNOTSUPP)
    fail("write", path_);
  reserved_ = size_ + kReserve;
}

void AuditLog::append(const std::vector<keys::AuditEntry>& entries) {
  const Locked locked(lock_);
  catch_up();
  if (size_ >= file_bytes_max_) rotate();
  reserve();
  if (entries.empty()) return;
  keys::AuditPosition at = at_;
  std::string text;
  for (const auto& entry : entries) text += keys::next_line(at, entry, key_) + "\n";
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t n = ::write(file_, text.data() + written, text.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int error = errno;
      reserved_ = 0;
      if (written > 0 && ::ftruncate(file_, static_cast<off_t>(size_)) != 0) fail("mend", path_);
      errno = error;
      fail("write", path_);
    }
    written += static_cast<std::size_t>(n);
  }
  size_ += text.size();
  at_ = at;
  unsynced_ = true;
}

void AuditLog::rotate() {
  std::size_t number = keys::audit_files(folder_).size();
  while (::access(keys::full_file_name(folder_, number).c_str(), F_OK) == 0) ++number;
  if (::fdatasync(file_) != 0) fail("write", path_);
  if (::rename(path_.c_str(), keys::full_file_name(folder_, number).c_str()) != 0)
    fail("rename", path_);
  open_file();
}

void AuditLog::sync() {
  if (!unsynced_) return;
  const Locked locked(lock_);
  catch_up();
  if (::fdatasync(file_) != 0) fail("write", path_);
  // Another broker may have continued from here: then its checkpoint is not older, and is kept.
  if (read_checkpoint().count < at_.count)
    keys::write_file(folder_ + "/audit.checkpoint", keys::checkpoint_text(at_, key_));
  known_ = at_;
  unsynced_ = false;
}

}  // namespace quern::broker
