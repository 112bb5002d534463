#include "cli/request/records.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "cli/syntax/options.hpp"

namespace quern::cli {
namespace {

constexpr std::size_t kReadBytes = 256u << 10;
constexpr std::size_t kRecordMax = 64u << 20;  // the limit for one item

[[noreturn]] void fail(const std::string& file, int error) {
  throw FileError("cannot read " + (file == "-" ? std::string("standard input") : file) + ": " +
                  std::strerror(error));
}

int opened(const std::string& file) {
  if (file == "-") return STDIN_FILENO;
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail(file, errno);
  return fd;
}

}  // namespace

Records::Records(std::vector<std::string> files, char end) : files_(std::move(files)), end_(end) {
  for (const std::string& file : files_) {  // so that an error comes before anything is submitted
    struct stat info {};
    if (file == "-") continue;
    if (::stat(file.c_str(), &info) != 0) fail(file, errno);
    if (S_ISDIR(info.st_mode)) fail(file, EISDIR);
    if (::access(file.c_str(), R_OK) != 0) fail(file, errno);
  }
}

Records::~Records() {
  if (fd_ > STDIN_FILENO) ::close(fd_);
}

bool Records::open_next() {
  if (next_file_ == files_.size()) return false;
  fd_ = opened(files_[next_file_++]);
  return true;
}

bool Records::read_more() {
  if (begin_ > 0) {
    text_.erase(0, begin_);
    searched_ -= begin_;
    begin_ = 0;
  }
  if (text_.size() > kRecordMax)
    throw FileError("a record of the input exceeds the limit of 64 MiB");
  const std::size_t before = text_.size();
  text_.resize(before + kReadBytes);
  ssize_t got = 0;
  do got = ::read(fd_, text_.data() + before, kReadBytes);
  while (got < 0 && errno == EINTR);
  text_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got < 0) fail(files_[next_file_ - 1], errno);
  return got > 0;
}

bool Records::next(std::string& record) {
  for (;;) {
    if (fd_ < 0 && !open_next()) return false;
    const auto end = text_.find(end_, std::max(begin_, searched_));
    if (end != std::string::npos) {
      record.assign(text_, begin_, end - begin_);
      begin_ = searched_ = end + 1;
      return true;
    }
    searched_ = text_.size();
    if (read_more()) continue;
    // The end of a file ends a record.
    const bool rest = begin_ < text_.size();
    if (rest) record.assign(text_, begin_);
    text_.clear();
    begin_ = searched_ = 0;
    if (fd_ > STDIN_FILENO) ::close(fd_);
    fd_ = -1;
    if (rest) return true;
  }
}

bool Records::next_block(std::string& block, std::size_t about) {
  for (;;) {
    if (fd_ < 0 && !open_next()) return false;
    if (text_.size() - begin_ >= about) {
      auto end = text_.rfind(end_, begin_ + about - 1);
      if (end == std::string::npos || end < begin_)
        end = text_.find(end_, std::max(begin_ + about, searched_));
      if (end != std::string::npos) {
        block.assign(text_, begin_, end + 1 - begin_);
        begin_ = searched_ = end + 1;
        return true;
      }
      searched_ = text_.size();
    }
    if (read_more()) continue;
    block.assign(text_, begin_);
    text_.clear();
    begin_ = searched_ = 0;
    if (fd_ > STDIN_FILENO) ::close(fd_);
    fd_ = -1;
    if (!block.empty()) return true;
  }
}

}  // namespace quern::cli
