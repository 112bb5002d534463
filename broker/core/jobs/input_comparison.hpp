// Whether a submission with an idempotency key is the one that created the job. Pure.
#pragma once

#include <string>

#include "broker/core/jobs/job.hpp"

namespace quern::broker {

/// open: one of the two inputs is not complete yet, so the answer is not known.
enum class Match { same, other, open };

/// Compares the job with a SUBMIT that has its key.
Match match_of(const Job& job, const wire::Submit& submit);
/// Compares the job with an ATTACH that states the expected input.
Match match_of(const Job& job, const wire::Attach& attach);

/// The error message if they are not the same.
std::string conflict_with(const Job& job);

}  // namespace quern::broker
