// How many tasks a lease gets: guided self-scheduling in units of time (Polychronopoulos and Kuck
// 1987), weighted by the measured rate as in Hummel, Schonberg and Flynn 1992.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace quern::broker {

/// No lease is expected to take longer, unless a single task does.
inline constexpr double kLeaseMax = 0.100;
/// Shorter leases would spend more time in transit than running.
inline constexpr double kLeaseMin = 0.001;
/// A lease takes at most this share of the time that all workers together need to finish the job.
inline constexpr double kGuidedShare = 0.5;
/// A worker that has been measured on n tasks gets a lease of at most this many times n.
inline constexpr double kGrowth = 8;

struct SizingView {
  double rate = 0;        ///< tasks/s of one slot of this worker; 0: unknown
  double tasks_seen = 0;  ///< the tasks that this rate is based on, on this worker
  double total_rate = 0;  ///< tasks/s of all slots that can run the job
  std::uint64_t pending = 0;
  double variation = 0;  ///< of one task's time, relative to the mean
};

/// The number of tasks in the next lease, at least 1.
inline std::uint64_t lease_size(const SizingView& v) {
  if (v.rate <= 0 || v.pending <= 1) return 1;
  const double left_s = static_cast<double>(v.pending) / std::max(v.total_rate, v.rate);
  // The time of a lease of n tasks varies by variation / sqrt(n). The less certain it is, the more
  // work is kept back to correct errors.
  const double n = std::max(1.0, v.rate * std::min(left_s * kGuidedShare, kLeaseMax));
  const double target_s =
      std::clamp(left_s * kGuidedShare / (1 + v.variation / std::sqrt(n)), kLeaseMin, kLeaseMax);
  // For a worker that has not run the function yet, the rate is only an assumption, so its leases
  // start small and grow.
  const double grown = std::max(1.0, kGrowth * v.tasks_seen);
  const double size = std::min({v.rate * target_s, grown, static_cast<double>(v.pending)});
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(size));
}

}  // namespace quern::broker
