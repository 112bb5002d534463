// Which failed tasks of a job a RETRY means. Pure.
#pragma once

#include "broker/core/jobs/job.hpp"
#include "wire/messages.hpp"

namespace quern::broker {

/// The failed tasks that meet all conditions. What failed with which error is known only from the
/// result entries that still exist.
wire::IntervalSet selected_failures(const Job& job, const wire::Retry& retry);

}  // namespace quern::broker
