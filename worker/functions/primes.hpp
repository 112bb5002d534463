// Counting primes.
#pragma once

#include <cstdint>
#include <functional>

#include "quern/input.hpp"

namespace quern::functions {

/// Number of primes in the range; numbers below 2 are none. `stop` is called now and then; if it
/// returns true, the count ends early. A segmented sieve of Eratosthenes; where its base primes
/// would be too many for the range, small factors are sieved out and a Miller-Rabin test decides
/// (bases of Jim Sinclair, exact below 2^64: miller-rabin.appspot.com).
std::uint64_t count_primes(Range range, const std::function<bool()>& stop);

/// Exact for all 64-bit numbers.
bool is_prime(std::uint64_t n);

}  // namespace quern::functions
