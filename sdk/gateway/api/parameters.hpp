// Which parameters the routes take, by their description.
#pragma once

#include "gateway/http/routes.hpp"

namespace quern::gateway {

/// From now on, the routes refuse parameters that the OpenAPI document does not name: a name that
/// is spelled wrong would otherwise be ignored.
void restrict_parameters(Routes& routes);

}  // namespace quern::gateway
