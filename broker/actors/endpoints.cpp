#include "broker/actors/endpoints.hpp"

#include <regex>

namespace quern::broker {

bool is_local(const std::string& endpoint) {
  // Names other than localhost are not resolved, because their addresses may change.
  static const std::regex local(
      R"(ipc://.+|tcp://(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\]|localhost):(\d{1,5}|\*))");
  return std::regex_match(endpoint, local);
}

bool is_endpoint(const std::string& endpoint) {
  static const std::regex form(R"(ipc://.+|tcp://(?:\[[^\]]+\]|[^:]+):(\d{1,5}|\*))");
  std::smatch match;
  if (!std::regex_match(endpoint, match, form)) return false;
  const std::string port = match[1];
  return port.empty() || port == "*" || std::stoi(port) <= 65'535;
}

}  // namespace quern::broker
