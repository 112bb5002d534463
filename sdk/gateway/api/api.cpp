#include "gateway/api/api.hpp"

#include <charconv>

namespace quern::gateway {
namespace {

/// The work has answered, or will.
const Response kNone{0, "", "", {}};

// One key must not keep all threads for streams from the others.
constexpr std::size_t kStreamsOfKey = 16;

template <typename Number>
std::optional<Number> number_in(const std::string& text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || rest != end || text.empty()) return std::nullopt;
  return number;
}

}  // namespace

std::optional<Caller> Api::caller_of(Exchange& exchange) {
  try {
    auto caller = sessions_.caller_of(exchange.request);
    if (auto* refused = std::get_if<Response>(&caller)) {
      exchange.respond(std::move(*refused));
      return std::nullopt;
    }
    if (!broker_is_gone()) return std::move(std::get<Caller>(caller));
    exchange.respond(
        problem_of(ErrorCode::no_broker, "No broker answers at " + sessions_.options().endpoint));
  } catch (const Error& error) {
    exchange.respond(problem_of(error.code(), error.what()));
  }
  return std::nullopt;
}

void Api::work_for(const Caller& caller, const std::shared_ptr<Exchange>& exchange,
                   const Work& work) {
  const Response error = watched([&]() -> Response {
    work(caller, exchange);
    return kNone;
  });
  if (error.status == kNone.status) return;
  exchange->end(false);  // cuts an answer that was begun
  exchange->respond(error);
}

void Api::here(const std::shared_ptr<Exchange>& exchange, const Work& work) {
  if (const auto caller = caller_of(*exchange)) work_for(*caller, exchange, work);
}

void Api::run_on(Callers& callers, const std::shared_ptr<Exchange>& exchange, Work work) {
  auto caller = caller_of(*exchange);
  if (!caller) return;
  const bool taken =
      callers.run([this, exchange, caller = std::move(*caller), work = std::move(work)] {
        if (!exchange->gone()) work_for(caller, exchange, work);
      });
  if (!taken) exchange->respond(too_busy());
}

void Api::ask(const std::shared_ptr<Exchange>& exchange, Answer answer) {
  run_on(
      calls_, exchange,
      [answer = std::move(answer)](const Caller& caller, const std::shared_ptr<Exchange>& asked) {
        asked->respond(answer(caller, *asked));
      });
}

void Api::stream(const std::shared_ptr<Exchange>& exchange, Work work) {
  run_counted(streams_, exchange, std::move(work));
}

void Api::upload(const std::shared_ptr<Exchange>& exchange, Work work) {
  run_counted(uploads_, exchange, std::move(work));
}

void Api::run_counted(Callers& callers, const std::shared_ptr<Exchange>& exchange, Work work) {
  run_on(
      callers, exchange,
      [this, work = std::move(work)](const Caller& caller, const std::shared_ptr<Exchange>& asked) {
        if (!begin_stream(caller.id))
          throw BadRequest(problem(429, "limit",
                                   "This key has 16 streams of items or results open: close "
                                   "one, or wait for its end.")
                               .with("Retry-After", "5"));
        const std::shared_ptr<void> open(nullptr,
                                         [this, &caller](void*) { end_stream(caller.id); });
        work(caller, asked);
      });
}

bool Api::begin_stream(const std::string& id) {
  std::lock_guard lock(mutex_);
  if (streams_of_[id] >= kStreamsOfKey) return false;
  ++streams_of_[id];
  return true;
}

void Api::end_stream(const std::string& id) {
  std::lock_guard lock(mutex_);
  const auto found = streams_of_.find(id);
  if (--found->second == 0) streams_of_.erase(found);
}

Response Api::watched(const std::function<Response()>& answer) {
  return guarded([&] {
    try {
      return answer();
    } catch (const Error& error) {
      absence_->note(error.code());
      throw;
    }
  });
}

void Api::call(const std::shared_ptr<Exchange>& exchange, Work work) {
  run_on(calls_, exchange, std::move(work));
}

Response too_busy() {
  return problem(503, "queue_full", "Too many requests wait for the broker: try again in a second.")
      .with("Retry-After", "1");
}

Response guarded(const std::function<Response()>& answer) {
  try {
    return answer();
  } catch (const BadRequest& bad) {
    return bad.answer;
  } catch (const Error& error) {
    return problem_of(error.code(), error.what());
  } catch (const std::exception& error) {
    return problem(500, "failed", error.what());
  }
}

Response json_answer(const Json& value, unsigned status) {
  Json exact = value;
  make_exact(exact);
  Response response;
  response.status = status;
  response.body = json::line_of(exact);
  return response;
}

Response if_changed(Response answer, const Request& request) {
  for (const auto& [name, tag] : answer.fields) {
    if (name != "ETag" || request.field("if-none-match") != tag) continue;
    Response unchanged{304, "", "", {}};
    return unchanged.with("ETag", tag);
  }
  return answer;
}

JobNumber job_number(const std::string& segment) {
  const auto number = number_in<std::uint64_t>(segment);
  if (!number || *number == 0)
    throw BadRequest(problem(404, "unknown_job", "A job's number is a positive integer."));
  return JobNumber{*number};
}

std::int64_t integer_parameter(const Target& target, const char* name, std::int64_t usual,
                               std::int64_t least, std::int64_t most) {
  const auto text = target.parameter(name);
  if (!text) return usual;
  const auto number = number_in<std::int64_t>(*text);
  if (!number || *number < least || *number > most)
    throw BadRequest("The parameter \"" + std::string(name) + "\" must be an integer from " +
                     std::to_string(least) + " to " + std::to_string(most) + ".");
  return *number;
}

}  // namespace quern::gateway
