// The jobs that a running task has submitted, as the task sees them: it submits them and waits for
// them on its own thread; the link delivers what the broker says about them.
//
// Shared by both threads, behind one mutex. What a function keeps of it may outlive the run: then
// waiting ends at once.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <variant>

#include "quern/nested.hpp"
#include "wire/messages.hpp"

namespace quern::worker {

class Children {
 public:
  /// To the link, on the task's thread.
  using Said = std::variant<wire::Notes, wire::Submit, wire::Wait>;
  using Post = std::function<void(Said)>;

  /// Without `post`, nothing can be submitted.
  Children(wire::LeaseId lease, Post post);
  /// Ends all waiting.
  ~Children();
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;

  // ---- the task's thread
  /// The lease of the message is filled in.
  NestedJob submit(wire::Submit submit);
  /// How long the task has waited since the last call.
  std::chrono::steady_clock::duration take_waited();

  // ---- link
  /// RESULTS, ERROR, or a final JOB of one of these jobs.
  void take(wire::Message&& message);
  /// The run was cancelled: nothing is waited for any more. Any thread.
  void cancel();

 private:
  struct Shared;
  class Child;

  std::shared_ptr<Shared> shared_;
};

}  // namespace quern::worker
