// The page: serves the files that embed.py has put into the program. They are the same for
// everybody and hold no data, so they need no token; the page asks the API like any other client.
#pragma once

#include "gateway/http/routes.hpp"

namespace quern::gateway {

void add_page_routes(Routes& routes);

}  // namespace quern::gateway
