// Standard error: lines for people, and on a terminal one status line that is kept below them. Text
// of others is shown so that it moves no terminal. Any thread.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

namespace quern::cli {

class Console {
 public:
  Console();
  /// Takes the status line away.
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  /// Whether there is a status line.
  bool is_terminal() const { return terminal_; }
  /// "quern: <text>", above the status line.
  void say(const std::string& text);
  /// Octets as they are, above the status line.
  void pass(std::string_view octets);
  /// Replaces the status line; nothing when this is not a terminal.
  void status(const std::string& text);
  /// Writes standard output. When that is a terminal too, above the status line. False when it
  /// cannot be written.
  bool write_between(std::string_view octets);

 private:
  void erase();
  void redraw();

  std::mutex mutex_;
  bool terminal_;
  bool output_too_;  // standard output is a terminal as well
  bool within_line_ =
      false;  // what others wrote last has not ended its line: the status line waits
  std::string status_;
};

}  // namespace quern::cli
