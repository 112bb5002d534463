#include "worker/functions/primes.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "quern/typed.hpp"
#include "worker/functions/builtin.hpp"

namespace quern::functions {
namespace {

__extension__ typedef unsigned __int128 Uint128;

constexpr std::uint64_t kSegment =
    1u << 16;  // odd numbers at a time, a byte each: fits the second-level cache

std::uint64_t root(std::uint64_t n) {
  auto r = static_cast<std::uint64_t>(std::sqrt(static_cast<double>(n)));
  while (Uint128(r) * r > n) --r;
  while (Uint128(r + 1) * (r + 1) <= n) ++r;
  return r;
}

std::vector<std::uint32_t> odd_primes_to(std::uint64_t limit) {
  std::vector<char> composite(limit / 2 + 1);
  std::vector<std::uint32_t> primes;
  for (std::uint64_t n = 3; n <= limit; n += 2) {
    if (composite[n / 2]) continue;
    primes.push_back(static_cast<std::uint32_t>(n));
    for (std::uint64_t m = n * n; m <= limit; m += 2 * n) composite[m / 2] = 1;
  }
  return primes;
}

/// Odd primes up to at least `limit`, kept per thread and grown as needed: no lock between slots.
const std::vector<std::uint32_t>& base_primes(std::uint64_t limit) {
  thread_local std::vector<std::uint32_t> primes;
  thread_local std::uint64_t reach = 0;
  if (reach < limit) {
    reach = std::max<std::uint64_t>({limit, 2 * reach, 1024});
    primes = odd_primes_to(reach);
  }
  return primes;
}

std::uint64_t power(std::uint64_t base, std::uint64_t exponent, std::uint64_t modulus) {
  std::uint64_t result = 1;
  for (base %= modulus; exponent > 0; exponent >>= 1) {
    if (exponent & 1) result = static_cast<std::uint64_t>(Uint128(result) * base % modulus);
    base = static_cast<std::uint64_t>(Uint128(base) * base % modulus);
  }
  return result;
}

/// Whether the odd number n passes the test to this base.
bool probable_prime(std::uint64_t n, std::uint64_t base) {
  base %= n;
  if (base == 0) return true;
  std::uint64_t odd = n - 1;
  int twos = 0;
  for (; odd % 2 == 0; odd /= 2) ++twos;
  std::uint64_t x = power(base, odd, n);
  if (x == 1 || x == n - 1) return true;
  for (int i = 1; i < twos; ++i) {
    x = static_cast<std::uint64_t>(Uint128(x) * x % n);
    if (x == n - 1) return true;
  }
  return false;
}

/// Crosses out odd multiples of the base primes, segment by segment, and counts what is left.
class Sieve {
 public:
  /// Odd numbers from `first` (odd, > 2) below `end`, with the base primes up to `limit`.
  Sieve(std::uint64_t first, std::uint64_t end, std::uint64_t limit) : at_(first), end_(end) {
    for (const std::uint64_t p : base_primes(limit)) {
      if (p > limit) break;
      std::uint64_t multiple = std::max(
          p * p, (first + p - 1) / p * p);  // NOLINT(clang-analyzer-core.DivideZero): a prime
      if (multiple % 2 == 0) multiple += p;
      crossers_.push_back({p, (multiple - first) / 2});
    }
  }

  bool at_end() const { return at_ >= end_; }

  /// The next segment; calls `left(n)` for every number that was not crossed out.
  template <typename F>
  void next(F left) {
    const std::uint64_t length = std::min(kSegment, (end_ - at_ + 1) / 2);
    segment_.assign(length, 1);
    for (auto& [prime, offset] : crossers_) {
      for (; offset < length; offset += prime)
        segment_[offset] = 0;  // NOLINT(bugprone-infinite-loop): offset is the pair's own
      offset -= length;
    }
    for (std::uint64_t i = 0; i < length; ++i)
      if (segment_[i]) left(at_ + 2 * i);
    at_ += 2 * length;
  }

 private:
  struct Crosser {
    std::uint64_t prime;
    std::uint64_t offset;  // of its next multiple, in odd numbers from the segment's begin
  };
  std::uint64_t at_;
  std::uint64_t end_;
  std::vector<Crosser> crossers_;
  std::vector<unsigned char> segment_;
};

}  // namespace

bool is_prime(std::uint64_t n) {
  if (n < 2) return false;
  for (const std::uint64_t p : {2u, 3u, 5u, 7u, 11u, 13u})
    if (n % p == 0) return n == p;
  for (const std::uint64_t base :
       {2ull, 325ull, 9375ull, 28178ull, 450775ull, 9780504ull, 1795265022ull})
    if (!probable_prime(n, base)) return false;
  return true;
}

std::uint64_t count_primes(Range range, const std::function<bool()>& stop) {
  if (range.end <= 2) return 0;
  const auto end = static_cast<std::uint64_t>(range.end);
  std::uint64_t first = range.begin < 2 ? 2 : static_cast<std::uint64_t>(range.begin);
  std::uint64_t count = 0;
  if (first >= end) return 0;
  if (first == 2) count = 1;
  first = first < 3 ? 3 : first | 1;
  if (first >= end) return count;

  // For few numbers with large square roots, finding all base primes would take longer than testing
  // what remains after sieving with small ones.
  const std::uint64_t needed = root(end - 1);
  const std::uint64_t worthwhile =
      std::max<std::uint64_t>(1u << 14, std::min<std::uint64_t>(1u << 26, (end - first) / 4));
  const bool complete = needed <= worthwhile;
  const std::uint64_t limit =
      complete ? needed : std::min<std::uint64_t>({needed, worthwhile, 1u << 14});
  for (Sieve sieve(first, end, limit); !sieve.at_end() && !stop();) {
    if (complete)
      sieve.next([&](std::uint64_t) { ++count; });
    else
      sieve.next([&](std::uint64_t n) { count += is_prime(n); });
  }
  return count;
}

void add_primes(Functions& functions) {
  functions.add_range(
      "primes",
      [](Range range, Task& task) { return count_primes(range, [&] { return task.cancelled(); }); },
      {.reduce = "sum", .rate = 0, .idempotent = true, .finish = {}});
}

}  // namespace quern::functions
