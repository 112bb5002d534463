// The description of the API. tests/e2e/test_openapi.py compares it with the routes, and every
// answer with its schema.
#include "gateway/api/openapi.hpp"

#include <string>

#include "gateway/api/health.hpp"

namespace quern::gateway {

std::string_view openapi_document() {
  static const std::string document = std::string(kOpenApiSchemas) + kOpenApiEntry + kOpenApiJobs +
                                      kOpenApiSchedules + kOpenApiWorkers;
  return document;
}

}  // namespace quern::gateway
