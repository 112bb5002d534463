// What comes into the core of the pull workers, and what comes out of it, as plain data.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "wire/messages.hpp"
#include "wire/time.hpp"

namespace quern::gateway::pull {

using std::chrono::milliseconds;
using wire::Duration;
using wire::Time;

/// A request of an HTTP client that waits for its answer. Later requests have larger tickets.
enum class Ticket : std::uint64_t {};
/// The tasks that one answer granted.
enum class BatchId : std::uint64_t {};

/// POST /v1/leases.
struct Pull {
  Ticket ticket{};
  std::string token;       ///< of the batch that it may get: random, unique
  std::string request_id;  ///< the same text within the lock: the same answer; empty: none
  std::string worker;      ///< who pulls
  std::uint32_t max = 1;   ///< tasks
  Duration lock{};
  Time until{};  ///< answered by then
  /// Its time was over before the session was open; it waits for the session, and no longer.
  bool is_deferred = false;
};

/// What a token names: a batch, or one task of it.
struct Named {
  std::string batch;
  std::optional<std::size_t> place;  ///< of the task in the batch
};

/// Tasks of one lease as they are granted to a client. Task `tasks.begin + i` has the i-th payload
/// of `batch`, or, when `indexed`, the integer base + its index.
struct Portion {
  std::size_t place = 0;  ///< of the first one in its batch
  JobNumber job{};
  Uuid uuid{};  ///< of the job
  std::string function;
  std::uint32_t attempt = 1;
  Encoding encoding = Encoding::raw;
  wire::Interval tasks;
  bool indexed = false;
  std::int64_t base = 0;
  wire::Batch batch{};
  std::optional<wire::Buffer> common{};
};

// ---- effects: the actor carries them out in order

/// Close the socket, if any.
struct HangUp {};
/// Open a new socket towards the broker. Answer: on_connected(), each time it connects.
struct Reopen {};
/// Send a message in the open session.
struct Send {
  wire::Envelope envelope;
};
/// Answers a pull; without portions: nothing came in time.
struct Granted {
  Ticket ticket{};
  std::string token;
  Duration lock{};
  std::vector<Portion> portions;
};
/// Answers complete, fail or release: the broker has what it was told about `counted` tasks;
/// `not_counted` tasks had ended before in another way.
struct Counted {
  Ticket ticket{};
  std::size_t counted = 0;
  std::size_t not_counted = 0;
};
/// Answers extend.
struct Extended {
  Ticket ticket{};
  Duration lock{};
  std::vector<std::size_t> cancelled;  ///< places of tasks whose results are not wanted any more
  bool nothing_left = false;           ///< nothing of what the token names is wanted
};
/// Answers any request with an error.
struct Rejected {
  enum class Why : std::uint8_t {
    over,         ///< the lock has ended, whoever ended it, or there never was such a token
    mismatch,     ///< not one result per task
    unavailable,  ///< no session with a broker: try again
    denied        ///< the broker refuses this key
  };
  Ticket ticket{};
  Why why{};
  std::string text;
};
/// Flush what was sent, close and end. The core emits nothing after this.
struct Finished {};

using Effect = std::variant<HangUp, Reopen, Send, Granted, Counted, Extended, Rejected, Finished>;
using Effects = std::vector<Effect>;

}  // namespace quern::gateway::pull
