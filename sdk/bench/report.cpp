#include "bench/report.hpp"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <string>

namespace quern::bench {

Json spread_of(const std::vector<double>& samples) {
  if (samples.empty()) return {{"min", nullptr}, {"max", nullptr}};
  const auto [least, most] = std::minmax_element(samples.begin(), samples.end());
  return {{"min", rounded(*least)}, {"max", rounded(*most)}};
}

void print_report(const Json& object, const std::string& table, bool json) {
  std::cout << (json ? object.dump() : table + '\n' + object["summary"].get<std::string>()) << '\n';
}

double rounded(double number) { return std::round(number * 100) / 100; }

}  // namespace quern::bench
