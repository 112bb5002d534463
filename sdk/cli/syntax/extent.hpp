// How much a terminal shows.
#pragma once

#include <cstddef>
#include <limits>

namespace quern::cli {

struct Extent {
  std::size_t columns = 80;
  std::size_t rows = 24;

  bool operator==(const Extent&) const = default;
};

/// Of what is no terminal.
inline constexpr Extent kBoundless{std::numeric_limits<std::size_t>::max(),
                                   std::numeric_limits<std::size_t>::max()};

/// Of the terminal behind a descriptor, now; 80 x 24 when it does not tell.
Extent extent_of(int descriptor);

/// Whether it is a terminal on which something can be drawn over: not under TERM=dumb, and not
/// under NO_COLOR, whose users want no escape sequences.
bool may_draw(int descriptor);

}  // namespace quern::cli
