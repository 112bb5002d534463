#include "client/failure.hpp"

namespace quern::client {
namespace {

constexpr std::size_t kErrorsKept = 100;

}  // namespace

bool is_connection_failure(ErrorCode code) {
  switch (code) {
    case ErrorCode::version:
    case ErrorCode::role:
    case ErrorCode::session:
    case ErrorCode::no_broker:
    case ErrorCode::refused:
    case ErrorCode::shutdown:
      return true;
    default:
      return false;
  }
}

void throw_failure(Ended::Stage stage, const Failure& failure) {
  if (is_connection_failure(failure.code)) throw ConnectionError(failure.code, failure.text);
  const bool submitting = stage == Ended::Stage::submitting &&
                          failure.code != ErrorCode::unknown_job &&
                          failure.code != ErrorCode::cancelled;
  if (submitting) throw SubmitError(failure.code, failure.text);
  throw JobError(failure.code, failure.text);
}

Failure failure_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Error& e) {
    return {e.code(), e.what()};
  } catch (const std::exception& e) {
    return {ErrorCode::bad_input, e.what()};
  } catch (...) {
    return {ErrorCode::bad_input, "the source of the items failed"};
  }
}

Outcome outcome_of(const Failure& failure) {
  Outcome outcome;
  outcome.code = failure.code;
  outcome.text = failure.text;
  if (failure.code == ErrorCode::cancelled) {
    outcome.state = JobState::cancelled;
  } else if (is_connection_failure(failure.code) || failure.code == ErrorCode::unknown_job ||
             failure.code == ErrorCode::lost) {
    outcome.state = JobState::lost;  // from the point of view of this client
  } else {
    outcome.state = JobState::failed;
  }
  return outcome;
}

void keep_errors(std::vector<TaskError>& kept, const std::vector<TaskError>& more) {
  for (const auto& error : more) {
    if (kept.size() == kErrorsKept) return;
    kept.push_back(error);
  }
}

wire::Answer answer_in(Reply reply) {
  if (auto* answer = std::get_if<wire::Answer>(&reply)) return std::move(*answer);
  throw Error(ErrorCode::malformed,
              "the broker's answer does not match the request; is it another version of Quern?");
}

}  // namespace quern::client
