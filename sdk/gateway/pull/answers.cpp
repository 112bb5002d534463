#include "gateway/pull/answers.hpp"

#include <charconv>

#include "gateway/api/fields.hpp"
#include "json/json.hpp"

namespace quern::gateway::pull {
namespace {

constexpr std::int64_t kExactMost = 1LL << 53;  ///< of the integers that JavaScript keeps

template <typename Number>
std::optional<Number> number_in(std::string_view text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || rest != end || text.empty()) return std::nullopt;
  return number;
}

void append_integer(std::string& out, std::int64_t number) {
  const bool is_exact = number <= kExactMost && number >= -kExactMost;
  if (!is_exact) out += '"';
  out += std::to_string(number);
  if (!is_exact) out += '"';
}

double seconds_of(Duration time) { return std::chrono::duration<double>(time).count(); }

/// 30 rather than 30.0.
std::string seconds_text(Duration time) { return json::Json(seconds_of(time)).dump(); }

std::string json_text(std::string_view text) {
  return json::Json(text).dump(-1, ' ', false, json::Json::error_handler_t::replace);
}

}  // namespace

std::optional<TokenText> token_of(std::string_view text) {
  TokenText token;
  const std::size_t first = text.find('.');
  if (first == text.npos) return std::nullopt;
  const std::size_t second = text.find('.', first + 1);
  const auto worker = number_in<std::uint64_t>(text.substr(0, first));
  token.named.batch = text.substr(first + 1, second == text.npos ? second : second - first - 1);
  if (!worker || token.named.batch.empty()) return std::nullopt;
  token.worker = *worker;
  if (second == text.npos) return token;
  token.named.place = number_in<std::size_t>(text.substr(second + 1));
  if (!token.named.place) return std::nullopt;
  return token;
}

// Written by hand: this is what a fast client asks for thousands of times a second.
Response leases_answer(const Granted& granted, std::uint64_t worker, bool uuids) {
  Response response;
  std::string& out = response.body;
  if (granted.portions.empty()) {
    out = "{\"leases\":[]}\n";
    return response;
  }
  const std::string token = std::to_string(worker) + "." + granted.token;
  const std::string lock = seconds_text(granted.lock);
  out = "{\"batch\":\"" + token + "\",\"lock_s\":" + lock + ",\"leases\":[";
  bool is_first = true;
  for (const Portion& portion : granted.portions) {
    // Everything behind the task's number that is the same for all of them.
    std::string same =
        ",\"function\":" + json_text(portion.function) +
        ",\"attempt\":" + std::to_string(portion.attempt) + ",\"lock_s\":" + lock +
        ",\"encoding\":" + (portion.encoding == Encoding::raw ? "\"raw\"" : "\"value\"");
    if (uuids) same += ",\"uuid\":\"" + portion.uuid.text() + '"';
    if (portion.common) {
      same += ",\"common\":";
      json::append_result(same, portion.common->view(), Encoding::raw);
    }
    same += ",\"input\":";
    wire::BatchReader reader(portion.batch);
    for (std::uint64_t task = portion.tasks.begin; task < portion.tasks.end; ++task) {
      if (!std::exchange(is_first, false)) out += ',';
      out += "{\"token\":\"" + token + '.' +
             std::to_string(portion.place + task - portion.tasks.begin) + "\",\"job\":";
      append_integer(out, static_cast<std::int64_t>(value(portion.job)));
      out += ",\"task\":";
      append_integer(out, static_cast<std::int64_t>(task));
      out += same;
      if (portion.indexed)
        append_integer(out, portion.base + static_cast<std::int64_t>(task));
      else
        json::append_result(out, reader.next(), portion.encoding);
      out += '}';
    }
  }
  out += "]}\n";
  return response;
}

Response counted_answer(const Counted& counted) {
  Response response;
  response.body = "{\"counted\":" + std::to_string(counted.counted) +
                  ",\"not_counted\":" + std::to_string(counted.not_counted) + "}\n";
  return response;
}

Response extended_answer(const Extended& extended) {
  Response response;
  response.body = "{\"lock_s\":" + seconds_text(extended.lock) +
                  ",\"cancelled\":" + (extended.nothing_left ? "true" : "false") +
                  ",\"cancelled_places\":[";
  for (std::size_t i = 0; i < extended.cancelled.size(); ++i)
    response.body += (i ? "," : "") + std::to_string(extended.cancelled[i]);
  response.body += "]}\n";
  return response;
}

Response rejected_answer(const Rejected& rejected) {
  std::string text = rejected.text;
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 32);
  if (!text.ends_with('.')) text += '.';
  switch (rejected.why) {
    case Rejected::Why::over:
      return problem(409, "expired", text);
    case Rejected::Why::mismatch:
      return problem(422, "bad_input", text);
    case Rejected::Why::denied:
      return problem(403, "denied", text);
    case Rejected::Why::unavailable:
      break;
  }
  return problem(503, "no_broker", text).with("Retry-After", "2");
}

Response left() {
  return problem(503, "no_broker", "The session with the broker has just ended: ask again.")
      .with("Retry-After", "1");
}

}  // namespace quern::gateway::pull
