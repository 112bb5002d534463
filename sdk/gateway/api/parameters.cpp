#include "gateway/api/parameters.hpp"

#include <utility>

#include "gateway/api/health.hpp"

namespace quern::gateway {
namespace {

/// The names of the parameters of one operation that are in the query.
std::vector<std::string> names_in(const Json& operation, const Json& document) {
  std::vector<std::string> names;
  for (const Json& given : operation.value("parameters", Json::array())) {
    const std::string reference = given.value("$ref", "");
    const Json& parameter =
        reference.empty() ? given : document.at(Json::json_pointer(reference.substr(1)));
    if (parameter.at("in") == "query") names.push_back(parameter.at("name").get<std::string>());
  }
  return names;
}

std::string upper(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c & ~0x20);
  return text;
}

}  // namespace

void restrict_parameters(Routes& routes) {
  const Json document = Json::parse(openapi_document());
  std::vector<std::pair<std::string, std::string>> checked;
  for (const Route& route : routes.all())
    // The options of a job whose items are the body are parameters, too.
    if (route.body != BodyForm::lines) checked.emplace_back(route.method, route.path);
  for (const auto& [path, operations] : document.at("paths").items())
    for (const auto& [method, operation] : operations.items())
      for (const auto& [checked_method, checked_path] : checked)
        if (checked_path == path && checked_method == upper(method))
          routes.restrict(checked_method, checked_path, names_in(operation, document));
}

}  // namespace quern::gateway
