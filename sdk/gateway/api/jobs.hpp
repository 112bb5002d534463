// The routes about jobs: submit, list, look, wait, act.
#pragma once

#include "gateway/api/api.hpp"
#include "gateway/api/job_cache.hpp"
#include "gateway/http/routes.hpp"

namespace quern::gateway {

/// `api` and `cache` must outlive the routes.
void add_job_routes(Routes& routes, Api& api, JobCache& cache);

/// A job as the API shows it: that of `quern job --json`, with its `version`.
Json job_json(const JobStatus& status);
/// The same as an answer with its ETag.
Response job_answer(const JobStatus& status);
/// What changes with everything about a job but the time: for ETag and long polls.
std::string version_of(const JobStatus& status);

}  // namespace quern::gateway
