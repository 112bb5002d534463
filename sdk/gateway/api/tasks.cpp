#include "gateway/api/tasks.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "gateway/api/held_job.hpp"
#include "gateway/api/results.hpp"
#include "quern/command.hpp"

namespace quern::gateway {
namespace {

constexpr std::int64_t kIndexOfTaskMost = (std::int64_t{1} << 62) - 1;
constexpr std::int64_t kIntervalsMost = 1000;
// Pages that are examined for one answer, if only tasks of one state are wanted.
constexpr int kPagesMost = 100;
// A longer result is downloaded with the others.
constexpr std::size_t kShownMost = 64u << 10;

std::uint64_t task_index(const std::string& segment) {
  std::uint64_t index = 0;
  const char* const end = segment.data() + segment.size();
  const auto [rest, error] = std::from_chars(segment.data(), end, index);
  if (error != std::errc{} || rest != end || index > static_cast<std::uint64_t>(kIndexOfTaskMost))
    throw BadRequest(problem(404, "unknown_job", "A task is named by its index, from 0."));
  return index;
}

std::optional<TaskState> state_in(const Target& target) {
  const auto word = target.parameter("state");
  if (!word || word->empty()) return std::nullopt;
  for (int i = 0; i <= static_cast<int>(TaskState::blocked); ++i)
    if (const auto state = static_cast<TaskState>(i);
        state != TaskState::unknown && to_string(state) == *word)
      return state;
  throw BadRequest(
      "The parameter \"state\" must be waiting, retrying, leased, unsure, done, failed, cancelled, "
      "ended or blocked.");
}

Response list(const Caller& caller, const Target& target, JobNumber number) {
  const auto state = state_in(target);
  const auto limit = static_cast<std::size_t>(
      integer_parameter(target, "limit", kIntervalsMost, 1, kIntervalsMost));
  auto from =
      static_cast<std::uint64_t>(integer_parameter(target, "after", 0, 0, kIndexOfTaskMost));
  Json intervals = Json::array();
  for (int page = 0; page < kPagesMost && intervals.size() < limit; ++page) {
    const TaskPage found = caller.client->tasks(number, from, limit - intervals.size());
    for (const TaskSpan& span : found.spans)
      if (!state || span.state == *state) intervals.push_back(json::to_json(span));
    from = found.next;
    if (from == 0 || !state) break;
  }
  return json_answer({{"job", value(number)},
                      {"intervals", std::move(intervals)},
                      {"next", from == 0 ? Json() : Json(from)}});
}

/// The state of one task. Throws BadRequest if the job does not have it.
TaskSpan span_of(const Caller& caller, JobNumber number, std::uint64_t index) {
  const TaskPage page = caller.client->tasks(number, index, 1);
  if (page.spans.empty())
    throw BadRequest(problem(
        404, "unknown_job",
        "Job " + std::to_string(value(number)) + " has no task " + std::to_string(index) + '.'));
  return page.spans.front();
}

/// The result of a task that has ended. Results come in the order of completion, so it may be read
/// at the end of all. Nothing if the broker has deleted it.
std::optional<TaskResult> result_of(Api& api, const Caller& caller,
                                    const std::shared_ptr<Exchange>& exchange, JobNumber number,
                                    std::uint64_t index, Encoding& encoding) {
  const auto reader = api.sessions().reader_for(caller);
  const Job job = reader->client().attach(number);
  const auto held = std::make_shared<HeldJob>(job);
  const Released released(*held);
  exchange->on_outcome([held](bool) { held->leave(); });
  try {
    while (auto result = job.next_completed()) {
      if (result->index != index) continue;
      encoding = job.encoding();
      return result;
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::lost) throw;
  }
  return std::nullopt;
}

bool has_result(TaskState state) { return state == TaskState::done || state == TaskState::failed; }

/// Leases that had the task, as far as the broker remembers them.
Json attempts_of(const Caller& caller, JobNumber number, std::uint64_t index) {
  Json attempts = Json::array();
  for (const LeaseSpan& span : caller.client->timeline(number).spans)
    if (span.first <= index && index < span.first + std::max<std::uint64_t>(span.tasks, 1))
      attempts.push_back({{"worker", span.worker},
                          {"began_s", static_cast<double>(span.begin_us) / 1e6},
                          {"seconds", static_cast<double>(span.end_us - span.begin_us) / 1e6},
                          {"tasks", span.tasks},
                          {"outcome", span.outcome}});
  return attempts;
}

void show(Api& api, const Caller& caller, const std::shared_ptr<Exchange>& exchange,
          JobNumber number, std::uint64_t index) {
  const TaskSpan span = span_of(caller, number, index);
  Json object = {{"job", value(number)},
                 {"task", index},
                 {"state", to_string(span.state)},
                 {"attempts", attempts_of(caller, number, index)}};
  if (!span.worker.empty()) {
    object["worker"] = span.worker;
    object["attempt"] = span.attempt;
  }
  Encoding encoding = Encoding::raw;
  const auto result = has_result(span.state)
                          ? result_of(api, caller, exchange, number, index, encoding)
                          : std::nullopt;
  if (result && !result->ok)
    object["error"] = {{"code", to_string(result->code)}, {"text", result->text}};
  if (result && result->bytes.size() > kShownMost) object["result_bytes"] = result->bytes.size();
  if (result && result->bytes.size() <= kShownMost && (result->ok || !result->bytes.empty())) {
    std::string text;
    append_exact(text, result->bytes, encoding);
    // A value that is nested too deeply is shown as its text.
    object[result->ok ? "result" : "output"] = shallow_json(text).value_or(Json(text));
  }
  exchange->respond(json_answer(object));
}

void show_log(Api& api, const Caller& caller, const std::shared_ptr<Exchange>& exchange,
              JobNumber number, std::uint64_t index) {
  const std::string stream = exchange->request.target.parameter("stream").value_or("both");
  if (stream != "both" && stream != "stdout" && stream != "stderr")
    throw BadRequest("The parameter \"stream\" must be stdout, stderr or both.");
  const TaskSpan span = span_of(caller, number, index);
  Encoding encoding = Encoding::raw;
  const auto result = has_result(span.state)
                          ? result_of(api, caller, exchange, number, index, encoding)
                          : std::nullopt;
  std::optional<CommandResult> command;
  try {
    if (result && !result->bytes.empty()) command = command_result(result->bytes);
  } catch (const std::invalid_argument&) {
    // the result of a function
  }
  if (!command)
    throw BadRequest(problem(404, "unknown_job",
                             "Task " + std::to_string(index) + " of job " +
                                 std::to_string(value(number)) +
                                 " has no log: only commands that have ended have one."));
  Response answer;
  answer.type = "text/plain; charset=utf-8";
  if (stream != "stderr") answer.body += command->out;
  if (stream != "stdout") answer.body += command->err;
  answer.with("Quern-Exit-Code", std::to_string(command->code));
  exchange->respond(std::move(answer));
}

using Show = void (*)(Api&, const Caller&, const std::shared_ptr<Exchange>&, JobNumber,
                      std::uint64_t);

Handler shown_by(Api& api, Show what) {
  return [&api, what](const std::shared_ptr<Exchange>& asked, const Variables& v) {
    api.stream(asked,
               [&api, what, v](const Caller& caller, const std::shared_ptr<Exchange>& exchange) {
                 what(api, caller, exchange, job_number(v[0]), task_index(v[1]));
               });
  };
}

}  // namespace

void add_task_routes(Routes& routes, Api& api) {
  routes.add("GET", "/v1/jobs/{job}/tasks", BodyForm::none,
             [&api](const std::shared_ptr<Exchange>& asked, const Variables& v) {
               api.ask(asked, [segment = v[0]](const Caller& caller, Exchange& exchange) {
                 return list(caller, exchange.request.target, job_number(segment));
               });
             });
  routes.add("GET", "/v1/jobs/{job}/tasks/{task}", BodyForm::none, shown_by(api, show));
  routes.add("GET", "/v1/jobs/{job}/logs/{task}", BodyForm::none, shown_by(api, show_log));
}

}  // namespace quern::gateway
