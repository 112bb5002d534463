// The routes of leases: POST /v1/leases and what a client, a program or a person, says about what
// it got.
#pragma once

#include "gateway/api/api.hpp"
#include "gateway/http/routes.hpp"
#include "gateway/people/people.hpp"
#include "gateway/pull/workers.hpp"

namespace quern::gateway {

/// The others must outlive the routes.
void add_lease_routes(Routes& routes, Api& api, pull::PullWorkers& workers, People& people);

}  // namespace quern::gateway
