#include "gateway/http/routes.hpp"

#include <algorithm>
#include <utility>

namespace quern::gateway {
namespace {

/// The variable segments if the path fits; nothing otherwise.
std::optional<Variables> match(const std::vector<std::string>& pattern,
                               const std::vector<std::string>& segments) {
  if (pattern.size() != segments.size()) return std::nullopt;
  Variables variables;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (pattern[i].starts_with('{'))
      variables.push_back(segments[i]);
    else if (pattern[i] != segments[i])
      return std::nullopt;
  }
  return variables;
}

}  // namespace

std::optional<Response> refusal_of(const Route& route, const Target& target) {
  if (!route.parameters) return std::nullopt;
  const auto& known = *route.parameters;
  for (const auto& [name, value] : target.parameters) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    std::string list;
    for (const auto& one : known) list += (list.empty() ? "" : ", ") + one;
    return problem(400, "bad_input",
                   "Unknown parameter \"" + name + "\": " +
                       (known.empty() ? "this route takes none." : "there are " + list + "."));
  }
  return std::nullopt;
}

void Routes::add(std::string method, std::string path, BodyForm body, Handler handler) {
  auto segments = target_of(path).value_or(Target{}).segments;
  routes_.push_back(
      {std::move(method), std::move(path), body, std::move(handler), std::move(segments)});
}

void Routes::restrict(const std::string& method, const std::string& path,
                      std::vector<std::string> parameters) {
  for (Route& route : routes_)
    if (route.method == method && route.path == path) route.parameters = parameters;
}

Routes::Found Routes::find(const Request& request) const {
  Found found;
  for (const Route& route : routes_) {
    auto variables = match(route.segments, request.target.segments);
    if (!variables) continue;
    if (route.method == request.method) {
      found.route = &route;
      found.variables = std::move(*variables);
      return found;
    }
    found.allowed += (found.allowed.empty() ? "" : ", ") + route.method;
    if (route.method == "GET") found.allowed += ", HEAD";
  }
  return found;
}

}  // namespace quern::gateway
