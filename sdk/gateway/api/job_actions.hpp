// The routes that change a job: cancel, retry, close, pause, resume.
#pragma once

#include "gateway/api/api.hpp"
#include "gateway/api/job_cache.hpp"
#include "gateway/http/routes.hpp"

namespace quern::gateway {

/// `api` and `cache` must outlive the routes.
void add_job_actions(Routes& routes, Api& api, JobCache& cache);

}  // namespace quern::gateway
