// Errors of the public interface. Blocking calls throw one of these; every such call has a
// non-throwing sister
// (`Job::wait()` and an `Outcome`). The code says what a program should do, the text what a person
// should do next.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace quern {

/// Why something was refused or failed. The names are the words used on the wire (PROTOCOL.md,
/// "Errors").
enum class ErrorCode : std::uint8_t {
  none = 0,
  malformed,       ///< bytes that are not a message
  limit,           ///< something is larger than the broker accepts; the text names the limit
  version,         ///< no common protocol version
  role,            ///< this message is not for this role
  session,         ///< old or unknown session: say HELLO again
  unknown_job,     ///< no such job (never was, forgotten, or lost with a broker's memory)
  queue_full,      ///< the broker's memory for queued work is used up; the text names the limit
  results_unread,  ///< too many results of this client wait to be read
  credit,          ///< the peer sent more than it was allowed to
  bad_input,       ///< the input does not fit the function
  denied,          ///< this principal may not do that
  no_broker,       ///< no broker answered
  refused,         ///< the broker refused the session
  failed,          ///< the user's function failed; the text is its own
  timeout,         ///< the task ran longer than the job's timeout
  cancelled,       ///< cancelled by its owner, or its owner went away
  lost,            ///< a memory job of a broker that was restarted
  poison,          ///< the task killed its worker too often
  shutdown,        ///< the other side is stopping
  store,           ///< the broker's store cannot write now; the text says why
  lost_worker,     ///< its worker was lost, and the job allows one start only (at_most_once)
  permanent,       ///< the user's function failed and said that trying again is of no use
  conflict,        ///< the unique key belongs to a job with another input
  expired,         ///< the job ended and was kept for its time; its results are gone
};

/// The wire's word for a code ("queue_full"); never empty.
std::string_view to_string(ErrorCode code);
/// The code for a word; `failed` when the word is unknown (a newer peer).
ErrorCode error_code(std::string_view word);

/// Base of all exceptions of the SDK.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& text) : std::runtime_error(text), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

/// No broker answered, or it refused the session. Start one (`quern up`) or name it
/// (`QUERN_BROKER`).
class ConnectionError : public Error {
 public:
  using Error::Error;
};

/// The broker did not accept the job: queue_full, limit, bad_input, results_unread, denied.
class SubmitError : public Error {
 public:
  using Error::Error;
};

/// One run of tasks that ended with the same error.
struct TaskError {
  std::uint64_t first = 0;  ///< index of the first task
  std::uint64_t count = 1;  ///< how many tasks from there
  ErrorCode code = ErrorCode::failed;
  std::string text;

  bool operator==(const TaskError&) const = default;
};

/// The job, or some of its tasks, did not end well. `tasks` holds at most the first 100 errors.
class JobError : public Error {
 public:
  JobError(ErrorCode code, const std::string& text, std::vector<TaskError> tasks = {})
      : Error(code, text), tasks_(std::move(tasks)) {}
  const std::vector<TaskError>& tasks() const noexcept { return tasks_; }

 private:
  std::vector<TaskError> tasks_;
};

}  // namespace quern
