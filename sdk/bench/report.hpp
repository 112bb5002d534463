// Prints the results of a benchmark: one JSON object, or a table and the sentence of the object.
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

/// Rounds to two decimals, the precision of a benchmark.
double rounded(double number);

}  // namespace quern::bench
