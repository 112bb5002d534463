// The routes that append items to a job that was submitted as `open`, and close it.
#pragma once

#include "gateway/api/api.hpp"
#include "gateway/api/job_cache.hpp"
#include "gateway/http/routes.hpp"

namespace quern::gateway {

/// `api` and `cache` must outlive the routes.
void add_append_routes(Routes& routes, Api& api, JobCache& cache);

}  // namespace quern::gateway
