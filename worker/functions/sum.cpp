// sum: the exact sum of the integers of a range.
#include "wire/number.hpp"
#include "worker/functions/builtin.hpp"

namespace quern::functions {
namespace {

/// Gauss: n (first + last) / 2, with the even factor halved first. 128 bits hold it for every range
/// of 64-bit integers.
wire::Int128 sum_of(Range range) {
  const auto n = static_cast<wire::Int128>(range.size());
  const auto ends = wire::Int128(range.begin) + wire::Int128(range.end) - 1;
  return n % 2 == 0 ? n / 2 * ends : ends / 2 * n;
}

}  // namespace

void add_sum(Functions& functions) {
  // A partial may need more than 64 bits even if the whole does not, so the partial type of the
  // reducer is used.
  functions.add_body(
      "sum", Takes::range, Encoding::value,
      [](Task& task, Output& out) { out.append(wire::bytes_of(sum_of(task.range()))); },
      {.reduce = "sum", .rate = 0, .idempotent = true, .finish = {}});
}

}  // namespace quern::functions
