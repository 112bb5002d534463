// sleep and spin: a task that takes a given time, asleep or at work. Input: one decimal number of
// microseconds; result: that number.
#include <time.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "wire/number.hpp"
#include "worker/functions/builtin.hpp"
#include "worker/functions/decimal.hpp"

namespace quern::functions {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

constexpr std::uint64_t kMicrosecondsMax = 365ULL * 24 * 3600 * 1'000'000;

std::uint64_t microseconds_of(const Task& task) {
  std::optional<std::uint64_t> n;
  if (task.encoding() == Encoding::raw) {
    n = decimal(task.input());
  } else if (const auto number = wire::number_from(task.input());
             number && std::holds_alternative<wire::Int128>(*number)) {
    const auto integer = std::get<wire::Int128>(*number);
    if (integer >= 0 && integer <= wire::Int128(kMicrosecondsMax))
      n = static_cast<std::uint64_t>(integer);
  }
  if (!n || *n > kMicrosecondsMax)
    throw std::invalid_argument("the input must be a number of microseconds, at most a year");
  return *n;
}

void answer(std::uint64_t n, Output& out) { out.append(wire::bytes_of(wire::Int128(n))); }

void sleep(Task& task, Output& out) {
  constexpr microseconds kSlice{5000};  // a cancelled sleep wakes within 10 ms
  const std::uint64_t n = microseconds_of(task);
  const auto until = std::chrono::steady_clock::now() + microseconds(n);
  while (!task.cancelled()) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= nanoseconds(0)) break;
    std::this_thread::sleep_for(std::min<nanoseconds>(left, kSlice));
  }
  answer(n, out);
}

/// CPU time of this thread: so that `spin` does not depend on other load of the machine.
nanoseconds cpu_time() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return std::chrono::seconds(t.tv_sec) + nanoseconds(t.tv_nsec);
}

void spin(Task& task, Output& out) {
  const std::uint64_t n = microseconds_of(task);
  const auto until = cpu_time() + microseconds(n);
  while (!task.cancelled() && cpu_time() < until) {
  }
  answer(n, out);
}

}  // namespace

void add_waiting(Functions& functions) {
  functions.add_body("sleep", Takes::item, Encoding::value, sleep, {.idempotent = true});
  functions.add_body("spin", Takes::item, Encoding::value, spin, {.idempotent = true});
}

}  // namespace quern::functions
