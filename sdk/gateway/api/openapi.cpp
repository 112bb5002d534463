#include "gateway/api/health.hpp"

namespace quern::gateway {

std::string_view openapi_document() { return "{}"; }

}  // namespace quern::gateway
