// The route that shows work for people. They get it as programs do: POST /v1/leases.
#pragma once

#include "gateway/api/api.hpp"
#include "gateway/http/routes.hpp"
#include "gateway/people/people.hpp"

namespace quern::gateway {

/// `api` and `people` must outlive the routes.
void add_people_routes(Routes& routes, Api& api, People& people);

}  // namespace quern::gateway
