#include "gateway/leases/routes.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "gateway/api/submission.hpp"
#include "gateway/pull/answers.hpp"
#include "keys/sodium.hpp"
#include "notation/base64.hpp"
#include "wire/glob.hpp"
#include "wire/text.hpp"

namespace quern::gateway {
namespace {

using namespace pull;

constexpr double kLockUsual_s = 30, kLockLeast_s = 0.1, kLockMost_s = 7 * 24 * 3600,
                 kWaitMost_s = 60;
constexpr double kProgramsLockMost_s = 12 * 3600;
// The broker's answer takes a moment, also for a client that does not want to wait.
constexpr double kWaitLeast_s = 0.25;
constexpr std::size_t kFunctionsMost = 100;
constexpr std::size_t kNameMost = 255;
constexpr std::size_t kTokenBytes = 16;
// Larger bodies are not parsed on the I/O thread.
constexpr std::size_t kParsedAtOnce = 64u << 10;

Duration duration_of(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

std::vector<std::string> functions_in(Fields& fields) {
  const Json& given = fields.raw("functions");
  std::vector<std::string> names;
  const bool is_list = given.is_array() && !given.empty() && given.size() <= kFunctionsMost;
  for (const Json& name : is_list ? given : Json::array())
    if (name.is_string()) names.push_back(name.get<std::string>());
  const bool fit = std::all_of(names.begin(), names.end(), [](const std::string& name) {
    return !name.empty() && name.size() <= kNameMost;
  });
  if (!is_list || !fit || names.size() != given.size())
    throw BadRequest(
        "The field \"functions\" must be a list of 1 to 100 names of functions, of 1 to 255 bytes "
        "each.");
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::string name_in(Fields& fields, const char* field) {
  std::string name = fields.text(field).value_or("");
  if (name.size() > kNameMost)
    throw BadRequest("The field \"" + std::string(field) + "\" may have 255 bytes.");
  return name;
}

double lock_in(Fields& fields) {
  return fields.number("lock_s", kLockLeast_s, kLockMost_s).value_or(kLockUsual_s);
}

void check_rights(const Identity& who, const std::vector<std::string>& functions) {
  if (!who.grant) return;  // only the broker knows
  if (!who.grant->may(keys::GrantRole::work))
    throw BadRequest(problem(403, "denied",
                             "The key of " + who.grant->name +
                                 " needs the role work (`quern keys token NAME --role work`)."));
  for (const auto& name : functions)
    if (!who.grant->functions.empty() && !wire::matches_any(who.grant->functions, name))
      throw BadRequest(
          problem(403, "denied", "The key of " + who.grant->name + " may not serve " + name + "."));
}

Response over() {
  return rejected_answer(
      {{},
       Rejected::Why::over,
       "the lock is over, or there never was such a token, or it belongs to another key"});
}

Response stopping() {
  return problem(503, "queue_full",
                 "The gateway is stopping, or this key pulls too many sets of functions.")
      .with("Retry-After", "5");
}

/// Answers with what `work` throws.
void guard(const std::shared_ptr<Exchange>& exchange, const std::function<void()>& work) {
  const Response error = guarded([&]() -> Response {
    work();
    return {0, "", "", {}};
  });
  if (error.status != 0) exchange->respond(error);
}

class LeaseRoutes {
 public:
  LeaseRoutes(Api& api, PullWorkers& workers, People& people)
      : api_(api), workers_(workers), people_(people) {}

  using Work = std::function<void(const Identity&, const std::shared_ptr<Exchange>&)>;
  void serve(const std::shared_ptr<Exchange>& exchange, Work work) const {
    auto found = std::make_shared<std::variant<Identity, Response>>(
        api_.sessions().identity_of(exchange->request));
    if (const auto* refused = std::get_if<Response>(found.get()))
      return exchange->respond(*refused);
    const auto run = [exchange, found, work = std::move(work)] {
      guard(exchange, [&] { work(std::get<Identity>(*found), exchange); });
    };
    if (exchange->request.body.size() <= kParsedAtOnce) return run();
    if (!api_.run(run))
      exchange->respond(problem(503, "queue_full", "Too many requests wait: try again in a second.")
                            .with("Retry-After", "1"));
  }

  void pull(const Identity& who, const std::shared_ptr<Exchange>& exchange) const {
    const Json body = json_of(exchange->request.body);
    Fields fields(body);
    const auto functions = functions_in(fields);
    const Encoding encoding = encoding_in(fields);
    Pull wanted;
    wanted.worker = name_in(fields, "worker");
    wanted.request_id = name_in(fields, "request_id");
    wanted.max = static_cast<std::uint32_t>(fields.integer("max", 1, 1000).value_or(1));
    wanted.lock = duration_of(lock_in(fields));
    const double wait_s = fields.number("wait_s", 0, kWaitMost_s).value_or(0);
    const bool is_person = fields.flag("people").value_or(false);
    fields.finish();
    check_rights(who, functions);
    if (is_person)
      return pull_for_person(exchange,
                             {People::name_of(who, wanted.worker), who.id, functions,
                              std::chrono::ceil<milliseconds>(wanted.lock),
                              milliseconds(std::lround(wait_s * 1000)), wanted.request_id});
    if (wanted.lock > duration_of(kProgramsLockMost_s))
      throw BadRequest("The field \"lock_s\" may be 43200 at most: extend the lock meanwhile.");
    wanted.ticket = workers_.next_ticket();
    wanted.token = notation::base64(keys::random_bytes(kTokenBytes), notation::Base64::url);
    wanted.until = std::chrono::steady_clock::now() + duration_of(std::max(wait_s, kWaitLeast_s));
    // A worker may leave at any moment; a second one has just come.
    for (int i = 0; i < 2; ++i) {
      const auto worker = workers_.worker_for(who, functions, encoding);
      if (!worker) return exchange->respond(stopping());
      if (worker->pull(exchange, wanted)) return;
    }
    exchange->respond(left());
  }

  using StatementIn = std::function<Statement(Fields&, Encoding)>;
  void say(const Identity& who, const std::shared_ptr<Exchange>& exchange, const std::string& text,
           const char* verb, const StatementIn& statement_in) const {
    if (People::is_token(text)) return say_to_people(who, exchange, text, verb);
    auto token = token_of(text);
    if (!token)
      throw BadRequest(problem(404, "not_found", "This is not a token of POST /v1/leases."));
    const auto worker = workers_.find(who, token->worker);
    if (!worker) return exchange->respond(over());
    const std::string& sent = exchange->request.body;
    const Json body = sent.empty() ? Json::object() : json_of(sent);
    Fields fields(body);
    Statement statement = statement_in(fields, worker->encoding());
    fields.finish();
    if (!worker->say(exchange, workers_.next_ticket(), std::move(token->named),
                     std::move(statement)))
      exchange->respond(over());
  }

 private:
  // On other threads: an answer is written to the disk, and others wait for that.
  void on_thread(const std::shared_ptr<Exchange>& exchange, std::function<void()> work) const {
    if (!api_.run([exchange, work = std::move(work)] { guard(exchange, work); }))
      exchange->respond(problem(503, "queue_full", "Too many requests wait: try again in a second.")
                            .with("Retry-After", "1"));
  }
  void pull_for_person(const std::shared_ptr<Exchange>& exchange, People::Wish wish) const {
    on_thread(exchange, [this, exchange, wish = std::move(wish)] { people_.pull(exchange, wish); });
  }
  void say_to_people(const Identity& who, const std::shared_ptr<Exchange>& exchange,
                     const std::string& token, const char* verb) const {
    on_thread(exchange, [this, who, exchange, token, verb] {
      const std::string& sent = exchange->request.body;
      const Json body = sent.empty() ? Json::object() : json_of(sent);
      Fields fields(body);
      exchange->respond(people_.say(who, token, verb, fields));
    });
  }

  Api& api_;
  PullWorkers& workers_;
  People& people_;
};

Complete complete_in(Fields& fields, Encoding encoding) {
  const Json& results = fields.raw("results");
  Complete complete;
  if (results.is_array()) {
    complete.results.reserve(results.size());
    for (const Json& result : results) complete.results.push_back(bytes_of(result, encoding));
  } else if (!results.is_null()) {
    throw BadRequest("The field \"results\" must be a list, with one result per lease.");
  } else if (fields.is_given("result")) {
    complete.results.push_back(bytes_of(fields.raw("result"), encoding));
  } else {
    throw BadRequest("Give the field \"result\", or \"results\" for a batch.");
  }
  return complete;
}

Fail fail_in(Fields& fields, Encoding) {
  const std::string text = fields.text("error").value_or("");
  if (text.empty()) throw BadRequest("The field \"error\" must say what went wrong.");
  return {std::string(wire::cut_utf8(text, wire::kTextBytesMax - 1)),
          fields.flag("permanent").value_or(false)};
}

}  // namespace

void add_lease_routes(Routes& routes, Api& api, PullWorkers& workers, People& people) {
  const auto pulls = std::make_shared<const LeaseRoutes>(api, workers, people);
  const auto saying = [pulls](const char* verb,
                              const LeaseRoutes::StatementIn& statement_in) -> Handler {
    return [pulls, verb, statement_in](const std::shared_ptr<Exchange>& exchange,
                                       const Variables& variables) {
      pulls->serve(exchange, [pulls, verb, statement_in, token = variables[0]](
                                 const Identity& who, const std::shared_ptr<Exchange>& asked) {
        pulls->say(who, asked, token, verb, statement_in);
      });
    };
  };
  routes.add("POST", "/v1/leases", BodyForm::whole,
             [pulls](const std::shared_ptr<Exchange>& exchange, const Variables&) {
               pulls->serve(exchange,
                            [pulls](const Identity& who, const std::shared_ptr<Exchange>& asked) {
                              pulls->pull(who, asked);
                            });
             });
  routes.add("POST", "/v1/leases/{token}/complete", BodyForm::whole,
             saying("complete", complete_in));
  routes.add("POST", "/v1/leases/{token}/fail", BodyForm::whole, saying("fail", fail_in));
  routes.add("POST", "/v1/leases/{token}/release", BodyForm::whole,
             saying("release", [](Fields&, Encoding) { return Release{}; }));
  routes.add("POST", "/v1/leases/{token}/extend", BodyForm::whole,
             saying("extend",
                    [](Fields& fields, Encoding) { return Extend{duration_of(lock_in(fields))}; }));
}

}  // namespace quern::gateway
