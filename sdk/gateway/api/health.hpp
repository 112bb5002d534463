// The routes for those who operate the gateway: /livez, /readyz, /metrics, the description of the
// API.
#pragma once

#include <string>

#include "gateway/api/api.hpp"
#include "gateway/api/events.hpp"
#include "gateway/api/metrics.hpp"
#include "gateway/http/routes.hpp"

namespace quern::gateway {

/// `token`: of the key whose session shows whether the broker is there; empty: without keys, or the
/// session of whoever asks. The arguments must outlive the routes.
void add_health_routes(Routes& routes, Api& api, const HttpMetrics& metrics, const Events& events,
                       const std::string& token);

/// The OpenAPI 3.1 document of the routes that the gateway has.
std::string_view openapi_document();

}  // namespace quern::gateway
