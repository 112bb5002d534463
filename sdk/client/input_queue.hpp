// Items between their producers (a feeder thread, callers of submit) and the actor. The actor takes
// what is available when it has credit; nothing waits for a batch to fill, and a busy actor finds
// full batches. Any thread may call anything.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "client/input_ledger.hpp"
#include "wire/batch.hpp"

namespace quern::client {

class InputQueue {
 public:
  /// What the actor takes: a batch (possibly empty) and whether more will come.
  struct Chunk {
    wire::Batch batch;
    std::vector<float> costs;  ///< one per item, or none
    InputLedger::Rest rest = InputLedger::Rest::comes;
  };
  enum class Room : std::uint8_t { left, none };

  /// `wake` is called, outside all locks, when input arrives after take() found none. Set it before
  /// a second thread uses the queue.
  void on_ready(std::function<void()> wake) { wake_ = std::move(wake); }

  /// `existing` is called by tell_existing(), on its thread. Set it as early as on_ready().
  void on_existing(std::function<void()> existing) { existing_ = std::move(existing); }
  void tell_existing() {
    if (existing_) existing_();
  }

  /// Whether the queue gets its items from this one submission; false for every one after the
  /// first.
  bool connect() { return !connected_.exchange(true); }

  enum class Offered : std::uint8_t { taken, full, stopped, closed };
  /// Adds an item when there is room; waits for room at most that long (none: forever).
  Offered offer(BytesView item, std::optional<std::chrono::milliseconds> patience);

  /// Adds an item of at most kItemBytesMax, with its cost if the source provides costs (then every
  /// item has one). Room::none: wait_for_room() before the next, if the source can wait.
  Room put(BytesView item, std::optional<float> cost = {});
  /// False when the queue was stopped.
  bool wait_for_room();
  /// No more items will come.
  void end();
  /// Items are not taken any more, so feeders stop.
  void stop();
  bool stopped() const { return stopped_.load(std::memory_order_relaxed); }

  /// For SUBMIT: takes what is available now, possibly nothing.
  Chunk take_first();
  /// Takes what is available, or nullopt; then the wake function will be called.
  std::optional<Chunk> take();

 private:
  bool is_ended() const { return end_ != End::open; }
  void pop(Chunk& into);
  /// Adds it, under the lock; true: the wake function must be called.
  bool add(BytesView item, std::optional<float> cost);
  Room room() const;

  std::mutex mutex_;
  std::condition_variable has_room_;
  struct Sealed {
    wire::Batch batch;
    std::vector<float> costs;
    std::size_t weight = 0;  ///< what it counts in sealed_bytes_
  };
  std::deque<Sealed> sealed_;  // full batches, in order; the builder comes after them
  std::size_t sealed_bytes_ = 0;
  wire::BatchBuilder builder_;
  std::vector<float> costs_;  // of the items in the builder
  enum class End : std::uint8_t { open, ended, reported } end_ = End::open;
  bool hungry_ = false;  // take() found nothing
  std::atomic<bool> stopped_{false};
  std::atomic<bool> connected_{false};
  std::function<void()> wake_;
  std::function<void()> existing_;
};

}  // namespace quern::client
