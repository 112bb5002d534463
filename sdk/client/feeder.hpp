// Pulls the items of one job from the user's source into its queue, on a thread of its own: a
// source may block (a pipe on standard input), and the actor must not.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

#include "client/input_queue.hpp"
#include "quern/input.hpp"

namespace quern::client {

/// Counts feeder threads, so that a closing client can wait a moment for them.
class FeederCount {
 public:
  void add();
  void remove();
  /// True when all have ended within `timeout`.
  bool wait_for_none(std::chrono::milliseconds timeout);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

/// Receives the failure of a source.
using SourceFailed = std::function<void(std::exception_ptr)>;

/// Pulls on this thread until one batch is full or the source has ended: enough for most lists that
/// are in memory. Returns whether there may be more; throws what the source throws, and SubmitError
/// for an item over the limit.
InputLedger::Rest feed_first_batch(Items& items, InputQueue& queue);

/// Pulls everything on a new thread, which ends by itself: at the end of the source, when the queue
/// is stopped, or when next() returns after that. It is never joined, because next() may block
/// forever.
void start_feeder(Items items, std::shared_ptr<InputQueue> queue, SourceFailed failed,
                  std::shared_ptr<FeederCount> count);

}  // namespace quern::client
