#include "gateway/api/jobs.hpp"

#include <cstdio>
#include <utility>

#include "gateway/api/body_lines.hpp"
#include "gateway/api/submit.hpp"
#include "gateway/api/watch.hpp"

namespace quern::gateway {
namespace {

constexpr std::int64_t kPage = 100, kPageMost = 1000;
constexpr std::int64_t kWaitMost = 60;

/// The lines of the body as items. An error of theirs ends the job and is kept for the answer.
Items items_in(const std::shared_ptr<Exchange>& exchange, Encoding encoding) {
  auto lines = std::make_shared<BodyLines>(exchange);
  auto count = std::make_shared<std::uint64_t>(0);
  return {[lines, count, encoding](Bytes& item) {
            std::string line;
            if (!lines->next(line)) return false;
            ++*count;
            try {
              item = item_of(line, encoding);
            } catch (const BadRequest& bad) {
              throw BadRequest(problem(
                  422, "bad_input",
                  "Line " + std::to_string(*count) + " of the body is not one JSON value."));
            }
            return true;
          },
          encoding, Items::Source::may_block, nullptr};
}

/// Larger bodies are not parsed on the I/O thread.
constexpr std::size_t kParsedAtOnce = 16u << 10;

void post_lines(Api& api, const std::shared_ptr<Exchange>& exchange) {
  api.upload(exchange, [&api](const Caller& caller, const std::shared_ptr<Exchange>& asked) {
    Submission submission = streamed_submission_of(asked->request);
    submission.input = items_in(asked, std::get<Items>(submission.input).encoding);
    submit_stream(api, caller, std::move(submission), asked);
  });
}

void post_jobs(Api& api, const std::shared_ptr<Exchange>& exchange) {
  const Request& request = exchange->request;
  const std::string type = request.media_type();
  if (is_lines(type)) return post_lines(api, exchange);
  if (type != "application/json" && !type.empty())
    return exchange->respond(problem(415, "bad_input",
                                     "Send a job as application/json, or its items as "
                                     "application/x-ndjson."));
  if (!request.target.parameters.empty())
    return exchange->respond(
        problem(400, "bad_input",
                "Unknown parameter \"" + request.target.parameters[0].first +
                    "\": options are in the URL only if the body is application/x-ndjson."));
  const auto work = [&api](const Caller& caller, const std::shared_ptr<Exchange>& asked) {
    submit(api, caller, submission_of(asked->request), asked);
  };
  // A session of its own, which an idempotency key needs, may have to be made first.
  const bool is_quick =
      request.body.size() <= kParsedAtOnce && request.field("idempotency-key").empty();
  if (is_quick)
    api.here(exchange, work);
  else
    api.call(exchange, work);
}

/// "waiting,running" as states. Throws BadRequest.
std::vector<JobState> states_in(const std::string& list) {
  std::vector<JobState> states;
  for (std::size_t begin = 0; begin < list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    const std::string word = list.substr(begin, end - begin);
    auto state = JobState::waiting;
    while (state != JobState::unknown && to_string(state) != word)
      state = static_cast<JobState>(static_cast<int>(state) + 1);
    if (state == JobState::unknown)
      throw BadRequest(
          "The parameter \"state\" may name waiting, running, done, failed, cancelled and lost, "
          "separated by commas.");
    states.push_back(state);
    begin = end + 1;
  }
  return states;
}

Response list(const Caller& caller, const Exchange& exchange) {
  const Target& target = exchange.request.target;
  JobQuery query;
  query.limit = static_cast<std::size_t>(integer_parameter(target, "limit", kPage, 1, kPageMost));
  query.before =
      JobNumber{static_cast<std::uint64_t>(integer_parameter(target, "after", 0, 0, INT64_MAX))};
  query.states = states_in(target.parameter("state").value_or(""));
  query.function = target.parameter("function").value_or("");
  query.owner = target.parameter("owner").value_or("");
  query.name = target.parameter("name").value_or("");
  query.text = target.parameter("q").value_or("");
  const JobPage page = caller.client->jobs(query);
  Json jobs = Json::array();
  for (const auto& status : page.jobs) jobs.push_back(job_json(status));
  const Json next = page.before == JobNumber{} ? Json() : Json(value(page.before));
  return json_answer({{"jobs", std::move(jobs)}, {"next", next}});
}

void get_job(Api& api, JobCache& cache, const std::shared_ptr<Exchange>& exchange,
             const std::string& segment) {
  const JobNumber number = job_number(segment);
  const Target& target = exchange->request.target;
  const auto wait = integer_parameter(target, "wait", 0, 0, kWaitMost);
  if (wait == 0) {
    auto caller = api.sessions().caller_of(exchange->request);
    if (const auto* refused = std::get_if<Response>(&caller)) return exchange->respond(*refused);
    return cache.answer(exchange, std::get<Caller>(caller), number);
  }
  api.call(exchange,
           [&api, number, wait](const Caller& caller, const std::shared_ptr<Exchange>& asked) {
             const auto version = asked->request.target.parameter("version");
             // Without a version, the end of the job is waited for.
             const auto is_due = [version](const JobStatus& now) {
               return version ? *version != version_of(now) : is_final(now.state);
             };
             const JobStatus status = caller.client->job(number);
             const auto answer = [](const JobStatus& now, const Request& request) {
               return if_changed(job_answer(now), request);
             };
             if (is_due(status)) return asked->respond(answer(status, asked->request));
             watch_job(api, caller, asked, number, static_cast<double>(wait), is_due, answer);
           });
}

Response explain(const Caller& caller, const std::string& segment) {
  Json sentences = Json::array();
  for (const auto& sentence : caller.client->explain(job_number(segment)))
    sentences.push_back(sentence);
  return json_answer({{"explain", std::move(sentences)}});
}

/// Errors by code and text, the most frequent first.
Response errors(const Caller& caller, const std::string& segment) {
  const JobNumber number = job_number(segment);
  const ErrorGroups found = caller.client->errors(number);
  Json groups = Json::array();
  for (const auto& group : found.groups) groups.push_back(json::to_json(group));
  return json_answer({{"job", value(number)},
                      {"groups", std::move(groups)},
                      {"more", found.more},
                      {"tasks", found.tasks}});
}

/// What the tasks say about themselves: lines, then how far the running ones are.
Response notes(const Caller& caller, const std::string& segment) {
  const JobNumber number = job_number(segment);
  Json list = Json::array();
  for (const auto& note : caller.client->notes(number)) list.push_back(json::to_json(note));
  return json_answer({{"job", value(number)}, {"notes", std::move(list)}});
}

Response timeline(const Caller& caller, const std::string& segment) {
  const JobStatus status = caller.client->timeline(job_number(segment));
  Json spans = Json::array();
  for (const auto& span : status.spans)
    spans.push_back({{"worker", span.worker},
                     {"lane", span.lane},
                     {"begin_s", static_cast<double>(span.begin_us) / 1e6},
                     {"end_s", static_cast<double>(span.end_us) / 1e6},
                     {"first", span.first},
                     {"tasks", span.tasks},
                     {"outcome", span.outcome}});
  return json_answer({{"job", value(status.number)}, {"spans", std::move(spans)}});
}

}  // namespace

std::string version_of(const JobStatus& status) {
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  const auto add = [&](std::uint64_t number) {
    for (int i = 0; i < 8; ++i) {
      hash ^= (number >> (8 * i)) & 0xff;
      hash *= 1099511628211ULL;
    }
  };
  for (const std::uint64_t number :
       {static_cast<std::uint64_t>(status.state), std::uint64_t{status.open}, status.total,
        status.pending, status.leased, status.done, status.failed, status.cancelled, status.retried,
        std::uint64_t{status.detached}, std::uint64_t{status.paused}})
    add(number);
  for (const char c : status.reason) add(static_cast<unsigned char>(c));
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

Response job_answer(const JobStatus& status) {
  return json_answer(job_json(status)).with("ETag", "\"" + version_of(status) + "\"");
}

Json job_json(const JobStatus& status) {
  Json object = json::to_json(status);
  object["version"] = version_of(status);
  return object;
}

void add_job_routes(Routes& routes, Api& api, JobCache& cache) {
  using Asked = std::shared_ptr<Exchange>;
  routes.add("POST", "/v1/jobs", BodyForm::lines,
             [&api](const Asked& asked, const Variables&) { post_jobs(api, asked); });
  routes.add("GET", "/v1/jobs", BodyForm::none, [&api](const Asked& asked, const Variables&) {
    api.ask(asked, [](const Caller& caller, Exchange& exchange) { return list(caller, exchange); });
  });
  routes.add("GET", "/v1/jobs/{job}", BodyForm::none,
             [&api, &cache](const Asked& asked, const Variables& v) {
               const Response error = guarded([&]() -> Response {
                 get_job(api, cache, asked, v[0]);
                 return {0, "", "", {}};
               });
               if (error.status != 0) asked->respond(error);
             });
  const auto add = [&](const char* method, const char* path,
                       Response (*answer)(const Caller&, const std::string&)) {
    routes.add(method, path, BodyForm::none,
               [&api, answer](const Asked& asked, const Variables& v) {
                 api.ask(asked, [answer, job = v[0]](const Caller& caller, Exchange&) {
                   return answer(caller, job);
                 });
               });
  };
  add("GET", "/v1/jobs/{job}/explain", explain);
  add("GET", "/v1/jobs/{job}/timeline", timeline);
  add("GET", "/v1/jobs/{job}/errors", errors);
  add("GET", "/v1/jobs/{job}/notes", notes);
}

}  // namespace quern::gateway
