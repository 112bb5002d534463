// Failures as the exceptions and outcomes of the public interface.
#pragma once

#include <exception>

#include "client/effects.hpp"
#include "quern/job.hpp"

namespace quern::client {

/// Whether the failure is that there is no session.
bool is_connection_failure(ErrorCode code);

/// Throws ConnectionError, or SubmitError before the job was accepted, or JobError after. Always
/// JobError for a job to attach to.
[[noreturn]] void throw_failure(Ended::Stage stage, const Failure& failure);

/// What a source of items has thrown.
Failure failure_of(const std::exception_ptr& error);

/// The outcome of a job that ended that way.
Outcome outcome_of(const Failure& failure);

/// Keeps the first 100 runs of failed tasks.
void keep_errors(std::vector<TaskError>& kept, const std::vector<TaskError>& more);

/// The ANSWER among the replies of the broker; throws Error if it is something else.
wire::Answer answer_in(Reply reply);

}  // namespace quern::client
