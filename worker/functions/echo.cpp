// noop and echo: for measuring the system itself.
#include <algorithm>
#include <stdexcept>

#include "wire/number.hpp"
#include "worker/functions/builtin.hpp"
#include "worker/functions/decimal.hpp"

namespace quern::functions {
namespace {

constexpr std::uint64_t kNoopBytes = 8;
constexpr std::uint64_t kNoopBytesMax = 64u << 20;

/// The first 8 bytes of the input, padded with zeros; a common input with a decimal number sets
/// another length.
void noop(Task& task, Output& out) {
  std::uint64_t n = kNoopBytes;
  if (const BytesView common = task.common(); !common.empty()) {
    const auto wanted = decimal(common);
    if (!wanted || *wanted > kNoopBytesMax)
      throw std::invalid_argument(
          "noop: the common input must be the number of result bytes, at most 67108864");
    n = *wanted;
  }
  const BytesView input = task.input().substr(0, n);
  out.append(input);
  out.bytes().append(n - input.size(), '\0');
}

void count(Task& task, Output& out) {
  out.append(wire::bytes_of(wire::Int128(task.range().size())));
}

}  // namespace

void add_echo(Functions& functions) {
  functions.add_raw("noop", noop, {.idempotent = true});
  functions.add_body("noop", Takes::range, Encoding::value, count,
                     {.reduce = "sum", .rate = 0, .idempotent = true, .finish = {}});
  functions.add_raw("echo", [](Task& task, Output& out) { out.append(task.input()); },
                    {.idempotent = true});
}

}  // namespace quern::functions
