// The parts of the description of the API, in order; see openapi.cpp.
#pragma once

namespace quern::gateway {

extern const char kOpenApiSchemas[];
extern const char kOpenApiEntry[];
extern const char kOpenApiJobs[];
extern const char kOpenApiSchedules[];
extern const char kOpenApiWorkers[];

}  // namespace quern::gateway
