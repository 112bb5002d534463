// Hands a submission to the broker and answers when the broker has it.
#pragma once

#include <memory>

#include "gateway/api/api.hpp"
#include "gateway/api/submission.hpp"

namespace quern::gateway {

/// `exec` runs any command, so a key must name it: a list of functions that is empty allows all
/// others. Throws BadRequest.
void check_exec(const Caller& caller, const std::string& function);

/// Answers when the broker has accepted the job with all of its input: a durable one is on its disk
/// then. Does not block. Throws BadRequest, or Error.
void submit(Api& api, const Caller& caller, Submission submission,
            const std::shared_ptr<Exchange>& exchange);

/// The same, but blocks until then: for an input that arrives with the body of the request.
void submit_stream(Api& api, const Caller& caller, Submission submission,
                   const std::shared_ptr<Exchange>& exchange);

}  // namespace quern::gateway
