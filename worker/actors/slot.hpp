// A slot: one thread that runs one lease at a time. The link gives it a run and receives its
// answers through `post`.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "worker/actors/runner.hpp"

namespace quern::worker {

class Slot {
 public:
  struct Posts {
    Runner::Post report;  ///< on the slot's thread
    /// On the slot's thread: the last reports, and ready for the next run.
    std::function<void(std::vector<wire::Report>)> done;
  };

  Slot(const Functions& functions, double cpu_share, Posts posts);
  /// Waits for the running function: do not destroy a slot whose function may never return.
  ~Slot();
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

  /// Link: only if the slot is free.
  void start(std::shared_ptr<Run> run);

 private:
  void loop();
  std::shared_ptr<Run> wait();

  Runner runner_;
  std::function<void(std::vector<wire::Report>)> post_done_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<Run> next_;
  bool quit_ = false;
  std::thread thread_;  // last: it uses everything above
};

}  // namespace quern::worker
