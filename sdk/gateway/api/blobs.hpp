// The routes that give a file to the broker, for jobs that name it in `blobs`, and get it back.
#pragma once

#include <chrono>

#include "gateway/api/api.hpp"
#include "gateway/http/routes.hpp"

namespace quern::gateway {

/// `api` must outlive the routes. `wait`: how long an upload may wait for room at the broker.
void add_blob_routes(Routes& routes, Api& api, std::chrono::seconds wait);

}  // namespace quern::gateway
