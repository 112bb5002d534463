/// @file
/// Errors of the public interface. Calls that block throw one of these exceptions. Who prefers no
/// exceptions waits with Job::wait() and reads the Outcome. The code of an error tells a program
/// what to do, the text tells a person.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace quern {

/// Why something was refused or failed. The names are the words that the wire protocol uses
/// (`sdk/wire/PROTOCOL.md`, "Words and errors"). New codes may be added: treat an unknown one like
/// `failed`.
enum class ErrorCode : std::uint8_t {
  none = 0,         ///< no error
  malformed,        ///< the bytes are not a valid message; a defect of one side
  limit,            ///< something is larger than the broker accepts; the text names the limit
  version,          ///< no protocol version in common; install the same release on both sides
  role,             ///< the peer sent a message that its role may not send; a defect of one side
  session,          ///< the session is old or unknown; the SDK opens a new one by itself
  unknown_job,      ///< no such job: it never existed, was forgotten, or was lost with a broker
  queue_full,       ///< the broker's memory for queued work is full; try again later
  results_unread,   ///< too many results of this client are unread; read them, then submit
  credit,           ///< the peer sent more than its credit allows; a defect of one side
  bad_input,        ///< the input or an option does not fit the function; the text says why
  denied,           ///< this principal may not do that
  no_broker,        ///< no broker answered in time
  refused,          ///< the broker refused the session; the text says why
  failed,           ///< the function failed; the text comes from the function
  timeout,          ///< the task ran longer than SubmitOptions::timeout
  cancelled,        ///< cancelled by its owner, or its owner disappeared
  lost,             ///< a job with Durability::memory whose broker was restarted; submit it again
  poison,           ///< the task took down its worker too often
  shutdown,         ///< the other side is shutting down, or this client was closed
  store,            ///< the broker's store cannot write now (a full disk, say); try again later
  lost_worker,      ///< the worker was lost, and the job allows one start only (at_most_once)
  permanent,        ///< the function failed and said that another attempt is of no use
  conflict,         ///< the idempotency key (`unique`) belongs to a job with another input
  expired,          ///< the job ended, and the time for which it was kept is over
  deadline,         ///< the job did not end within SubmitOptions::deadline
  upstream_failed,  ///< a task or job whose result it needs failed or was cancelled
};

/// The word of a code, as the wire protocol and `--json` spell it. Any thread.
/// @param code an error code
/// @return for example "queue_full"; "failed" for a value outside the enumeration; never empty
std::string_view to_string(ErrorCode code);

/// The code of a word. Any thread.
/// @param word for example "queue_full"
/// @return its code; `failed` for an unknown word, which a newer peer may send
ErrorCode error_code(std::string_view word);

/// Base class of all exceptions of the SDK. what() is a sentence for people.
class Error : public std::runtime_error {
 public:
  /// @param code why
  /// @param text a sentence for people; what() returns it
  Error(ErrorCode code, const std::string& text) : std::runtime_error(text), code_(code) {}

  /// @return why, for programs
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

/// There is no session with a broker: none answered, or it refused this client. The codes are
/// no_broker, refused, version, role, session and shutdown. Start a broker (`quern up`) or name one
/// (`QUERN_BROKER`, ClientOptions::endpoint); the text says which.
class ConnectionError : public Error {
 public:
  using Error::Error;
};

/// The broker, or the SDK on its behalf, did not accept a job, so nothing of it runs. Typical codes
/// are queue_full, limit, bad_input, results_unread, denied, store and conflict.
class SubmitError : public Error {
 public:
  using Error::Error;
};

/// Consecutive tasks that ended with the same error.
struct TaskError {
  std::uint64_t first = 0;             ///< index of the first task
  std::uint64_t count = 1;             ///< number of tasks from there on
  ErrorCode code = ErrorCode::failed;  ///< why they failed
  std::string text;  ///< the error in words, often what the function threw; at most 4096 bytes

  /// @return whether all fields are equal
  bool operator==(const TaskError&) const = default;
};

/// A job that was accepted did not end well: some of its tasks failed, or it was cancelled or lost.
/// Or a job to attach to cannot be followed: unknown_job, expired or denied.
class JobError : public Error {
 public:
  /// @param code why; that of the first failed task when there is one
  /// @param text a sentence for people
  /// @param tasks the failed tasks that are known
  JobError(ErrorCode code, const std::string& text, std::vector<TaskError> tasks = {})
      : Error(code, text), tasks_(std::move(tasks)) {}

  /// The failed tasks: the first 100 runs of them, in the order in which they failed. Job::next()
  /// gives all of them.
  /// @return a reference that is valid as long as this exception
  const std::vector<TaskError>& tasks() const noexcept { return tasks_; }

 private:
  std::vector<TaskError> tasks_;
};

}  // namespace quern
