// Whether a submission under an idempotency key is the one that made the job. Pure.
#pragma once

#include <string>

#include "broker/core/jobs/job.hpp"

namespace quern::broker {

/// open: one of the two inputs is not whole yet, so nobody knows.
enum class Match { same, other, open };

/// The job against a SUBMIT with its key.
Match match_of(const Job& job, const wire::Submit& submit);
/// The job against an ATTACH that says what the job must have been given.
Match match_of(const Job& job, const wire::Attach& attach);

/// What is said when they are not the same.
std::string conflict_with(const Job& job);

}  // namespace quern::broker
