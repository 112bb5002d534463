// The routes that give results: as a stream of lines, of any length.
#pragma once

#include "gateway/api/api.hpp"
#include "gateway/http/routes.hpp"

namespace quern::gateway {

/// `api` must outlive the routes.
/// Appends a result to a line of JSON; integers that JavaScript would round become strings.
void append_exact(std::string& line, BytesView bytes, Encoding encoding);

void add_result_routes(Routes& routes, Api& api);

}  // namespace quern::gateway
