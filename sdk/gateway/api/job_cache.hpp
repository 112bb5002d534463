// The states of jobs that were asked for within the last second, so that many clients that look at
// the same job cost the broker one question per second.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gateway/api/api.hpp"

namespace quern::gateway {

/// All of it runs on the I/O thread, except for the questions.
class JobCache {
 public:
  explicit JobCache(Api& api) : api_(api) {}

  /// Answers with the state of the job as `caller` may see it, not older than a second.
  void answer(const std::shared_ptr<Exchange>& exchange, const Caller& caller, JobNumber number);
  /// The job has been changed: what is known of it is not used any more. Any thread.
  void forget(JobNumber number);

 private:
  using Clock = std::chrono::steady_clock;
  using Key = std::pair<std::string, JobNumber>;  ///< the caller's id, and the job
  struct Entry {
    Clock::time_point asked{};
    bool has_answer = false;
    bool outdated = false;  ///< forgotten while the question is on its way
    Response answer;
    std::vector<std::shared_ptr<Exchange>> waiting;  ///< for the question that is on its way
  };

  void ask(const Key& key, const Caller& caller);
  void take(const Key& key, const Caller& caller, Response answer);
  void make_room(Clock::time_point now);

  Api& api_;
  std::map<Key, Entry> entries_;
};

}  // namespace quern::gateway
