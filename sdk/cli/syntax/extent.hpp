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

/// For output that is not a terminal.
inline constexpr Extent kBoundless{std::numeric_limits<std::size_t>::max(),
                                   std::numeric_limits<std::size_t>::max()};

/// The current size of the terminal behind a descriptor; 80 x 24 if it is unknown.
Extent extent_of(int descriptor);

/// Whether it is a terminal that can be redrawn: false with TERM=dumb, and with NO_COLOR, whose
/// users want no escape sequences.
bool may_draw(int descriptor);

}  // namespace quern::cli
