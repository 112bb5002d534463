#include "broker/actors/audit_log.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "keys/audit_files.hpp"
#include "keys/error.hpp"
#include "keys/files.hpp"

namespace quern::broker {
namespace {

using keys::KeyError;

// The end of a file in which its last line is looked for: lines are far shorter, every field of them is bounded.
constexpr std::uint64_t kTail = 256u << 10;

[[noreturn]] void fail(const std::string& what, const std::string& path) {
  throw KeyError("cannot " + what + " " + path + ": " + std::strerror(errno));
}

std::string read_tail(int fd, std::uint64_t size, const std::string& path) {
  const std::uint64_t from = size - std::min(size, kTail);
  std::string text(static_cast<std::size_t>(size - from), '\0');
  std::size_t got = 0;
  while (got < text.size()) {
    const ssize_t n = ::pread(fd, text.data() + got, text.size() - got, static_cast<off_t>(from + got));
    if (n <= 0) fail("read", path);
    got += static_cast<std::size_t>(n);
  }
  return text;
}

/// Where the chain stands after this file's last line; nullopt for an empty file.
std::optional<keys::AuditPosition> end_of(const std::string& tail, const std::string& path, std::string_view key) {
  if (tail.empty()) return std::nullopt;
  const auto before = tail.rfind('\n', tail.size() - 2);
  const std::string line = tail.substr(before == std::string::npos ? 0 : before + 1, tail.size() - 1 - (before == std::string::npos ? 0 : before + 1));
  // The line itself says what it continues, so continuing from there tells whether it is one.
  keys::AuditPosition at;
  at.hash = keys::field_of(line, "prev").value_or("");
  const auto label = line.find("\"n\":");
  at.count = label == std::string::npos ? 0 : std::strtoull(line.c_str() + label + 4, nullptr, 10) - 1;
  if (keys::continue_chain(at, line, key))
    throw KeyError(path + " does not end with a line of an audit log: see `quern audit verify`, or move it away to begin a new one");
  return at;
}

/// The lock, while in scope.
class Locked {
 public:
  explicit Locked(int fd) : fd_(fd) {
    while (::flock(fd_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  ~Locked() { ::flock(fd_, LOCK_UN); }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

 private:
  int fd_;
};

}  // namespace

AuditLog::AuditLog(std::string folder, std::uint64_t file_bytes_max) : folder_(std::move(folder)), file_bytes_max_(file_bytes_max) {
  keys::make_folder(folder_);
  key_ = keys::audit_key(folder_);
  const std::string lock = folder_ + "/audit.lock";
  lock_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0) fail("open", lock);
  try {
    const Locked locked(lock_);
    open_file();
    const auto checkpoint = keys::read_file(folder_ + "/audit.checkpoint");
    const auto known = checkpoint ? keys::checkpoint_of(*checkpoint, key_) : keys::AuditPosition{};
    if (known.count > at_.count || (known.count == at_.count && known.hash != at_.hash))
      throw KeyError("the audit log in " + folder_ + " is not as it was left (" + std::to_string(at_.count) + " lines, the checkpoint says " +
                     std::to_string(known.count) + "): somebody changed it. Move its files away to begin a new one");
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

void AuditLog::open_file() {
  const std::string path = folder_ + "/audit.log";
  if (file_ >= 0) ::close(file_);
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file_ < 0) fail("open", path);
  find_end();
}

void AuditLog::find_end() {
  const std::string path = folder_ + "/audit.log";
  struct stat about{};
  if (::fstat(file_, &about) != 0) fail("read", path);
  size_ = static_cast<std::uint64_t>(about.st_size);
  std::string tail = read_tail(file_, size_, path);
  if (!tail.empty() && tail.back() != '\n') {
    // A power failure in the middle of a write. What was on the disk before is behind the checkpoint and is not touched.
    const auto end = tail.rfind('\n');
    const std::uint64_t torn = tail.size() - (end == std::string::npos ? 0 : end + 1);
    if (::ftruncate(file_, static_cast<off_t>(size_ - torn)) != 0) fail("mend", path);
    size_ -= torn;
    tail.resize(tail.size() - torn);
  }
  if (const auto end = end_of(tail, path, key_)) {
    at_ = *end;
    return;
  }
  at_ = {};
  auto files = keys::audit_files(folder_);
  std::erase(files, path);
  if (files.empty()) return;
  const int last = ::open(files.back().c_str(), O_RDONLY | O_CLOEXEC);
  if (last < 0 || ::fstat(last, &about) != 0) fail("read", files.back());
  const std::string full = read_tail(last, static_cast<std::uint64_t>(about.st_size), files.back());
  ::close(last);
  if (const auto end = end_of(full, files.back(), key_)) at_ = *end;
}

void AuditLog::append(const std::vector<keys::AuditEntry>& entries) {
  const Locked locked(lock_);
  const std::string path = folder_ + "/audit.log";
  struct stat named{}, open{};
  // Another broker may have written, or begun a new file; and a file that somebody removed must not swallow lines in silence.
  const bool same = ::stat(path.c_str(), &named) == 0 && ::fstat(file_, &open) == 0 && named.st_ino == open.st_ino &&
                    named.st_dev == open.st_dev && static_cast<std::uint64_t>(named.st_size) == size_;
  if (!same) open_file();
  keys::AuditPosition at = at_;
  std::string text;
  for (const auto& entry : entries) text += keys::next_line(at, entry, key_) + "\n";
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t n = ::write(file_, text.data() + written, text.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int error = errno;
      if (written > 0 && ::ftruncate(file_, static_cast<off_t>(size_)) != 0) fail("mend", path);
      errno = error;
      fail("write", path);
    }
    written += static_cast<std::size_t>(n);
  }
  size_ += text.size();
  at_ = at;
  unsynced_ = true;
  if (size_ >= file_bytes_max_) rotate();
}

void AuditLog::rotate() {
  auto files = keys::audit_files(folder_);
  std::size_t number = files.size();
  while (::access(keys::full_file_name(folder_, number).c_str(), F_OK) == 0) ++number;
  if (::fdatasync(file_) != 0) fail("write", folder_ + "/audit.log");
  if (::rename((folder_ + "/audit.log").c_str(), keys::full_file_name(folder_, number).c_str()) != 0) fail("rename", folder_ + "/audit.log");
  open_file();
}

void AuditLog::sync() {
  if (!unsynced_) return;
  const Locked locked(lock_);
  if (::fdatasync(file_) != 0) fail("write", folder_ + "/audit.log");
  // Another broker may have gone on from here: its checkpoint is further, and stays.
  const auto known = keys::read_file(folder_ + "/audit.checkpoint");
  if (!known || keys::checkpoint_of(*known, key_).count < at_.count)
    keys::write_file(folder_ + "/audit.checkpoint", keys::checkpoint_text(at_, key_));
  unsynced_ = false;
}

}  // namespace quern::broker
