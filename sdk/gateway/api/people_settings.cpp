#include "gateway/api/people_settings.hpp"

namespace quern::gateway {
namespace {

constexpr std::int64_t kAnswersMost = 100;

/// A text that is JSON as its value, anything else as it is.
Json opened(const Json& sent) {
  if (!sent.is_string()) return sent;
  return shallow_json(sent.get_ref<const std::string&>()).value_or(sent);
}

}  // namespace

PeopleSettings people_settings_in(const Json& people) {
  Fields fields(people);
  PeopleSettings settings;
  settings.answers =
      static_cast<std::uint32_t>(fields.integer("answers", 1, kAnswersMost).value_or(1));
  settings.agree = static_cast<std::uint32_t>(
      fields.integer("agree", 1, settings.answers).value_or(settings.answers / 2 + 1));
  settings.schema = fields.raw("schema");
  if (!settings.schema.is_null() && !settings.schema.is_object())
    throw BadRequest("The field \"schema\" must be a JSON Schema of an answer.");
  settings.title = fields.text("title").value_or("");
  settings.instructions = fields.text("instructions").value_or("");
  fields.finish();
  return settings;
}

Bytes common_of(const PeopleSettings& settings) {
  const Json people = {{"answers", settings.answers},
                       {"agree", settings.agree},
                       {"schema", settings.schema},
                       {"title", settings.title},
                       {"instructions", settings.instructions}};
  return Json{{"people", people}}.dump();
}

PeopleSettings people_settings_of(const std::optional<Json>& common) {
  if (!common) return {};
  const Json value = opened(*common);
  if (!value.is_object() || !value.contains("people")) return {};
  try {
    return people_settings_in(value["people"]);
  } catch (const BadRequest&) {  // somebody made it without the gateway
    return {};
  }
}

PeopleItem people_item_of(const Json& sent) {
  const Json value = opened(sent);
  if (!value.is_object() || !value.contains("input")) return {.input = value};
  PeopleItem item{.input = value["input"]};
  if (value.contains("schema")) item.schema = value["schema"];
  if (value.contains("gold")) item.gold = value["gold"];
  return item;
}

}  // namespace quern::gateway
