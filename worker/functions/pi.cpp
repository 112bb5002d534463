#include "worker/functions/pi.hpp"

#include <limits>

#include "quern/typed.hpp"
#include "worker/functions/builtin.hpp"
#include "worker/functions/philox.hpp"

namespace quern::functions {
namespace {

constexpr Key kKey{0x71756572U,
                   0x6e000001U};  // an arbitrary constant, which identifies this sequence of points

/// One block of the generator has the points of two neighbouring indices.
Counter block(std::uint64_t index) {
  const std::uint64_t n = index / 2;
  return philox({static_cast<std::uint32_t>(n), static_cast<std::uint32_t>(n >> 32), 0, 0}, kKey);
}

/// 31 bits per coordinate, so that the sum of squares fits 64 bits; the error of the grid is far
/// below that of any sample.
bool hit(std::uint32_t x, std::uint32_t y) {
  const std::uint64_t a = x >> 1;
  const std::uint64_t b = y >> 1;
  return a * a + b * b < 1ULL << 62;
}

bool hit_at(std::uint64_t index) {
  const Counter c = block(index);
  return index % 2 == 0 ? hit(c[0], c[1]) : hit(c[2], c[3]);
}

Bytes estimate(BytesView hits, std::uint64_t total) {
  return to_value(total == 0 ? std::numeric_limits<double>::quiet_NaN()
                             : 4.0 * from_value<double>(hits) / static_cast<double>(total));
}

}  // namespace

std::uint64_t quarter_circle_hits(Range range) {
  auto i = static_cast<std::uint64_t>(range.begin);
  const std::uint64_t end = i + range.size();  // two's complement: negative indices are points too
  std::uint64_t hits = 0;
  if (i != end && i % 2 == 1) hits += hit_at(i++);
  for (; end - i >= 2; i += 2) {
    const Counter c = block(i);
    hits += hit(c[0], c[1]);
    hits += hit(c[2], c[3]);
  }
  if (i != end) hits += hit_at(i);
  return hits;
}

void add_pi(Functions& functions) {
  functions.add_range("pi", [](Range range) { return quarter_circle_hits(range); },
                      {.reduce = "sum", .rate = 0, .idempotent = true, .finish = estimate});
}

}  // namespace quern::functions
