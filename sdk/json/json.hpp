// Answers of the broker, and results, as JSON: one object per line, snake_case keys, in a stable
// order. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "quern/bytes.hpp"
#include "quern/schedule.hpp"
#include "quern/status.hpp"

namespace quern::json {

using Json = nlohmann::ordered_json;

Json to_json(const JobStatus& status);
Json to_json(const WorkerStatus& status);
Json to_json(const ScheduleStatus& schedule);
Json to_json(const ScheduleRun& run);
Json to_json(const BrokerStatus& status);
Json to_json(const ErrorGroup& group);
Json to_json(const TaskSpan& span);
Json to_json(const TaskNote& note);

/// The total of which the workers' shares are parts.
std::uint64_t tasks_shared(const JobStatus& job);

/// One line with its newline. Bytes that are not UTF-8 (a name of another party) are replaced,
/// never an error.
std::string line_of(const Json& object);

/// A result as a JSON value, appended to `out`: a value as itself; raw bytes as a string when they
/// are UTF-8, otherwise as
/// {"base64": "..."}.
void append_result(std::string& out, BytesView bytes, Encoding encoding);

/// Text as a JSON string, appended to `out`. False (and nothing appended) when it is not UTF-8.
bool append_string(std::string& out, BytesView text);

}  // namespace quern::json
