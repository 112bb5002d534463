// How a bench says what it found: one JSON object, or the sentence in it.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

namespace quern::bench {

using Json = nlohmann::ordered_json;

/// {"min": ..., "max": ...}
Json spread_of(const std::vector<double>& samples);

/// Prints the object, or only its `summary` for people.
void print_report(const Json& object, bool json);

/// Two digits after the point: a bench knows no more.
double rounded(double number);

}  // namespace quern::bench
