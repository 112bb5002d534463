#include "cli/syntax/extent.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace quern::cli {

bool may_draw(int descriptor) {
  const char* kind = std::getenv("TERM");
  const char* plain = std::getenv("NO_COLOR");
  return ::isatty(descriptor) == 1 && kind && *kind && std::string_view(kind) != "dumb" &&
         !(plain && *plain);
}

Extent extent_of(int descriptor) {
  winsize size{};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
    return {};
  return {size.ws_col, size.ws_row};
}

}  // namespace quern::cli
