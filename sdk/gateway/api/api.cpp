#include "gateway/api/api.hpp"

#include <charconv>
#include <chrono>

namespace quern::gateway {
namespace {

/// The work has answered, or will.
const Response kNone{0, "", "", {}};

// One key must not keep all threads for streams from the others.
constexpr std::size_t kStreamsOfKey = 16;
constexpr std::int64_t kGoneFor_ms = 1000;

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Response too_busy() {
  return problem(503, "queue_full", "Too many requests wait for the broker: try again in a second.")
      .with("Retry-After", "1");
}

template <typename Number>
std::optional<Number> number_in(const std::string& text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || rest != end || text.empty()) return std::nullopt;
  return number;
}

}  // namespace

void Api::run_on(Callers& callers, const std::shared_ptr<Exchange>& exchange, Work work) {
  auto caller = std::make_shared<std::variant<Caller, Response>>();
  try {
    *caller = sessions_.caller_of(exchange->request);
  } catch (const Error& error) {
    return exchange->respond(problem_of(error.code(), error.what()));
  }
  if (const auto* refused = std::get_if<Response>(caller.get())) return exchange->respond(*refused);
  if (broker_is_gone())
    return exchange->respond(
        problem_of(ErrorCode::no_broker, "No broker answers at " + sessions_.options().endpoint));
  const bool taken = callers.run([this, exchange, caller, work = std::move(work)] {
    if (exchange->gone()) return;
    const Response error = watched([&]() -> Response {
      work(std::get<Caller>(*caller), exchange);
      return kNone;
    });
    if (error.status == kNone.status) return;
    exchange->end(false);  // cuts an answer that was begun
    exchange->respond(error);
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
  run_on(
      streams_, exchange,
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

bool Api::broker_is_gone() const {
  const std::int64_t at = gone_at_ms_;
  return at >= 0 && now_ms() - at < kGoneFor_ms;
}

Response Api::watched(const std::function<Response()>& answer) {
  return guarded([&] {
    try {
      return answer();
    } catch (const Error& error) {
      if (error.code() == ErrorCode::no_broker) gone_at_ms_ = now_ms();
      throw;
    }
  });
}

void Api::call(const std::shared_ptr<Exchange>& exchange, Work work) {
  run_on(calls_, exchange, std::move(work));
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
