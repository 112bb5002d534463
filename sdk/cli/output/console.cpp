#include "cli/output/console.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "cli/output/standard_output.hpp"
#include "cli/output/table.hpp"
#include "cli/syntax/extent.hpp"

namespace quern::cli {
namespace {

constexpr std::string_view kEraseLine = "\r\033[K";

void write_error(std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written < 0 && errno == EAGAIN) {
      pollfd room{STDERR_FILENO, POLLOUT, 0};
      ::poll(&room, 1, -1);
      continue;
    }
    if (written < 0 && errno != EINTR) return;  // there is nowhere to report it
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

Console::Console()
    : terminal_(may_draw(STDERR_FILENO)), output_too_(terminal_ && ::isatty(STDOUT_FILENO) == 1) {}

Console::~Console() { status({}); }

void Console::erase() {
  if (!status_.empty() && !within_line_) write_error(kEraseLine);
}

void Console::redraw() {
  if (!status_.empty() && !within_line_) write_error(status_);
}

void Console::say(const std::string& text) {
  std::lock_guard lock(mutex_);
  erase();
  write_error((terminal_ && within_line_ ? "\nquern: " : "quern: ") + printable(text) + '\n');
  within_line_ = false;
  redraw();
}

void Console::pass(std::string_view bytes) {
  if (bytes.empty()) return;
  std::lock_guard lock(mutex_);
  erase();
  write_error(bytes);
  within_line_ = bytes.back() != '\n';
  redraw();
}

void Console::status(const std::string& text) {
  if (!terminal_) return;
  std::lock_guard lock(mutex_);
  std::string line = cut(printable(text), extent_of(STDERR_FILENO).columns -
                                              1);  // a full line would wrap and could not be erased
  if (line == status_) return;
  erase();
  status_ = std::move(line);
  redraw();
}

bool Console::write_between(std::string_view bytes) {
  if (!output_too_ || bytes.empty()) return write_output(bytes);
  std::lock_guard lock(mutex_);
  erase();
  const bool written = write_output(bytes);
  within_line_ = bytes.back() != '\n';
  redraw();
  return written;
}

}  // namespace quern::cli
