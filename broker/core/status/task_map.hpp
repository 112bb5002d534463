// In which state the tasks of a job are, as intervals. Pure.
#pragma once

#include <cstddef>
#include <cstdint>

#include "broker/core/jobs/job.hpp"
#include "broker/core/workers/leases.hpp"
#include "broker/core/workers/workers.hpp"
#include "quern/status.hpp"

namespace quern::broker {

/// The first `most` intervals from the index `from` on. The work grows with `most` and with the
/// number of leases, not with the number of tasks.
/// `blocked`: tasks that wait for results of others.
TaskPage tasks_of(const Job& job, const Leases& leases, const Workers& workers,
                  const wire::IntervalSet& blocked, std::uint64_t from, std::size_t most);

}  // namespace quern::broker
