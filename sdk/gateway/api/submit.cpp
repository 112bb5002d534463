#include "gateway/api/submit.hpp"

#include <utility>

#include "gateway/api/held_job.hpp"

namespace quern::gateway {
namespace {

Response answer_to(const Intake& intake) {
  if (!intake.ok()) return problem_of(intake.code, intake.text);
  const std::string url = "jobs/" + std::to_string(value(intake.number));
  const Json body = {{"job", value(intake.number)},
                     {"uuid", intake.uuid.text()},
                     {"existing", intake.existing},
                     {"url", url}};
  return json_answer(body, intake.existing ? 200 : 201).with("Location", url);
}

/// A submission on its way. It exists until the request is over, because the reader may be used by
/// others only when no handle of the job is left.
struct Pending {
  Places::Place place;
  const Caller caller;  ///< keeps the session open
  // A session can follow a job once. That of an idempotency key may be followed by others already,
  // so such a submission has a session of its own.
  const std::unique_ptr<Reader> reader;
  HeldJob held;
};

/// A client that leaves before the answer takes the job back, unless it can repeat the submission:
/// then the job may be that of an earlier one.
std::shared_ptr<Pending> begin(Api& api, const Caller& caller, Submission submission,
                               Exchange& exchange) {
  check_exec(caller, submission.function);
  auto place = api.submissions().take();
  if (!place) throw BadRequest(too_busy());
  const bool is_repeatable = !submission.options.unique.empty();
  auto reader = is_repeatable ? api.sessions().reader_for(caller) : nullptr;
  Client& client = reader ? reader->client() : *caller.client;
  Job job = client.submit(std::move(submission.function), std::move(submission.input),
                          std::move(submission.options));
  const std::shared_ptr<Pending> pending(
      new Pending{std::move(*place), caller, std::move(reader), HeldJob(std::move(job))});
  exchange.on_outcome([pending, is_repeatable](bool) { pending->held.leave(!is_repeatable); });
  return pending;
}

}  // namespace

void check_exec(const Caller& caller, const std::string& function) {
  if (function == "exec" && !caller.may_exec)
    throw BadRequest(problem(403, "denied",
                             "This key may not run commands over HTTP: its line in "
                             "authorized_keys must name the function (`--functions exec`)."));
}

void submit(Api& api, const Caller& caller, Submission submission,
            const std::shared_ptr<Exchange>& exchange) {
  const auto pending = begin(api, caller, std::move(submission), *exchange);
  pending->held.job().on_intake([pending, exchange, absence = api.absence()](const Intake& intake) {
    absence->note(intake.code);
    pending->held.release();
    exchange->respond(answer_to(intake));
  });
}

void submit_stream(Api& api, const Caller& caller, Submission submission,
                   const std::shared_ptr<Exchange>& exchange) {
  const auto pending = begin(api, caller, std::move(submission), *exchange);
  Intake intake;
  {
    const Job job = pending->held.job();
    job.wait_for_intake();
    intake.uuid = job.uuid();
    intake.number = job.number();
    intake.existing = job.existing();
  }
  pending->held.release();
  exchange->respond(answer_to(intake));
}

}  // namespace quern::gateway
