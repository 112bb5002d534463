// Standard error: lines for people, and on a terminal one status line that is kept below them. Any thread.
#pragma once

#include <mutex>
#include <string>

namespace quern::cli {

class Console {
 public:
  Console();
  /// Takes the status line away.
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  bool is_terminal() const { return terminal_; }
  /// "quern: <text>", above the status line.
  void say(const std::string& text);
  /// Octets as they are, above the status line.
  void pass(const std::string& octets);
  /// Replaces the status line; nothing when this is not a terminal.
  void status(const std::string& text);

 private:
  std::mutex mutex_;
  bool terminal_;
  std::string status_;
};

}  // namespace quern::cli
