#include "gateway/api/submission.hpp"

#include <chrono>
#include <cstdlib>
#include <utility>
#include <vector>

#include "notation/base64.hpp"
#include "quern/value.hpp"

namespace quern::gateway {
namespace {

constexpr std::int64_t kIntegerMost = 1LL << 62;
constexpr double kSecondsMost = 1e9;
constexpr double kHundredYears = 3'155'760'000.0;

Encoding encoding_in(Fields& fields) {
  const std::string word = fields.text("encoding").value_or("raw");
  if (word != "raw" && word != "value")
    throw BadRequest("The field \"encoding\" must be \"raw\" or \"value\".");
  return word == "raw" ? Encoding::raw : Encoding::value;
}

Range range_in(const Json& value) {
  const auto is_integer = [](const Json& one) {
    return one.is_number_integer() &&
           !(one.is_number_unsigned() && one.get<std::uint64_t>() > INT64_MAX);
  };
  if (!value.is_array() || value.size() != 2 || !is_integer(value[0]) || !is_integer(value[1]))
    throw BadRequest(
        "The field \"range\" must be two integers, the first one and one past the last one, e.g. "
        "[1, 101].");
  const Range range{value[0].get<std::int64_t>(), value[1].get<std::int64_t>()};
  if (range.begin > range.end || range.size() > static_cast<std::uint64_t>(kIntegerMost))
    throw BadRequest("The range ends before it begins, or has more than 2^62 integers.");
  return range;
}

Input input_in(Fields& fields) {
  const Encoding encoding = encoding_in(fields);
  const int given = int(fields.has("input")) + int(fields.has("items")) + int(fields.has("range"));
  if (given != 1)
    throw BadRequest(
        "Give exactly one of \"input\" (one input), \"items\" (a list) and \"range\" ([begin, "
        "end]).");
  if (fields.has("range")) return range_in(fields.raw("range"));
  if (fields.has("input")) return Whole{bytes_of(fields.raw("input"), encoding), encoding};
  const Json& items = fields.raw("items");
  if (!items.is_array()) throw BadRequest("The field \"items\" must be a list.");
  std::vector<Bytes> list;
  list.reserve(items.size());
  for (const Json& item : items) list.push_back(bytes_of(item, encoding));
  return Items::of(std::move(list), encoding);
}

template <typename Value>
std::map<std::string, Value> map_in(Fields& fields, const char* name, const char* wanted,
                                    bool (*fits)(const Json&)) {
  std::map<std::string, Value> map;
  const Json& given = fields.raw(name);
  if (given.is_null()) return map;
  const auto fail = [&] {
    throw BadRequest("The field \"" + std::string(name) + "\" must be an object of " + wanted +
                     ".");
  };
  if (!given.is_object()) fail();
  for (const auto& [key, value] : given.items()) {
    if (!fits(value)) fail();
    map.emplace(key, value.template get<Value>());
  }
  return map;
}

std::chrono::milliseconds ms_of(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

std::optional<Durability> durability_in(Fields& fields) {
  const auto word = fields.text("durability");
  if (!word) return std::nullopt;
  if (*word == "memory") return Durability::memory;
  if (*word == "durable") return Durability::durable;
  throw BadRequest("The field \"durability\" must be \"memory\" or \"durable\".");
}

/// Idempotency-Key: a key that repeats a submission without a second job. Without one, a repetition
/// is another job.
std::string unique_of(const Request& request) {
  const std::string& key = request.field("idempotency-key");
  if (key.size() > 255) throw BadRequest("Idempotency-Key may have 255 bytes.");
  return key;
}

SubmitOptions options_in(Fields& fields, const Request& request) {
  SubmitOptions options;
  options.name = fields.text("name").value_or("");
  options.priority =
      static_cast<std::int32_t>(fields.integer("priority", INT32_MIN, INT32_MAX).value_or(0));
  options.weight = fields.number("weight", 1e-6, 1e6).value_or(1);
  options.attempts = static_cast<std::uint32_t>(fields.integer("attempts", 1, 1000).value_or(3));
  options.backoff = ms_of(fields.number("backoff_s", 0, 3600).value_or(0.1));
  options.timeout = ms_of(fields.number("timeout_s", 0, kSecondsMost).value_or(0));
  options.durability = durability_in(fields);
  options.reduce = fields.text("reduce").value_or("");
  options.cost = fields.number("cost", 0, 1e300).value_or(0);
  if (fields.has("common")) options.common = bytes_of(fields.raw("common"), Encoding::raw);
  options.require = map_in<std::string>(fields, "require", "strings",
                                        [](const Json& value) { return value.is_string(); });
  options.resources = map_in<double>(fields, "resources", "numbers",
                                     [](const Json& value) { return value.is_number(); });
  options.idempotent = fields.flag("idempotent").value_or(false);
  options.at_most_once = fields.flag("at_most_once").value_or(false);
  options.ttl = std::chrono::seconds(
      static_cast<std::int64_t>(fields.number("ttl_s", 0, kHundredYears).value_or(0)));
  options.unique = unique_of(request);
  // The session with the broker is the gateway's: the job must not end with it.
  options.detach = true;
  return options;
}

std::string function_in(Fields& fields) {
  const auto function = fields.text("function");
  if (!function || function->empty() || function->size() > 255)
    throw BadRequest("The field \"function\" must name a function, in 1 to 255 bytes.");
  return *function;
}

/// Parameters of a target as a JSON object: numbers, true and false are taken as such.
Json json_of_parameters(const Target& target) {
  Json object = Json::object();
  for (const auto& [name, value] : target.parameters) {
    const bool is_text = name == "function" || name == "name" || name == "reduce" ||
                         name == "durability" || name == "encoding";
    object[name] = is_text ? Json(value) : Json::parse(value, nullptr, false);
    if (object[name].is_discarded()) object[name] = value;
  }
  return object;
}

}  // namespace

Bytes bytes_of(const Json& value, Encoding encoding) {
  if (value.is_object() && value.size() == 1 && value.contains("base64") &&
      value["base64"].is_string()) {
    auto bytes = notation::from_base64(value["base64"].get<std::string>());
    if (!bytes) throw BadRequest("A value of \"base64\" is not base64 (RFC 4648, with padding).");
    return std::move(*bytes);
  }
  if (encoding == Encoding::value) {
    auto bytes = value_from_json(value.dump());
    if (!bytes) throw BadRequest("An input cannot be encoded as a value.");
    return std::move(*bytes);
  }
  return value.is_string() ? value.get<std::string>() : value.dump();
}

Submission submission_of(const Request& request) {
  const Json body = json_of(request.body);
  Fields fields(body);
  Submission submission{function_in(fields), input_in(fields), options_in(fields, request)};
  fields.finish();
  return submission;
}

Submission streamed_submission_of(const Request& request) {
  const Json parameters = json_of_parameters(request.target);
  Fields fields(parameters);
  Submission submission{function_in(fields), Items{{}, encoding_in(fields)},
                        options_in(fields, request)};
  fields.finish();
  return submission;
}

Bytes item_of(std::string_view line, Encoding encoding) {
  return bytes_of(json_of(line), encoding);
}

}  // namespace quern::gateway
