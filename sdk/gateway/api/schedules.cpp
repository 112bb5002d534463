#include "gateway/api/schedules.hpp"

#include <initializer_list>

#include "gateway/api/submission.hpp"
#include "gateway/api/submit.hpp"
#include "quern/schedules.hpp"

namespace quern::gateway {
namespace {

template <typename Enum>
Enum word_in(Fields& fields, const char* name, std::initializer_list<Enum> all) {
  const auto given = fields.text(name);
  if (!given) return *all.begin();
  std::string words;
  for (const Enum each : all) {
    if (*given == to_string(each)) return each;
    words += (words.empty() ? "\"" : " or \"") + std::string(to_string(each)) + '"';
  }
  throw BadRequest("The field \"" + std::string(name) + "\" must be " + words + ".");
}

Response schedule_answer(const ScheduleStatus& schedule) {
  return json_answer(json::to_json(schedule));
}

std::string owner_in(const Exchange& exchange) {
  return exchange.request.target.parameter("owner").value_or("");
}

/// The body is empty, or an object without fields.
void check_no_fields(const Exchange& exchange) {
  if (exchange.request.body.empty()) return;
  const Json body = json_of(exchange.request.body);
  Fields(body).finish();
}

Response list_schedules(const Caller& caller, const Exchange& exchange) {
  Json array = Json::array();
  const auto pattern = exchange.request.target.parameter("name").value_or("");
  for (const auto& schedule : caller.client->schedules().list(pattern, owner_in(exchange)))
    array.push_back(json::to_json(schedule));
  return json_answer({{"schedules", std::move(array)}});
}

/// If-None-Match: * only adds; otherwise a schedule of this name is replaced.
Response put(const Caller& caller, const std::string& name, const Exchange& exchange) {
  const Request& request = exchange.request;
  const Json body = json_of(request.body);
  Fields fields(body);
  ScheduleOptions options;
  options.cron = fields.text("cron").value_or("");
  if (options.cron.empty())
    throw BadRequest(
        "The field \"cron\" must have five fields: minute, hour, day of the month, month, day of "
        "the week; for example \"30 2 * * *\".");
  options.zone = fields.text("zone").value_or("UTC");
  options.missed = word_in(fields, "missed", {Missed::run_once, Missed::skip});
  options.overlap = word_in(fields, "overlap", {Overlap::skip, Overlap::queue});
  options.replace = request.field("if-none-match") != "*";
  if (!fields.has("job"))
    throw BadRequest("The field \"job\" must be the job, as in the body of POST jobs.");
  Submission job = submission_in(fields.raw("job"), request);
  fields.finish();
  check_exec(caller, job.function);
  try {
    return schedule_answer(caller.client->schedules().add(
        name, options, std::move(job.function), std::move(job.input), std::move(job.options)));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::conflict) throw;
    return problem(412, "conflict",
                   "There is a schedule of this name: without If-None-Match, it is replaced.");
  }
}

}  // namespace

void add_schedule_routes(Routes& routes, Api& api) {
  using Act = Response (*)(const Caller&, const std::string& name, const Exchange&);
  const auto add = [&](const char* method, const char* path, BodyForm body, Act act) {
    routes.add(method, path, body,
               [&api, act](const std::shared_ptr<Exchange>& asked, const Variables& variables) {
                 const std::string name = variables.empty() ? "" : variables[0];
                 api.ask(asked, [act, name](const Caller& caller, Exchange& exchange) {
                   return act(caller, name, exchange);
                 });
               });
  };
  add("GET", "/v1/schedules", BodyForm::none,
      [](const Caller& caller, const std::string&, const Exchange& exchange) {
        return list_schedules(caller, exchange);
      });
  add("GET", "/v1/schedules/{name}", BodyForm::none,
      [](const Caller& caller, const std::string& name, const Exchange& exchange) {
        return schedule_answer(caller.client->schedules().get(name, owner_in(exchange)));
      });
  add("PUT", "/v1/schedules/{name}", BodyForm::whole, put);
  add("DELETE", "/v1/schedules/{name}", BodyForm::none,
      [](const Caller& caller, const std::string& name, const Exchange& exchange) {
        return schedule_answer(caller.client->schedules().remove(name, owner_in(exchange)));
      });
  add("POST", "/v1/schedules/{name}/pause", BodyForm::whole,
      [](const Caller& caller, const std::string& name, const Exchange& exchange) {
        check_no_fields(exchange);
        return schedule_answer(caller.client->schedules().pause(name, owner_in(exchange)));
      });
  add("POST", "/v1/schedules/{name}/resume", BodyForm::whole,
      [](const Caller& caller, const std::string& name, const Exchange& exchange) {
        check_no_fields(exchange);
        return schedule_answer(caller.client->schedules().resume(name, owner_in(exchange)));
      });
}

}  // namespace quern::gateway
