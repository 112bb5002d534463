#include "gateway/api/submission.hpp"

#include "gateway/api/people_form.hpp"
#include "gateway/api/people_settings.hpp"

#include <chrono>
#include <cstdlib>
#include <utility>
#include <vector>

#include "calendar/moment_in.hpp"
#include "notation/base64.hpp"
#include "quern/value.hpp"

namespace quern::gateway {
namespace {

constexpr std::int64_t kIntegerMost = 1LL << 62;
constexpr double kSecondsMost = 1e9;
constexpr double kHundredYears = 3'155'760'000.0;

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

std::uint64_t positive_in(const Json& object, const char* name) {
  if (!object.contains(name)) return 1;
  const Json& value = object[name];
  if (!value.is_number_integer() || value.get<std::int64_t>() < 1)
    throw BadRequest("The field \"" + std::string(name) + "\" must be an integer above 0.");
  return value.get<std::uint64_t>();
}

/// An edge from an earlier job: {"job": 12, ...}.
JobEdge edge_in(const Json& value, std::initializer_list<std::string_view> known) {
  if (!value.is_object() || !value.contains("job") || !value["job"].is_number_integer() ||
      value["job"].get<std::int64_t>() < 1)
    throw BadRequest("An edge must be an object with the number of a job: {\"job\": 12}.");
  for (const auto& [name, _] : value.items())
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw BadRequest("The field \"" + name + "\" of an edge is unknown.");
  JobEdge edge;
  edge.number = JobNumber{value["job"].get<std::uint64_t>()};
  if (!value.contains("ended")) return edge;
  if (!value["ended"].is_boolean())
    throw BadRequest("The field \"ended\" of an edge must be true or false.");
  edge.ended = value["ended"].get<bool>();
  return edge;
}

ResultsOf results_in(const Json& value) {
  ResultsOf results{edge_in(value, {"job", "pattern", "width", "step", "ended", "join"})};
  const std::string pattern = value.contains("pattern") && value["pattern"].is_string()
                                  ? value["pattern"].get<std::string>()
                              : value.contains("pattern") ? "?"
                                                          : "each";
  if (pattern == "group")
    results.from.pattern = EdgePattern::group;
  else if (pattern == "all")
    results.from.pattern = EdgePattern::all;
  else if (pattern != "each")
    throw BadRequest("The pattern of an edge must be \"each\", \"group\" or \"all\".");
  results.from.width = positive_in(value, "width");
  results.from.step = value.contains("step") ? positive_in(value, "step") : results.from.width;
  if (!value.contains("join")) return results;
  if (value["join"] == "array")
    results.join = Join::array;
  else if (value["join"] != "automatic")
    throw BadRequest("The field \"join\" must be \"automatic\" or \"array\".");
  return results;
}

/// Jobs that have to end first: numbers, or objects with the number and "ended".
std::vector<JobEdge> after_in(Fields& fields) {
  const Json& list = fields.raw("after");
  if (list.is_null()) return {};
  if (!list.is_array()) throw BadRequest("The field \"after\" must be a list of jobs.");
  std::vector<JobEdge> after;
  for (const Json& each : list)
    after.push_back(edge_in(each.is_object() ? each : Json{{"job", each}}, {"job", "ended"}));
  return after;
}

Input input_in(Fields& fields) {
  const Encoding encoding = encoding_in(fields);
  const bool is_open = fields.flag("open").value_or(false);
  const int given = int(fields.has("input")) + int(fields.has("items")) + int(fields.has("range")) +
                    int(is_open) + int(fields.has("from"));
  if (given != 1)
    throw BadRequest(
        "Give exactly one of \"input\" (one input), \"items\" (a list), \"range\" ([begin, end]), "
        "\"open\" (true: items are appended later) and \"from\" (the results of another job).");
  if (fields.has("from")) return results_in(fields.raw("from"));
  if (is_open) return Open{encoding};
  if (fields.has("range")) return range_in(fields.raw("range"));
  if (fields.has("input")) return Whole{bytes_of(fields.raw("input"), encoding), encoding};
  return Items::of(items_in(fields, encoding), encoding);
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

/// The common input; for people, what they are asked.
std::optional<Bytes> common_in(Fields& fields) {
  const bool is_common = fields.has("common");
  if (fields.has("people")) {
    if (is_common) throw BadRequest("Give either \"common\" or \"people\".");
    const PeopleSettings settings = people_settings_in(fields.raw("people"));
    if (!settings.schema.is_null()) check_form(settings.schema);
    return common_of(settings);
  }
  if (!is_common) return std::nullopt;
  return bytes_of(fields.raw("common"), Encoding::raw);
}

/// Files that PUT blobs/{hash} has given to the broker, as `exec` and `filter` use them.
std::vector<std::string> blobs_in(Fields& fields) {
  const Json& list = fields.raw("blobs");
  if (list.is_null()) return {};
  std::vector<std::string> names;
  const bool fits = list.is_array() && std::all_of(list.begin(), list.end(),
                                                   [](const Json& one) { return one.is_string(); });
  if (!fits) throw BadRequest("The field \"blobs\" must be a list of hashes.");
  for (const Json& one : list) names.push_back(one.get<std::string>());
  return names;
}

/// Idempotency-Key: a key that repeats a submission without a second job. Without one, a repetition
/// is another job.
std::string unique_of(const Request& request) {
  const std::string& key = request.field("idempotency-key");
  if (key.size() > 255) throw BadRequest("Idempotency-Key may have 255 bytes.");
  return key;
}

/// Whether it has a date, a time and a distance from UTC, as RFC 3339 asks for.
bool has_zone(const std::string& text) {
  return text.size() > 16 &&
         (text.back() == 'Z' || text.back() == 'z' || text.find_last_of("+-") > 10);
}

void set_start(SubmitOptions& options, Fields& fields) {
  options.start_in = ms_of(fields.number("start_in_s", 0, kSecondsMost).value_or(0));
  const auto text = fields.text("start_at");
  if (!text) return;
  if (options.start_in.count() != 0)
    throw BadRequest("Give either \"start_at\" or \"start_in_s\".");
  const auto utc = calendar::find_zone("UTC");
  const auto time = !has_zone(*text) ? std::nullopt : calendar::moment_in(*text, 0, *utc);
  if (!time)
    throw BadRequest(
        "The field \"start_at\" must be a time as in RFC 3339, such as \"2026-12-24T17:30:00Z\".");
  if (*time < 0 || *time > calendar::kLatest)
    throw BadRequest("The field \"start_at\" must be between the years 1970 and 2200.");
  options.start_at = std::chrono::system_clock::time_point(std::chrono::seconds(*time));
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
  options.common = common_in(fields);
  options.require = map_in<std::string>(fields, "require", "strings",
                                        [](const Json& value) { return value.is_string(); });
  options.resources = map_in<double>(fields, "resources", "numbers",
                                     [](const Json& value) { return value.is_number(); });
  options.idempotent = fields.flag("idempotent").value_or(false);
  options.at_most_once = fields.flag("at_most_once").value_or(false);
  options.ttl = std::chrono::seconds(
      static_cast<std::int64_t>(fields.number("ttl_s", 0, kHundredYears).value_or(0)));
  options.after = after_in(fields);
  options.intermediate = fields.flag("intermediate").value_or(false);
  options.nested = fields.flag("nested").value_or(false);
  options.deadline = ms_of(fields.number("deadline_s", 0, kSecondsMost).value_or(0));
  options.metadata = map_in<std::string>(fields, "metadata", "strings",
                                         [](const Json& value) { return value.is_string(); });
  options.blobs = blobs_in(fields);
  set_start(options, fields);
  options.unique = unique_of(request);
  // The session with the broker is the gateway's: the job must not end with it.
  options.detach = true;
  options.follow = false;
  return options;
}

std::string function_in(Fields& fields) {
  const auto function = fields.text("function");
  if (!function || function->empty() || function->size() > 255)
    throw BadRequest("The field \"function\" must name a function, in 1 to 255 bytes.");
  return *function;
}

}  // namespace

Encoding encoding_in(Fields& fields) {
  const std::string word = fields.text("encoding").value_or("raw");
  if (word != "raw" && word != "value")
    throw BadRequest("The field \"encoding\" must be \"raw\" or \"value\".");
  return word == "raw" ? Encoding::raw : Encoding::value;
}

Json json_of_parameters(const Target& target) {
  Json object = Json::object();
  for (const auto& [name, value] : target.parameters) {
    const bool is_text = name == "function" || name == "name" || name == "reduce" ||
                         name == "durability" || name == "encoding" || name == "start_at";
    object[name] = is_text ? Json(value) : Json::parse(value, nullptr, false);
    if (object[name].is_discarded()) object[name] = value;
  }
  return object;
}

std::vector<Bytes> items_in(Fields& fields, Encoding encoding) {
  const Json& items = fields.raw("items");
  if (!items.is_array()) throw BadRequest("The field \"items\" must be a list.");
  std::vector<Bytes> list;
  list.reserve(items.size());
  for (const Json& item : items) list.push_back(bytes_of(item, encoding));
  return list;
}

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
  return submission_in(json_of(request.body), request);
}

Submission submission_in(const Json& job, const Request& request) {
  Fields fields(job);
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
