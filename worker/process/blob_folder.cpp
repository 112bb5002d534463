#include "worker/process/blob_folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "notation/hex.hpp"
#include "worker/process/write_all.hpp"

namespace quern::worker {
namespace {

constexpr std::size_t kFileBlock = 1u << 20;

class Descriptor {
 public:
  Descriptor(const std::string& file, int flags)
      : fd_(::open(file.c_str(), flags | O_CLOEXEC, 0600)) {
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), file);
  }
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

}  // namespace

BlobFolder::~BlobFolder() { stop_writing(); }

void BlobFolder::stop_writing() {
  if (!writing_) return;
  if (writing_->fd >= 0) ::close(writing_->fd);
  ::unlink(part_of(writing_->name).c_str());
  writing_.reset();
}

std::string BlobFolder::keep(const std::string& name, std::uint64_t chunk, bool last,
                             BytesView bytes) {
  const auto failed = [&](const std::string& why) {
    stop_writing();
    return "cannot store the file on this worker: " + why;
  };
  if (chunk == 0) {
    stop_writing();
    ::mkdir(path_.c_str(), 0700);
    writing_.emplace();
    writing_->name = name;
    writing_->fd = ::open(part_of(name).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0400);
    if (writing_->fd < 0) return failed(std::strerror(errno));
  }
  if (!writing_ || writing_->name != name) return failed("the beginning of the file is missing");
  if (!write_all(writing_->fd, bytes)) return failed(std::strerror(errno));
  writing_->digest.add(bytes);
  if (!last) return {};
  if (writing_->digest.hex() != name) return failed("the received file does not match its hash");
  // A full disk may be reported only here.
  if (::close(std::exchange(writing_->fd, -1)) != 0) return failed(std::strerror(errno));
  if (::rename(part_of(name).c_str(), file_of(name).c_str()) != 0)
    return failed(std::strerror(errno));
  writing_.reset();
  return {};
}

void BlobFolder::drop(const std::string& name) {
  if (writing_ && writing_->name == name) stop_writing();
  ::unlink(file_of(name).c_str());
}

void BlobFolder::note_gone(const std::string& name) {
  std::lock_guard lock(mutex_);
  gone_.push_back(name);
  any_gone_ = true;
}

std::vector<std::string> BlobFolder::take_gone() {
  if (!any_gone_.load(std::memory_order_relaxed)) return {};
  std::lock_guard lock(mutex_);
  any_gone_ = false;
  return std::exchange(gone_, {});
}

int BlobFolder::opened(const std::string& name) {
  if (!notation::is_hex(name)) throw std::invalid_argument("a file must be named by its hash");
  const int fd = ::open(file_of(name).c_str(), O_RDONLY | O_CLOEXEC);
  if (fd >= 0) return fd;
  const int error = errno;
  note_gone(name);
  throw std::runtime_error("the worker's copy of a file is missing (" +
                           std::string(std::strerror(error)) + "); the next task fetches it again");
}

void BlobFolder::read_whole(int fd, const std::string& name,
                            const std::function<void(BytesView)>& take) {
  const auto block = std::make_unique<char[]>(kFileBlock);
  keys::Digest digest;
  for (;;) {
    const ssize_t got = ::read(fd, block.get(), kFileBlock);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw std::system_error(errno, std::generic_category(), file_of(name));
    if (got == 0) break;
    const BytesView bytes(block.get(), static_cast<std::size_t>(got));
    digest.add(bytes);
    take(bytes);
  }
  if (digest.hex() == name) return;
  note_gone(name);
  throw std::runtime_error(
      "the worker's copy of a file was changed by a program; the next task fetches it again");
}

void BlobFolder::copy(const std::string& name, const std::string& to, std::uint32_t mode) {
  const Descriptor in(opened(name));
  const Descriptor out(to, O_WRONLY | O_CREAT | O_EXCL);
  read_whole(in.get(), name, [&](BytesView bytes) {
    if (!write_all(out.get(), bytes)) throw std::system_error(errno, std::generic_category(), to);
  });
  if (::fchmod(out.get(), mode) != 0) throw std::system_error(errno, std::generic_category(), to);
}

int BlobFolder::open(const std::string& name) {
  Descriptor in(opened(name));
  read_whole(in.get(), name, [](BytesView) {});
  if (::lseek(in.get(), 0, SEEK_SET) != 0)
    throw std::system_error(errno, std::generic_category(), file_of(name));
  return in.release();
}

}  // namespace quern::worker
