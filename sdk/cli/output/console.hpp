// Standard error: messages, and on a terminal a status line below them. Untrusted text cannot
// control the terminal. Any thread.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

namespace quern::cli {

class Console {
 public:
  Console();
  /// Removes the status line.
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  /// Whether there is a status line.
  bool is_terminal() const { return terminal_; }
  /// "quern: <text>", above the status line.
  void say(const std::string& text);
  /// Writes bytes unchanged, above the status line.
  void pass(std::string_view bytes);
  /// Replaces the status line; nothing when this is not a terminal.
  void status(const std::string& text);
  /// Writes to standard output; if that is a terminal too, above the status line. False if it
  /// cannot be written.
  bool write_between(std::string_view bytes);

 private:
  void erase();
  void redraw();

  std::mutex mutex_;
  bool terminal_;
  bool output_too_;  // standard output is a terminal as well
  bool within_line_ =
      false;  // the last output did not end with a newline, so the status line is not drawn
  std::string status_;
};

}  // namespace quern::cli
