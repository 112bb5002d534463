// The routes that show the tasks of a job: all of them as intervals, one with its result, and what
// its command wrote.
#pragma once

#include "gateway/api/api.hpp"
#include "gateway/http/routes.hpp"

namespace quern::gateway {

/// `api` must outlive the routes.
void add_task_routes(Routes& routes, Api& api);

}  // namespace quern::gateway
