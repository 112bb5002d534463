// The routes about workers, functions and the broker.
#pragma once

#include "gateway/api/api.hpp"
#include "gateway/http/routes.hpp"

namespace quern::gateway {

/// `api` must outlive the routes.
void add_cluster_routes(Routes& routes, Api& api);

}  // namespace quern::gateway
