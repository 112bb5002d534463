// What all routes of the API use: who asks, threads for calls that block, errors as answers.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "gateway/api/fields.hpp"
#include "gateway/broker/absence.hpp"
#include "gateway/broker/callers.hpp"
#include "gateway/broker/places.hpp"
#include "gateway/broker/sessions.hpp"
#include "gateway/http/exchange.hpp"
#include "gateway/http/server.hpp"
#include "quern/ids.hpp"

namespace quern::gateway {

// Each takes some memory here and in the broker until it is answered.
inline constexpr std::size_t kSubmissionsMost = 2000;

class Api {
 public:
  /// Calls of the SDK that take one round trip; those that take as long as a job.
  Api(Sessions& sessions, Callers& calls, Callers& streams, Callers& uploads)
      : sessions_(sessions), calls_(calls), streams_(streams), uploads_(uploads) {}

  /// The server exists only after the routes do; nothing is asked before.
  void use(Server& server) { server_ = &server; }

  using Answer = std::function<Response(const Caller&, Exchange&)>;
  /// Answers with what `answer` returns, which is called on another thread and may block for a
  /// round trip to the broker. What it throws becomes a problem document.
  void ask(const std::shared_ptr<Exchange>& exchange, Answer answer);

  using Work = std::function<void(const Caller&, const std::shared_ptr<Exchange>&)>;
  /// Calls `work`, which answers by itself, on a thread that it may keep for long. What it throws
  /// becomes a problem document, or cuts an answer that it has begun.
  void stream(const std::shared_ptr<Exchange>& exchange, Work work);
  /// The same for a body that arrives as slowly as its sender likes: others do not wait for it.
  void upload(const std::shared_ptr<Exchange>& exchange, Work work);
  /// The same, with one round trip only.
  void call(const std::shared_ptr<Exchange>& exchange, Work work);
  /// The same on this thread, for work that does not block.
  void here(const std::shared_ptr<Exchange>& exchange, const Work& work);

  /// Whether a question has found no broker within the last second. Then others are not asked: each
  /// would wait for the broker, and hold a thread.
  bool broker_is_gone() const { return absence_->is_recent(); }
  /// What remembers it; may outlive this object.
  const std::shared_ptr<Absence>& absence() { return absence_; }
  /// guarded(), and remembers when there was no broker.
  Response watched(const std::function<Response()>& answer);

  Sessions& sessions() { return sessions_; }
  /// Submissions that the broker has not answered.
  Places& submissions() { return submissions_; }
  Server& server() { return *server_; }
  /// Runs something that may block for a round trip. False if too much waits.
  bool run(std::function<void()> what) { return calls_.run(std::move(what)); }

 private:
  /// Who asks; nothing if that has been answered, or if there is no broker.
  std::optional<Caller> caller_of(Exchange& exchange);
  void work_for(const Caller& caller, const std::shared_ptr<Exchange>& exchange, const Work& work);
  void run_on(Callers& callers, const std::shared_ptr<Exchange>& exchange, Work work);
  void run_counted(Callers& callers, const std::shared_ptr<Exchange>& exchange, Work work);
  bool begin_stream(const std::string& id);
  void end_stream(const std::string& id);

  Sessions& sessions_;
  Callers& calls_;
  Callers& streams_;
  Callers& uploads_;
  Server* server_ = nullptr;
  const std::shared_ptr<Absence> absence_ = std::make_shared<Absence>();
  Places submissions_{kSubmissionsMost};
  std::mutex mutex_;
  std::map<std::string, std::size_t> streams_of_;  ///< by the caller's id
};

/// The answer to a request that finds too many others before it.
Response too_busy();
/// The answer to what `answer` throws.
Response guarded(const std::function<Response()>& answer);

Response json_answer(const Json& value, unsigned status = 200);
/// The answer, or 304 without a body if the client has it already: If-None-Match names its ETag.
Response if_changed(Response answer, const Request& request);
/// A segment of a path as a job's number. Throws BadRequest (404) if it is none.
JobNumber job_number(const std::string& segment);
/// A parameter as an integer; `usual` if it is not given. Throws BadRequest.
std::int64_t integer_parameter(const Target& target, const char* name, std::int64_t usual,
                               std::int64_t least, std::int64_t most);

}  // namespace quern::gateway
