// The routes of schedules: jobs that the broker submits by itself at their times.
#pragma once

#include "gateway/api/api.hpp"
#include "gateway/http/routes.hpp"

namespace quern::gateway {

/// `api` must outlive the routes.
void add_schedule_routes(Routes& routes, Api& api);

}  // namespace quern::gateway
