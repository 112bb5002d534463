#include "cli/console.hpp"

#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "cli/extent.hpp"
#include "cli/table.hpp"

namespace quern::cli {
namespace {

constexpr std::string_view kEraseLine = "\r\033[K";

void write_error(std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written < 0 && errno != EINTR) return;  // nobody to complain to
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

Console::Console() : terminal_(::isatty(STDERR_FILENO) == 1) {}

Console::~Console() { status({}); }

void Console::say(const std::string& text) {
  std::lock_guard lock(mutex_);
  std::string out;
  if (!status_.empty()) out += kEraseLine;
  out += "quern: " + (terminal_ ? printable(text) : text) + '\n';
  out += status_;
  write_error(out);
}

void Console::pass(const std::string& octets) {
  std::lock_guard lock(mutex_);
  if (!status_.empty()) write_error(kEraseLine);
  write_error(octets);
  if (!status_.empty()) write_error(status_);
}

void Console::status(const std::string& text) {
  if (!terminal_) return;
  std::lock_guard lock(mutex_);
  std::string line = cut(printable(text), extent_of(STDERR_FILENO).columns - 1);  // a full line would wrap and could not be erased
  if (line == status_) return;
  status_ = std::move(line);
  write_error(std::string(kEraseLine) + status_);
}

}  // namespace quern::cli
