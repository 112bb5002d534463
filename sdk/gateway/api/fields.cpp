#include "gateway/api/fields.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

namespace quern::gateway {
namespace {

constexpr int kDepthMost = 64;
constexpr std::int64_t kExactMost = 1LL << 53;

/// Counts how deep the text is nested; what is in strings does not count.
bool is_too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kDepthMost) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

}  // namespace

std::optional<Json> shallow_json(std::string_view text) {
  if (is_too_deep(text)) return std::nullopt;
  Json value = Json::parse(text, nullptr, false);
  if (value.is_discarded()) return std::nullopt;
  return value;
}

bool is_deep(const Json& value) {
  std::vector<const Json*> level{&value};
  for (int depth = 0; !level.empty(); ++depth) {
    if (depth > kDepthMost) return true;
    std::vector<const Json*> below;
    for (const Json* one : level)
      if (one->is_structured())
        for (const Json& child : *one) below.push_back(&child);
    level = std::move(below);
  }
  return false;
}

Json json_of(std::string_view body) {
  if (is_too_deep(body)) throw BadRequest("The JSON is nested more than 64 levels deep.");
  try {
    return Json::parse(body);
  } catch (const Json::exception& error) {
    const std::string why = error.what();  // "[json.exception.parse_error.101] parse error at ..."
    throw BadRequest(problem(
        400, "malformed",
        "The body is not JSON: " + why.substr(std::min(why.size(), why.find("] ") + 2)) + "."));
  }
}

Fields::Fields(const Json& object) : object_(object) {
  if (!object.is_object()) throw BadRequest("The body must be a JSON object.");
}

bool Fields::has(const char* name) { return !raw(name).is_null(); }

bool Fields::is_given(const char* name) {
  asked_.push_back(name);
  return object_.contains(name);
}

const Json& Fields::raw(const char* name) {
  static const Json none;
  asked_.push_back(name);
  const auto found = object_.find(name);
  return found == object_.end() ? none : *found;
}

std::optional<std::string> Fields::text(const char* name) {
  const Json& value = raw(name);
  if (value.is_null()) return std::nullopt;
  if (!value.is_string()) fail(name, "a string");
  return value.get<std::string>();
}

std::optional<bool> Fields::flag(const char* name) {
  const Json& value = raw(name);
  if (value.is_null()) return std::nullopt;
  if (!value.is_boolean()) fail(name, "true or false");
  return value.get<bool>();
}

std::optional<std::int64_t> Fields::integer(const char* name, std::int64_t least,
                                            std::int64_t most) {
  const Json& value = raw(name);
  if (value.is_null()) return std::nullopt;
  const std::string wanted =
      "an integer from " + std::to_string(least) + " to " + std::to_string(most);
  if (!value.is_number_integer()) fail(name, wanted);
  if (value.is_number_unsigned() &&
      value.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX))
    fail(name, wanted);
  const auto number = value.get<std::int64_t>();
  if (number < least || number > most) fail(name, wanted);
  return number;
}

std::optional<double> Fields::number(const char* name, double least, double most) {
  const Json& value = raw(name);
  if (value.is_null()) return std::nullopt;
  if (!value.is_number() || !(value.get<double>() >= least && value.get<double>() <= most)) {
    const auto shown = [](double limit) { return Json(limit).dump(); };
    fail(name, "a number from " + shown(least) + " to " + shown(most));
  }
  return value.get<double>();
}

void Fields::finish() const {
  for (const auto& [name, value] : object_.items()) {
    if (std::find(asked_.begin(), asked_.end(), name) != asked_.end()) continue;
    const std::set<std::string> fields(asked_.begin(), asked_.end());
    std::string known;
    for (const auto& one : fields) known += (known.empty() ? "" : ", ") + one;
    throw BadRequest("Unknown field \"" + name + "\": the fields are " + known + ".");
  }
}

void Fields::fail(const char* name, const std::string& wanted) {
  throw BadRequest("The field \"" + std::string(name) + "\" must be " + wanted + ".");
}

void make_exact(Json& value) {
  if (value.is_structured()) {
    for (auto& part : value) make_exact(part);
  } else if (value.is_number_unsigned()) {
    if (const auto n = value.get<std::uint64_t>(); n > static_cast<std::uint64_t>(kExactMost))
      value = std::to_string(n);
  } else if (value.is_number_integer()) {
    if (const auto n = value.get<std::int64_t>(); n > kExactMost || n < -kExactMost)
      value = std::to_string(n);
  }
}

}  // namespace quern::gateway
