#include "client/feeder.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <thread>

#include "quern/error.hpp"
#include "wire/limits.hpp"

namespace quern::client {
namespace {

enum class Pulled : std::uint8_t { item, end };

float cost_of(const Items& items, BytesView item) {
  const double cost = items.cost(item);
  if (!std::isfinite(cost) || cost < 0)
    throw SubmitError(ErrorCode::bad_input,
                      "the cost of an item must be a number that is not negative");
  return static_cast<float>(std::min<double>(cost, std::numeric_limits<float>::max()));
}

// Moves one item from the source to the queue.
Pulled pull(Items& items, InputQueue& queue, Bytes& item, InputQueue::Room& room) {
  if (!items.next || !items.next(item)) {
    queue.end();
    return Pulled::end;
  }
  if (item.size() > wire::kItemBytesMax) {
    throw SubmitError(ErrorCode::limit, "an item of " + std::to_string(item.size()) +
                                            " bytes exceeds the limit of 64 MiB");
  }
  room = items.cost ? queue.put(item, cost_of(items, item)) : queue.put(item);
  return Pulled::item;
}

}  // namespace

void FeederCount::add() {
  std::lock_guard lock(mutex_);
  ++count_;
}

void FeederCount::remove() {
  std::lock_guard lock(mutex_);
  --count_;
  changed_.notify_all();
}

bool FeederCount::wait_for_none(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [this] { return count_ == 0; });
}

InputLedger::Rest feed_first_batch(Items& items, InputQueue& queue) {
  Bytes item;
  auto room = InputQueue::Room::left;
  for (std::size_t bytes = 0; bytes < wire::kBatchBytesMax; bytes += item.size() + 4) {
    if (pull(items, queue, item, room) == Pulled::end) return InputLedger::Rest::none;
  }
  return InputLedger::Rest::comes;
}

void start_feeder(Items items, std::shared_ptr<InputQueue> queue, SourceFailed failed,
                  std::shared_ptr<FeederCount> count) {
  count->add();
  std::thread([items = std::move(items), queue = std::move(queue), failed = std::move(failed),
               count = std::move(count)]() mutable {
    try {
      Bytes item;
      auto room = InputQueue::Room::left;
      while (!queue->stopped() && pull(items, *queue, item, room) == Pulled::item) {
        if (room == InputQueue::Room::none && !queue->wait_for_room()) break;
      }
    } catch (...) {
      failed(std::current_exception());
    }
    // The captures of the source and the callback are destroyed before the count tells that no user
    // objects are in use any more.
    items = {};
    failed = nullptr;
    queue.reset();
    count->remove();
  }).detach();
}

}  // namespace quern::client
