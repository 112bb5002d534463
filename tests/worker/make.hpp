// Leases for tests.
#pragma once

#include <string>

#include "wire/messages.hpp"

namespace quern::worker {

inline wire::Lease make_lease(std::uint64_t counter, std::string function, wire::LeaseKind kind,
                              wire::Intervals tasks) {
  wire::Lease lease;
  lease.lease = {7, counter};
  lease.job.bytes[15] = 1;
  lease.function = std::move(function);
  lease.kind = kind;
  lease.tasks = std::move(tasks);
  return lease;
}

/// A lease of items; the payload of task i is `prefix` followed by i in decimal.
inline wire::Lease make_items(std::uint64_t counter, std::string function, wire::Intervals tasks,
                              const std::string& prefix = "") {
  wire::Lease lease =
      make_lease(counter, std::move(function), wire::LeaseKind::item, std::move(tasks));
  wire::BatchBuilder builder;
  for (const auto& interval : lease.tasks)
    for (auto i = interval.begin; i < interval.end; ++i) builder.add(prefix + std::to_string(i));
  lease.batch = builder.take();
  return lease;
}

}  // namespace quern::worker
