#include "broker/actors/store_actor.hpp"

#include <poll.h>

#include <chrono>
#include <iterator>
#include <utility>

#include "runtime/log.hpp"

namespace quern::broker {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRetryMs = 500;
// How often an idle store is checked, so that problems are reported before somebody relies on it.
constexpr int kLookMs = 500;
constexpr std::chrono::seconds kStopWait{5};

}  // namespace

StoreActor::StoreActor(std::unique_ptr<Store> store, runtime::Mailbox<StoreEvent>& events)
    : store_(std::move(store)), events_(events), thread_([this] { run(); }) {}

StoreActor::~StoreActor() {
  mailbox_.post(Stop{});
  thread_.join();
}

void StoreActor::wait(int timeout_ms) {
  pollfd mail{mailbox_.fd(), POLLIN, 0};
  ::poll(&mail, 1, timeout_ms);
}

void StoreActor::run() {
  std::vector<Request> requests;
  bool dropped = true;  // rows of dropped jobs may be left from the previous start
  Clock::time_point stop_at = Clock::time_point::max();
  for (;;) {
    // Deletes rows between requests, one slice at a time.
    const bool idle = ops_.empty() && !stopping_;
    wait(!trouble_.empty() ? kRetryMs : idle && !dropped ? kLookMs : 0);
    mailbox_.drain(requests);
    if (!requests.empty()) dropped = true;
    take(requests);
    if (ops_.empty() && !stopping_) look();
    if (!ops_.empty())
      write();
    else if (dropped && !stopping_)
      dropped = sweep();
    if (!stopping_) continue;
    stop_at = std::min(stop_at, Clock::now() + kStopWait);
    if (ops_.empty()) return;
    if (Clock::now() >= stop_at) {
      runtime::log_warning(
          "the last changes could not be written to the store before the broker stopped: " +
          trouble_ + " (none of them was acknowledged)");
      return;
    }
  }
}

void StoreActor::take(std::vector<Request>& requests) {
  for (Request& request : requests) {
    if (auto* commit = std::get_if<Commit>(&request)) {
      sequence_ = commit->sequence;
      if (ops_.empty())
        ops_ = std::move(commit->ops);
      else
        ops_.insert(ops_.end(), std::make_move_iterator(commit->ops.begin()),
                    std::make_move_iterator(commit->ops.end()));
    } else if (const auto* load = std::get_if<Load>(&request)) {
      read(*load);
    } else if (const auto* result = std::get_if<LoadResult>(&request)) {
      read(*result);
    } else {
      stopping_ = true;
    }
  }
}

void StoreActor::write() {
  try {
    store_->apply(ops_);
    ops_.clear();
    written_ = true;
    store_->look();  // detects that the file was replaced, in which case the commit must not be
                     // acknowledged
  } catch (const StoreError& error) {
    if (trouble_ != error.what()) events_.post(StoreTrouble{error.what()});
    trouble_ = error.what();
    return;
  }
  if (!trouble_.empty()) {
    trouble_.clear();
    events_.post(StoreHealthy{});
  }
  written_ = false;
  events_.post(Committed{sequence_});
}

void StoreActor::look() {
  if (Clock::now() < looked_at_ + std::chrono::milliseconds(kLookMs)) return;
  looked_at_ = Clock::now();
  try {
    store_->look();
  } catch (const StoreError& error) {
    if (trouble_ != error.what()) events_.post(StoreTrouble{error.what()});
    trouble_ = error.what();
    return;
  }
  if (trouble_.empty()) return;
  trouble_.clear();
  events_.post(StoreHealthy{});
  if (std::exchange(written_, false)) events_.post(Committed{sequence_});
}

void StoreActor::read(const Load& load) {
  try {
    events_.post(Loaded{load.job, load.tasks, store_->load(load.job, load.tasks)});
  } catch (const StoreError& error) {
    events_.post(LoadFailed{load.job, load.tasks, error.what()});
  }
}

void StoreActor::read(const LoadResult& load) {
  try {
    events_.post(ResultLoaded{load.job, load.seq, store_->load_result(load.job, load.seq)});
  } catch (const StoreError& error) {
    events_.post(ResultLoadFailed{load.job, load.seq, error.what()});
  }
}

bool StoreActor::sweep() {
  try {
    return store_->sweep();
  } catch (const StoreError& error) {
    runtime::log_warning(std::string("cannot delete old rows from the store: ") + error.what());
    return false;
  }
}

}  // namespace quern::broker
