// How a bench says what it found: one JSON object, or a table and the sentence that is in the
// object.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace quern::bench {

using Json = nlohmann::ordered_json;

/// {"min": ..., "max": ...}
Json spread_of(const std::vector<double>& samples);

/// Prints the object, or for people the table and the object's `summary`.
void print_report(const Json& object, const std::string& table, bool json);

/// Two digits after the point: a bench knows no more.
double rounded(double number);

}  // namespace quern::bench
