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

}  // namespace quern::client
