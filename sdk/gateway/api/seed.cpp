#include "gateway/api/seed.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "gateway/api/watch.hpp"
#include "keys/error.hpp"
#include "keys/files.hpp"
#include "quern/typed.hpp"
#include "quern/value.hpp"

namespace quern::gateway {
namespace {

constexpr std::int64_t kTaskMost = 4'294'967'295;  ///< its sum fits into 63 bits
constexpr double kWait_s = 60;
constexpr std::size_t kRecoverMost = 10'000;

Response seed_error(unsigned status, const std::string& message) {
  Response response;
  response.status = status;
  response.body = json::line_of({{"status", "error"}, {"message", message}});
  return response;
}

bool is_from_here(const Request& request) {
  // A proxy on this machine speaks for others. Not all of them say so.
  for (const char* field : {"forwarded", "via", "x-forwarded-for", "x-forwarded-host",
                            "x-forwarded-proto", "x-real-ip"})
    if (request.fields.contains(field)) return false;
  return request.address.empty() || request.address == "::1" ||
         request.address == "::ffff:127.0.0.1" || request.address.starts_with("127.");
}

}  // namespace

Seed::Seed(Api& api, std::string token, std::string state)
    : api_(api), token_(std::move(token)), state_(std::move(state)) {
  if (state_.empty()) return;
  const auto text = keys::read_file(state_);
  const Json marks = text ? Json::parse(*text, nullptr, false) : Json::object();
  if (!marks.is_object()) return;
  for (const auto& [id, number] : marks.items())
    if (number.is_number_unsigned()) queues_[id].taken = JobNumber{number.get<std::uint64_t>()};
}

std::variant<Caller, Response> Seed::caller_of(const Request& request) {
  if (!request.field("authorization").empty() || api_.sessions().options().insecure)
    return api_.sessions().caller_of(request);
  if (token_.empty() || !is_from_here(request)) return api_.sessions().caller_of(request);
  return api_.sessions().caller_with(token_);
}

std::string Seed::job_name(const Caller& caller) { return "add_task:" + caller.id.substr(0, 12); }

/// Finds the jobs of this caller that a gateway before this one has added. Asks the broker without
/// holding the lock, which the I/O thread may need.
void Seed::recover(const Caller& caller) {
  {
    std::lock_guard lock(mutex_);
    if (queues_[caller.id].recovered) return;
  }
  const std::string name = job_name(caller);
  const auto jobs = caller.client->jobs(kRecoverMost);
  std::lock_guard lock(mutex_);
  Queue& queue = queues_[caller.id];
  if (std::exchange(queue.recovered, true)) return;
  for (const auto& status : jobs)
    if (status.name == name && status.number > queue.taken) queue.waiting.insert(status.number);
}

Response Seed::add(const Caller& caller, const std::string& body) {
  const Json parsed = json_of(body);
  if (!parsed.is_object() || parsed.size() != 1 || !parsed.contains("task") ||
      !parsed["task"].is_number_integer() || parsed["task"].get<double>() < 0 ||
      parsed["task"].get<double>() > static_cast<double>(kTaskMost))
    return seed_error(422, "Send {\"task\": N} with an integer from 0 to 4294967295.");
  recover(caller);
  SubmitOptions options;
  options.name = job_name(caller);
  options.detach = true;
  const Job job = caller.client->submit("sum", Range{1, parsed["task"].get<std::int64_t>() + 1},
                                        std::move(options));
  job.wait_for_intake();
  const JobNumber number = job.number();
  std::lock_guard lock(mutex_);
  queues_[caller.id].waiting.insert(number);
  Response response;
  response.body = "{\"status\": \"success\", \"message\": \"Task added.\"}\n";
  return response;
}

void Seed::get(const Caller& caller, const std::shared_ptr<Exchange>& exchange) {
  if (exchange->request.head_only)
    return exchange->respond(seed_error(405, "A result is taken with GET.").with("Allow", "GET"));
  recover(caller);
  JobNumber number{};
  {
    std::lock_guard lock(mutex_);
    Queue& queue = queues_[caller.id];
    if (queue.waiting.empty())
      return exchange->respond(
          seed_error(404,
                     "There is no task whose result was not taken: add one with POST "
                     "/add_task."));
    number = *queue.waiting.begin();
    queue.waiting.erase(queue.waiting.begin());
    queue.given.insert(number);
  }
  // Whatever happens, the number goes back unless its result was written.
  const auto is_result = std::make_shared<std::atomic<bool>>(false);
  exchange->on_outcome([this, id = caller.id, number, is_result](bool written) {
    conclude(id, number, written && *is_result);
  });
  watch_job(
      api_, caller, exchange, number, kWait_s,
      [](const JobStatus& status) { return is_final(status.state); },
      [caller, is_result](const JobStatus& status, const Request&) {
        if (!is_final(status.state))
          return seed_error(504, "The result is not there yet: ask again.");
        if (status.state != JobState::done) {
          *is_result = true;
          return seed_error(500, "The task ended without a result: " + status.reason);
        }
        const auto bytes = caller.client->attach(status.number).get_optional();
        *is_result = true;
        const auto text = bytes ? json_from_value(*bytes) : std::nullopt;
        Response response;
        response.body = "{\"status\": \"success\", \"result\": " + text.value_or("null") + "}\n";
        return response;
      });
}

void Seed::conclude(const std::string& id, JobNumber number, bool taken) {
  std::lock_guard lock(mutex_);
  Queue& queue = queues_[id];
  queue.given.erase(number);
  if (!taken) {
    queue.waiting.insert(number);
    return;
  }
  queue.last = std::max(queue.last, number);
  // Everything before the first one that is not taken.
  JobNumber first{};
  for (const auto* set : {&queue.waiting, &queue.given})
    if (!set->empty() && (first == JobNumber{} || *set->begin() < first)) first = *set->begin();
  const JobNumber mark = first == JobNumber{} ? queue.last : JobNumber{value(first) - 1};
  if (mark <= queue.taken) return;
  queue.taken = mark;
  if (!state_.empty() && !std::exchange(to_save_, true)) api_.run([this] { save(); });
}

void Seed::save() {
  Json marks = Json::object();
  {
    std::lock_guard lock(mutex_);
    to_save_ = false;
    for (const auto& [id, queue] : queues_)
      if (queue.taken != JobNumber{}) marks[id] = value(queue.taken);
  }
  std::lock_guard lock(saving_);
  try {
    keys::write_file(state_, marks.dump() + "\n");
  } catch (const keys::KeyError&) {
    // After a restart, the results since the last mark are given once more.
  }
}

void Seed::add_routes(Routes& routes) {
  const auto with_caller = [this](const std::shared_ptr<Exchange>& exchange,
                                  std::function<void(const Caller&)> what) {
    const auto caller = std::make_shared<std::variant<Caller, Response>>();
    const Response error = guarded([&]() -> Response {
      *caller = caller_of(exchange->request);
      return {0, "", "", {}};
    });
    if (error.status != 0) return exchange->respond(error);
    if (const auto* refused = std::get_if<Response>(caller.get()))
      return exchange->respond(*refused);
    const bool taken = api_.run([exchange, caller, what = std::move(what)] {
      const Response failed = guarded([&]() -> Response {
        what(std::get<Caller>(*caller));
        return {0, "", "", {}};
      });
      if (failed.status != 0) exchange->respond(failed);
    });
    if (!taken)
      exchange->respond(seed_error(503, "Too many requests wait.").with("Retry-After", "1"));
  };
  routes.add("POST", "/add_task", BodyForm::whole,
             [this, with_caller](const std::shared_ptr<Exchange>& exchange, const Variables&) {
               with_caller(exchange, [this, exchange](const Caller& caller) {
                 exchange->respond(add(caller, exchange->request.body));
               });
             });
  routes.add("GET", "/get_result", BodyForm::none,
             [this, with_caller](const std::shared_ptr<Exchange>& exchange, const Variables&) {
               with_caller(exchange,
                           [this, exchange](const Caller& caller) { get(caller, exchange); });
             });
}

}  // namespace quern::gateway
