// The routes of pull workers: POST /v1/leases and what a client says about what it got.
#pragma once

#include "gateway/api/api.hpp"
#include "gateway/http/routes.hpp"
#include "gateway/pull/workers.hpp"

namespace quern::gateway {

/// `api` and `workers` must outlive the routes.
void add_pull_routes(Routes& routes, Api& api, pull::PullWorkers& workers);

}  // namespace quern::gateway
