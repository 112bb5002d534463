// What the benchmark measures and how it is summarised: medians, percentiles, processor time and
// memory of processes.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <vector>

namespace quern::bench {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The value below which a share `q` of the samples lies (nearest rank); 0 for none. median: q =
/// 0.5.
double quantile(std::vector<double> samples, double q);
inline double median(std::vector<double> samples) { return quantile(std::move(samples), 0.5); }

/// Processor time that a process has used, in microseconds, all its threads; 0 if it has ended.
double processor_us(pid_t pid);
/// Current and peak resident memory in bytes; 0 if unknown.
std::uint64_t resident_memory(pid_t pid);
std::uint64_t peak_memory(pid_t pid);

}  // namespace quern::bench
