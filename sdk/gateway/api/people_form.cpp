#include "gateway/api/people_form.hpp"

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>

namespace quern::gateway {
namespace {

constexpr int kFormDepthMost = 8;  // a form of forms of forms: nobody fills in more

[[noreturn]] void refuse_form(const std::string& where, const std::string& what) {
  throw BadRequest("The form cannot be used: \"" + where + "\" " + what + '.');
}

bool is_type(const Json& value) {
  const std::initializer_list<std::string_view> types = {"object",  "array",   "string", "number",
                                                         "integer", "boolean", "null"};
  return value.is_string() &&
         std::find(types.begin(), types.end(), value.get<std::string>()) != types.end();
}

/// The value of a keyword, or null.
const Json& part(const Json& schema, const char* keyword) {
  static const Json kAbsent;
  const auto found = schema.find(keyword);
  return found == schema.end() ? kAbsent : *found;
}

void check_type(const Json& schema, const std::string& where) {
  const Json& type = part(schema, "type");
  if (type.is_null()) return;
  const bool fits = type.is_array()
                        ? !type.empty() && std::all_of(type.begin(), type.end(), is_type)
                        : is_type(type);
  if (!fits)
    refuse_form(
        where + ".type",
        "must be object, array, string, number, integer, boolean or null, or a list of them");
}

/// Somebody must have something to choose from.
void check_choices(const Json& schema, const std::string& where) {
  for (const char* keyword : {"enum", "oneOf"}) {
    const Json& choices = part(schema, keyword);
    if (!choices.is_null() && (!choices.is_array() || choices.empty()))
      refuse_form(where + '.' + keyword, "must be a list with at least one choice");
  }
}

void check_bounds(const Json& schema, const std::string& where, const char* least,
                  const char* most) {
  for (const char* keyword : {least, most})
    if (const Json& bound = part(schema, keyword); !bound.is_null() && !bound.is_number())
      refuse_form(where + '.' + keyword, "must be a number");
  const Json &low = part(schema, least), &high = part(schema, most);
  if (low.is_number() && high.is_number() && low.get<double>() > high.get<double>())
    refuse_form(where + '.' + least, "is above \"" + std::string(most) + "\", so no answer fits");
}

void check(const Json& schema, const std::string& where, int depth);

void check_properties(const Json& schema, const std::string& where, int depth) {
  const Json& properties = part(schema, "properties");
  if (!properties.is_null() && !properties.is_object())
    refuse_form(where + ".properties", "must be an object: a schema for each field");
  if (properties.is_object())
    for (const auto& [name, one] : properties.items())
      check(one, where + ".properties." + name, depth + 1);
  const Json& required = part(schema, "required");
  if (required.is_null()) return;
  if (!required.is_array()) refuse_form(where + ".required", "must be a list of names of fields");
  for (const Json& name : required) {
    if (!name.is_string()) refuse_form(where + ".required", "must be a list of names of fields");
    if (properties.is_object() && !properties.contains(name.get<std::string>()))
      refuse_form(where + ".required",
                  "names a field that is not in \"properties\": " + name.get<std::string>());
  }
}

void check(const Json& schema, const std::string& where, int depth) {
  if (!schema.is_object()) refuse_form(where, "must be an object: a JSON schema");
  if (depth > kFormDepthMost) refuse_form(where, "is nested too deeply");
  check_type(schema, where);
  check_choices(schema, where);
  check_bounds(schema, where, "minimum", "maximum");
  check_bounds(schema, where, "minLength", "maxLength");
  for (const char* keyword : {"title", "description", "pattern"})
    if (const Json& text = part(schema, keyword); !text.is_null() && !text.is_string())
      refuse_form(where + '.' + keyword, "must be a text");
  check_properties(schema, where, depth);
  if (const Json& items = part(schema, "items"); !items.is_null())
    check(items, where + ".items", depth + 1);
}

}  // namespace

void check_form(const Json& schema) { check(schema, "schema", 0); }

}  // namespace quern::gateway
