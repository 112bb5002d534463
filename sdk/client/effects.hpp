// What the client core requests from its actor. Plain values; the actor carries them out in order.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "wire/messages.hpp"

namespace quern::client {

/// A job within one client, counted from 1: it exists before the broker knows the job and never
/// changes, while the UUID may (an attach by number learns it, `unique` replaces it).
enum class JobKey : std::uint64_t {};

/// Why a job or a query has no answer of its own.
struct Failure {
  ErrorCode code = ErrorCode::none;
  std::string text;  ///< tells what to do next
  bool operator==(const Failure&) const = default;
};

/// Send on the connection. Never before the first Reopen.
struct Send {
  wire::Envelope envelope;
};

/// Close the socket (LINGER 0) and open a new one: bytes of the old session never mix with the new.
struct Reopen {};

/// The broker has the job.
struct Accepted {
  JobKey job{};
  Uuid uuid;
  JobNumber number{};
  bool existing = false;  ///< the idempotency key named this job, which another submission made
};

/// The broker has all of the job's input.
struct InputTaken {
  JobKey job{};
};

/// There is credit for more input of this job: append what its source has.
struct NeedInput {
  JobKey job{};
};

/// The broker has a job with this `unique` key: the rest of the source is read only to compare it,
/// and nothing of that job is delivered before its end.
struct Comparing {
  JobKey job{};
};

/// The next result entry of a job, each exactly once and in the order of `seq`.
struct Deliver {
  JobKey job{};
  wire::Results results;
};

/// The job's state; final when `update.status.state` is.
struct Status {
  JobKey job{};
  wire::JobUpdate update;
};

/// The job cannot continue, and nothing more will be delivered. submitting: the broker has not
/// acknowledged it. attaching: it is a job to attach to, which the broker has not shown. accepted:
/// the broker had acknowledged or shown it.
struct Ended {
  JobKey job{};
  enum class Stage : std::uint8_t { submitting, attaching, accepted } stage = Stage::submitting;
  Failure failure;
};

/// The core has forgotten this job: everything was delivered.
struct Forget {
  JobKey job{};
};

/// The answer to ask(); monostate: the session is open, and nothing else was requested.
using Reply = std::variant<std::monostate, wire::Answer, wire::JobUpdate, wire::Blob, Failure>;
struct Answered {
  std::uint64_t token = 0;
  Reply reply;
};

using Effect = std::variant<Send, Reopen, Accepted, InputTaken, NeedInput, Comparing, Deliver,
                            Status, Ended, Forget, Answered>;
using Effects = std::vector<Effect>;

}  // namespace quern::client
