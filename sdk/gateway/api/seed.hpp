// The seed's two routes, as they were first asked for: POST /add_task and GET /get_result.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <variant>

#include "gateway/api/api.hpp"
#include "gateway/http/routes.hpp"

namespace quern::gateway {

/// A task is a number n, its result the sum of 1 to n. Results are given first in, first out, per
/// caller: per token, and all callers without one on this machine together. A result counts as
/// taken when it was written to its caller. What was added survives the gateway: the queues are
/// found again in the names of the jobs, and how far each was read is kept in a file.
class Seed {
 public:
  /// `token`: of the key that callers without a token act as, on loopback only; empty: they may
  /// not. `state`: the file; empty: none.
  Seed(Api& api, std::string token, std::string state);

  void add_routes(Routes& routes);

 private:
  struct Queue {
    std::set<JobNumber> waiting;  ///< results that nobody asked for, the oldest first
    std::set<JobNumber> given;    ///< being waited for, or written
    JobNumber last{};             ///< the highest that was taken
    JobNumber taken{};            ///< everything up to this one was taken; kept in the file
    bool recovered = false;
  };

  std::variant<Caller, Response> caller_of(const Request& request);
  static std::string job_name(const Caller& caller);
  void recover(const Caller& caller);
  Response add(const Caller& caller, const std::string& body);
  void get(const Caller& caller, const std::shared_ptr<Exchange>& exchange);
  void conclude(const std::string& id, JobNumber number, bool taken);
  void save();

  Api& api_;
  const std::string token_;
  const std::string state_;
  std::mutex mutex_, saving_;
  bool to_save_ = false;
  std::map<std::string, Queue> queues_;  ///< by the caller's id
};

}  // namespace quern::gateway
