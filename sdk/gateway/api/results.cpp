#include "gateway/api/results.hpp"

#include <algorithm>

#include "gateway/api/held_job.hpp"

namespace quern::gateway {
namespace {

constexpr std::int64_t kIndexMost = 1LL << 62;
constexpr std::size_t kDigitsExact = 15;  ///< decimal digits that JavaScript always keeps

/// Whether a text of JSON may have an integer that JavaScript would round.
bool may_be_inexact(std::string_view text) {
  std::size_t digits = 0;
  for (const char c : text) {
    digits = c >= '0' && c <= '9' ? digits + 1 : 0;
    if (digits > kDigitsExact) return true;
  }
  return false;
}

std::string line_of(const TaskResult& result, Encoding encoding) {
  std::string line = "{\"index\":" + std::to_string(result.index);
  if (result.ok || !result.bytes.empty()) {
    line += result.ok ? ",\"result\":" : ",\"output\":";
    append_exact(line, result.bytes, encoding);
  }
  if (!result.ok)
    line += ",\"code\":\"" + std::string(to_string(result.code)) + "\",\"error\":" +
            Json(result.text).dump(-1, ' ', false, Json::error_handler_t::replace);
  return line + "}\n";
}

struct Wanted {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  bool in_order = false;
  bool failed = false;  ///< only errors
};

Wanted wanted_of(const Target& target) {
  Wanted wanted;
  wanted.from = static_cast<std::uint64_t>(integer_parameter(target, "from", 0, 0, kIndexMost));
  wanted.to =
      static_cast<std::uint64_t>(integer_parameter(target, "to", kIndexMost, 0, kIndexMost));
  const std::string order = target.parameter("order").value_or("input");
  if (order != "input" && order != "completion")
    throw BadRequest("The parameter \"order\" must be \"input\" or \"completion\".");
  wanted.in_order = order == "input";
  const std::string failed = target.parameter("failed").value_or("false");
  if (failed != "true" && failed != "false")
    throw BadRequest("The parameter \"failed\" must be \"true\" or \"false\".");
  wanted.failed = failed == "true";
  return wanted;
}

/// Sends the results as they come. The answer is cut if the job cannot be read to its end, so that
/// nobody takes a part for the whole.
void send_results(Api& api, const Caller& caller, const std::shared_ptr<Exchange>& exchange,
                  JobNumber number) {
  const Wanted wanted = wanted_of(exchange->request.target);
  caller.client->job(number);  // answers with an error while it still can
  const auto reader = api.sessions().reader_for(caller);
  const Job job = reader->client().attach(number);
  // A thread that waits for results of a job that waits must not wait for a client that has left.
  const auto held = std::make_shared<HeldJob>(job);
  const Released released(*held);
  exchange->on_outcome([held](bool) { held->leave(); });
  Response head;
  head.type = "application/x-ndjson";
  head.with("X-Accel-Buffering", "no");
  exchange->begin(std::move(head));
  while (const auto result = wanted.in_order ? job.next() : job.next_completed()) {
    if (result->index < wanted.from || result->index >= wanted.to) continue;
    if (wanted.failed && result->ok) continue;
    if (!exchange->write(line_of(*result, job.encoding()))) return;
  }
  const Outcome outcome = job.wait();
  if (job.reduced() && outcome.finished() && !wanted.failed) {
    std::string line = "{\"result\":";
    const auto value = outcome.ok() ? job.get_optional() : std::nullopt;
    if (value)
      append_exact(line, *value, job.encoding());
    else
      line += "null";
    exchange->write(line + "}\n");
  }
  const Json end = {{"state", to_string(outcome.state)},
                    {"done", outcome.done},
                    {"failed", outcome.failed},
                    {"reason", outcome.text}};
  exchange->write(json::line_of({{"end", end}}));
  exchange->end(outcome.finished());
}

}  // namespace

void append_exact(std::string& line, BytesView bytes, Encoding encoding) {
  std::string text;
  json::append_result(text, bytes, encoding);
  if (may_be_inexact(text)) {
    if (auto parsed = shallow_json(text)) {
      make_exact(*parsed);
      text = parsed->dump(-1, ' ', false, Json::error_handler_t::replace);
    }
  }
  line += text;
}

void add_result_routes(Routes& routes, Api& api) {
  routes.add("GET", "/v1/jobs/{job}/results", BodyForm::none,
             [&api](const std::shared_ptr<Exchange>& asked, const Variables& v) {
               api.stream(asked, [&api, segment = v[0]](const Caller& caller,
                                                        const std::shared_ptr<Exchange>& exchange) {
                 send_results(api, caller, exchange, job_number(segment));
               });
             });
}

}  // namespace quern::gateway
