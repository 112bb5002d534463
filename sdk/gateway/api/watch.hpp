// Long polls: answers when a job has changed, or when the time is over.
#pragma once

#include <functional>
#include <memory>

#include "gateway/api/api.hpp"

namespace quern::gateway {

/// Answers the exchange with `answer` as soon as `is_due` says so about the job's state, and with
/// the state as it is then after `seconds`. Costs no thread meanwhile: the broker tells what
/// changes. Called on a thread that may block.
void watch_job(Api& api, const Caller& caller, const std::shared_ptr<Exchange>& exchange,
               JobNumber number, double seconds, std::function<bool(const JobStatus&)> is_due,
               std::function<Response(const JobStatus&, const Request&)> answer);

}  // namespace quern::gateway
