// A JSON object that a client sent, read field by field. Every error names the field and says what
// it should be; fields that nobody reads are errors, too.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/http/message.hpp"
#include "json/json.hpp"

namespace quern::gateway {

using json::Json;

/// What is wrong with a request. what() is empty; the answer says it.
struct BadRequest : std::exception {
  explicit BadRequest(Response why) : answer(std::move(why)) {}
  explicit BadRequest(std::string_view why) : answer(problem(422, "bad_input", why)) {}
  Response answer;
};

/// The body as JSON. Throws BadRequest if it is not JSON, or nested more than 64 levels deep.
Json json_of(std::string_view body);

/// JSON that somebody else has made; nothing if it is none, or nested too deeply for functions that
/// call themselves.
std::optional<Json> shallow_json(std::string_view text);
/// Whether a value is nested so deeply.
bool is_deep(const Json& value);

class Fields {
 public:
  /// Throws BadRequest if `object` is not an object.
  explicit Fields(const Json& object);

  // The names must outlive this object.

  /// Whether the field is there and not null.
  bool has(const char* name);
  /// Whether the field is there; it may be null.
  bool is_given(const char* name);
  /// The field itself; null if it is not given.
  const Json& raw(const char* name);
  std::optional<std::string> text(const char* name);
  std::optional<bool> flag(const char* name);
  std::optional<std::int64_t> integer(const char* name, std::int64_t least, std::int64_t most);
  std::optional<double> number(const char* name, double least, double most);
  /// Throws BadRequest if a field was given that was not asked for by now.
  void finish() const;

 private:
  [[noreturn]] static void fail(const char* name, const std::string& wanted);

  const Json& object_;
  std::vector<std::string_view> asked_;  ///< literals of the caller
};

/// Integers that JavaScript cannot represent exactly become strings.
void make_exact(Json& value);

}  // namespace quern::gateway
