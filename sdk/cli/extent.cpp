#include "cli/extent.hpp"

#include <sys/ioctl.h>

namespace quern::cli {

Extent extent_of(int descriptor) {
  winsize size{};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

}  // namespace quern::cli
