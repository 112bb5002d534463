#include "gateway/api/job_actions.hpp"

#include "gateway/api/jobs.hpp"

namespace quern::gateway {
namespace {

/// "tasks": [begin, end]; empty if it is not given. Throws BadRequest.
std::vector<TaskInterval> tasks_in(Fields& fields) {
  const Json& tasks = fields.raw("tasks");
  if (tasks.is_null()) return {};
  const auto is_index = [](const Json& one) {
    return one.is_number_unsigned() && one.get<std::uint64_t>() <= (1ULL << 62);
  };
  if (!tasks.is_array() || tasks.size() != 2 || !is_index(tasks[0]) || !is_index(tasks[1]) ||
      tasks[0].get<std::uint64_t>() >= tasks[1].get<std::uint64_t>())
    throw BadRequest(
        "The field \"tasks\" must be two indexes, the first one and one past the last one, e.g. "
        "[0, 10].");
  return {{tasks[0].get<std::uint64_t>(), tasks[1].get<std::uint64_t>()}};
}

Response answer_of(const Touched& touched) {
  Json object = job_json(touched.job);
  object["touched"] = touched.tasks;
  return json_answer(object);
}

Response cancel(const Caller& caller, JobNumber number, Fields& fields) {
  CancelQuery query;
  query.tasks = tasks_in(fields);
  query.dry_run = fields.flag("dry_run").value_or(false);
  query.tree = fields.flag("tree").value_or(false);
  if (query.tree && !query.tasks.empty())
    throw BadRequest("\"tree\" cancels whole jobs: it cannot be combined with \"tasks\".");
  fields.finish();
  return answer_of(caller.client->cancel(number, query));
}

Response retry(const Caller& caller, JobNumber number, Fields& fields) {
  RetryQuery query;
  query.tasks = tasks_in(fields);
  query.dry_run = fields.flag("dry_run").value_or(false);
  query.text = fields.text("text").value_or("");
  if (const auto word = fields.text("code")) {
    query.code = error_code(*word);
    if (to_string(query.code) != *word)
      throw BadRequest("The field \"code\" must be a code of an error, e.g. \"timeout\".");
  }
  fields.finish();
  return answer_of(caller.client->retry(number, query));
}

Response pause(const Caller& caller, JobNumber number, Fields& fields) {
  fields.finish();
  return job_answer(caller.client->pause(number));
}

Response close(const Caller& caller, JobNumber number, Fields& fields) {
  fields.finish();
  return job_answer(caller.client->close(number));
}

Response resume(const Caller& caller, JobNumber number, Fields& fields) {
  fields.finish();
  return job_answer(caller.client->resume(number));
}

}  // namespace

void add_job_actions(Routes& routes, Api& api, JobCache& cache) {
  using Act = Response (*)(const Caller&, JobNumber, Fields&);
  const auto handler = [&api, &cache](Act act) {
    return [&api, &cache, act](const std::shared_ptr<Exchange>& asked, const Variables& v) {
      api.ask(asked, [&cache, act, segment = v[0]](const Caller& caller, Exchange& exchange) {
        const JobNumber number = job_number(segment);
        const std::string& body = exchange.request.body;
        const Json object = body.empty() ? Json::object() : json_of(body);
        Fields fields(object);
        Response done = act(caller, number, fields);
        cache.forget(number);
        return done;
      });
    };
  };
  routes.add("POST", "/v1/jobs/{job}/cancel", BodyForm::whole, handler(cancel));
  routes.add("POST", "/v1/jobs/{job}/retry", BodyForm::whole, handler(retry));
  routes.add("POST", "/v1/jobs/{job}/close", BodyForm::whole, handler(close));
  routes.add("POST", "/v1/jobs/{job}/pause", BodyForm::whole, handler(pause));
  routes.add("POST", "/v1/jobs/{job}/resume", BodyForm::whole, handler(resume));
}

}  // namespace quern::gateway
