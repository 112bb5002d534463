// The whole terminal while a live view is shown: alternate screen, no cursor, no wrapping, keys
// without Enter and without echo. However the view ends, also by an exception, the terminal is
// restored. Standard output must be a terminal; keys are read from standard input if that is one
// too. Main's thread only.
#pragma once

#include <termios.h>

#include <optional>
#include <string>
#include <vector>

#include "cli/live/top_view.hpp"
#include "cli/syntax/extent.hpp"

namespace quern::cli {

class Screen {
 public:
  Screen();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  Extent extent() const;
  /// Replaces what is shown.
  void draw(const std::vector<ViewLine>& lines);
  /// Standard input, or -1 when no keys can be read.
  int keys() const { return before_ ? 0 : -1; }
  /// The keys pressed since the last call; empty, and `gone` is set, if the terminal was closed.
  std::string pressed(bool& gone);

  /// Restores the terminal, and takes it over again: around a stop (Ctrl-Z).
  void leave();
  void enter();

 private:
  void write(std::string_view text);

  std::optional<termios> before_;  ///< of standard input, when it is a terminal
  bool shown_ = false;
};

/// What draw() sends. Pure.
std::string drawing_of(const std::vector<ViewLine>& lines);

}  // namespace quern::cli
