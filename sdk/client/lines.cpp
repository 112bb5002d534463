// Text files as items: lines, or blocks that end at the end of a word. Reads with read(2), so that
// a line of a pipe becomes an item as soon as it was written.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "quern/error.hpp"
#include "quern/input.hpp"
#include "wire/limits.hpp"

namespace quern {
namespace {

constexpr std::size_t kReadBytes = 1u << 20;

[[noreturn]] void fail(int code, const std::string& name) {
  throw std::system_error(code, std::generic_category(), name);
}

// An open descriptor; standard input is borrowed, the others are owned.
class File {
 public:
  File() = default;
  explicit File(const std::string& name)
      : name_(name), fd_(name == "-" ? STDIN_FILENO : ::open(name.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) fail(errno, name);
  }
  ~File() {
    if (fd_ > STDIN_FILENO) ::close(fd_);
  }
  File(File&& o) noexcept : name_(std::move(o.name_)), fd_(std::exchange(o.fd_, -1)) {}
  File& operator=(File&& o) noexcept {
    std::swap(name_, o.name_);
    std::swap(fd_, o.fd_);
    return *this;
  }

  bool is_open() const { return fd_ >= 0; }
  const std::string& name() const { return name_; }
  /// 0 at the end.
  std::size_t read(char* to, std::size_t size) {
    for (;;) {
      const ssize_t got = ::read(fd_, to, size);
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) fail(errno, name_);
    }
  }

 private:
  std::string name_;
  int fd_ = -1;
};

// A file that is known to be readable. Regular files are opened again when they are needed, because
// there may be more files than descriptors; a pipe can be opened only once.
struct Source {
  std::string name;
  File held;
};

Source check(const std::string& name) {
  if (name == "-") return {name, {}};
  struct stat status {};
  if (::stat(name.c_str(), &status) != 0) fail(errno, name);
  if (S_ISDIR(status.st_mode)) fail(EISDIR, name);
  File file(name);
  if (S_ISREG(status.st_mode)) return {name, {}};
  return {name, std::move(file)};
}

// The bytes of several files, one after the other, in a window that grows only as far as one item
// needs.
class Text {
 public:
  explicit Text(const std::vector<std::string>& names) {
    for (const auto& name : names) sources_.push_back(check(name));
  }

  /// Reads more, or proceeds to the next file, until there is something to view. False after the
  /// last.
  bool at_text() {
    while (begin_ == end_) {
      if (file_.is_open() && !ended_) {
        more();
        continue;
      }
      if (next_ == sources_.size()) return false;
      Source& source = sources_[next_++];
      file_ = source.held.is_open() ? std::move(source.held) : File(source.name);
      ended_ = false;
    }
    return true;
  }
  BytesView view() const { return {buffer_.data() + begin_, end_ - begin_}; }
  void skip(std::size_t n) { begin_ += n; }
  /// The file has no more than view().
  bool ended() const { return ended_; }
  const std::string& name() const { return file_.name(); }

  /// Reads once more from the current file.
  void more() {
    if (begin_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (buffer_.size() - end_ < kReadBytes / 2)
      buffer_.resize(std::max(2 * buffer_.size(), end_ + kReadBytes));
    const std::size_t got =
        file_.read(buffer_.data() + end_, std::min(buffer_.size() - end_, kReadBytes));
    ended_ = got == 0;
    end_ += got;
  }

 private:
  std::vector<Source> sources_;
  std::size_t next_ = 0;
  File file_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool ended_ = false;
};

void check_length(const Text& text, const char* what) {
  if (text.view().size() <= wire::kItemBytesMax) return;
  throw SubmitError(ErrorCode::limit,
                    text.name() + ": a " + what + " exceeds the limit of 64 MiB for one item");
}

bool next_line(Text& text, Bytes& item) {
  if (!text.at_text()) return false;
  std::size_t searched = 0;
  for (;;) {
    const BytesView view = text.view();
    if (const void* newline = std::memchr(view.data() + searched, '\n', view.size() - searched)) {
      const auto length = static_cast<std::size_t>(static_cast<const char*>(newline) - view.data());
      item.assign(view.data(), length);
      text.skip(length + 1);
      return true;
    }
    if (text.ended()) {
      item.assign(view);
      text.skip(view.size());
      return true;
    }
    check_length(text, "line");
    searched = view.size();
    text.more();
  }
}

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Where a block of about `wanted` bytes ends: after its last newline, else after its last white
// space, else after the next white space. 0: more text is needed.
std::size_t block_end(BytesView text, std::size_t wanted) {
  const std::size_t have = std::min(text.size(), wanted);
  if (const auto newline = text.substr(0, have).rfind('\n'); newline != BytesView::npos)
    return newline + 1;
  const auto head = text.substr(0, have);
  const auto space = std::find_if(head.rbegin(), head.rend(), is_space);
  if (space != head.rend()) return static_cast<std::size_t>(head.rend() - space);
  const auto next =
      std::find_if(text.begin() + static_cast<std::ptrdiff_t>(have), text.end(), is_space);
  return next == text.end() ? 0 : static_cast<std::size_t>(next - text.begin()) + 1;
}

bool next_block(Text& text, Bytes& item, std::size_t wanted) {
  if (!text.at_text()) return false;
  while (text.view().size() < wanted && !text.ended()) text.more();
  for (;;) {
    const BytesView view = text.view();
    std::size_t length =
        text.ended() && view.size() <= wanted ? view.size() : block_end(view, wanted);
    if (length == 0 && text.ended()) length = view.size();
    if (length > 0) {
      item.assign(view.substr(0, length));
      text.skip(length);
      return true;
    }
    check_length(text, "word");
    text.more();
  }
}

}  // namespace

Items lines_of(std::vector<std::string> files) {
  auto text = std::make_shared<Text>(files);
  return {[text = std::move(text)](Bytes& item) { return next_line(*text, item); }};
}

Items blocks_of(std::vector<std::string> files, std::size_t block) {
  auto text = std::make_shared<Text>(files);
  const std::size_t wanted = std::clamp<std::size_t>(block, 1, wire::kItemBytesMax);
  return {
      [text = std::move(text), wanted](Bytes& item) { return next_block(*text, item, wanted); }};
}

}  // namespace quern
