// The route that shows the broker's audit log, if its folder is on this machine.
#pragma once

#include <string>

#include "gateway/api/api.hpp"
#include "gateway/http/routes.hpp"

namespace quern::gateway {

/// `api` must outlive the routes. `folder`: of the audit log.
void add_audit_route(Routes& routes, Api& api, std::string folder);

}  // namespace quern::gateway
