#include "cli/live/screen.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace quern::cli {
namespace {

// Alternate screen, no cursor, no wrapping at the right edge (a name wider than computed would push
// down the lines below).
constexpr std::string_view kEnter = "\033[?1049h\033[?25l\033[?7l\033[2J";
constexpr std::string_view kLeave = "\033[0m\033[?7h\033[?25h\033[?1049l";

// A terminal that is reported as writable accepts at least this much.
constexpr std::size_t kPiece = 256;
constexpr int kPatience_ms = 1000;

}  // namespace

Screen::Screen() {
  termios now{};
  if (::isatty(STDIN_FILENO) == 1 && ::tcgetattr(STDIN_FILENO, &now) == 0) before_ = now;
  enter();
}

Screen::~Screen() { leave(); }

void Screen::enter() {
  if (shown_) return;
  shown_ = true;
  if (before_) {
    termios raw = *before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);  // Ctrl-C and Ctrl-Z stay signals
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  }
  write(kEnter);
}

void Screen::leave() {
  if (!shown_) return;
  shown_ = false;
  write(kLeave);
  if (!before_) return;
  ::tcsetattr(STDIN_FILENO, TCSANOW,
              &*before_);  // TCSADRAIN would wait for a terminal that is stopped (Ctrl-S)
  ::tcflush(STDIN_FILENO, TCIFLUSH);  // discards unread keys, which are not meant for the shell
}

Extent Screen::extent() const { return extent_of(STDOUT_FILENO); }

void Screen::draw(const std::vector<ViewLine>& lines) { write(drawing_of(lines)); }

std::string Screen::pressed(bool& gone) {
  std::array<char, 64> keys{};
  const auto count = ::read(STDIN_FILENO, keys.data(), keys.size());
  gone = count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN);
  return {keys.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
}

void Screen::write(std::string_view text) {
  while (!text.empty()) {
    // A terminal that accepts no output (Ctrl-S, a stalled network) would block this thread
    // forever, and signals would not end it. Therefore the rest of this frame is dropped, and the
    // next one is drawn completely.
    pollfd ready{STDOUT_FILENO, POLLOUT, 0};
    const int found = ::poll(&ready, 1, kPatience_ms);
    if (found == 0 || (found < 0 && errno != EINTR)) return;
    if (found < 0) continue;
    const auto written = ::write(STDOUT_FILENO, text.data(), std::min(text.size(), kPiece));
    if (written < 0 && errno != EINTR && errno != EAGAIN) return;
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string drawing_of(const std::vector<ViewLine>& lines) {
  // A line is cleared before it is written: after a line of full width the cursor is still on its
  // last character. Reverse and bold exist on every terminal and need no colours.
  std::string out = "\033[H";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const ViewLine& line = lines[i];
    const bool last = i + 1 == lines.size();
    out += i > 0 ? "\r\n" : "";
    out += last ? "\033[J" : "\033[K";
    if (line.tone == Tone::title) out += "\033[7m";
    if (line.tone == Tone::trouble) out += "\033[1m";
    out += line.text;
    if (line.tone != Tone::plain) out += "\033[0m";
  }
  return out;
}

}  // namespace quern::cli
