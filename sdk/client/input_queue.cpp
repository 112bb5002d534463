#include "client/input_queue.hpp"

#include <utility>

#include "wire/limits.hpp"

namespace quern::client {
namespace {

// Full batches ahead of the network: enough to hide short delays of the source, and small compared
// with a streamed input.
constexpr std::size_t kAheadMax = 4 * wire::kBatchBytesMax;

// Whether one more payload keeps the batch within its limits, also when it is the one that makes
// the sizes differ.
bool fits(const wire::BatchBuilder& builder, std::size_t size, std::size_t costs) {
  if (builder.empty()) return true;
  const std::size_t columns = costs > 0 ? 8 : 4;  // sizes, and costs
  return builder.weight() + size + columns * (builder.count() + 1) <= wire::kBatchBytesMax &&
         builder.count() < wire::kBatchTasksMax;
}

}  // namespace

bool InputQueue::add(BytesView item, std::optional<float> cost) {
  if (!fits(builder_, item.size(), costs_.size())) {
    const std::size_t weight = builder_.weight();
    sealed_bytes_ += weight;
    sealed_.push_back({builder_.take(), std::exchange(costs_, {}), weight});
  }
  builder_.add(item);
  if (cost) costs_.push_back(*cost);
  return std::exchange(hungry_, false);
}

InputQueue::Room InputQueue::put(BytesView item, std::optional<float> cost) {
  bool wake = false;
  Room left = Room::left;
  {
    std::lock_guard lock(mutex_);
    wake = add(item, cost);
    left = room();
  }
  if (wake) wake_();
  return left;
}

InputQueue::Offered InputQueue::offer(BytesView item,
                                      std::optional<std::chrono::milliseconds> patience) {
  bool wake = false;
  {
    std::unique_lock lock(mutex_);
    const auto decided = [this] { return stopped() || is_ended() || room() == Room::left; };
    if (!patience)
      has_room_.wait(lock, decided);
    else if (!has_room_.wait_for(lock, *patience, decided))
      return Offered::full;
    if (is_ended()) return Offered::closed;
    if (stopped()) return Offered::stopped;
    wake = add(item, std::nullopt);
  }
  if (wake) wake_();
  return Offered::taken;
}

InputQueue::Room InputQueue::room() const {
  return sealed_bytes_ < kAheadMax ? Room::left : Room::none;
}

bool InputQueue::wait_for_room() {
  std::unique_lock lock(mutex_);
  has_room_.wait(lock, [this] { return stopped() || room() == Room::left; });
  return !stopped();
}

void InputQueue::end() {
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    if (is_ended()) return;
    end_ = End::ended;
    wake = hungry_;
    hungry_ = false;
  }
  has_room_.notify_all();
  if (wake) wake_();
}

void InputQueue::stop() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    sealed_.clear();
    sealed_bytes_ = 0;
    builder_ = {};
    costs_.clear();
  }
  has_room_.notify_all();
}

void InputQueue::pop(Chunk& into) {
  if (sealed_.empty()) {
    into.batch = builder_.take();
    into.costs = std::exchange(costs_, {});
    return;
  }
  into.batch = std::move(sealed_.front().batch);
  into.costs = std::move(sealed_.front().costs);
  const Room before = room();
  sealed_bytes_ -= sealed_.front().weight;
  sealed_.pop_front();
  if (before == Room::none) has_room_.notify_all();
}

InputQueue::Chunk InputQueue::take_first() {
  std::lock_guard lock(mutex_);
  Chunk chunk;
  pop(chunk);
  if (is_ended() && sealed_.empty() && builder_.empty()) {
    end_ = End::reported;
    chunk.rest = InputLedger::Rest::none;
  }
  return chunk;
}

std::optional<InputQueue::Chunk> InputQueue::take() {
  std::lock_guard lock(mutex_);
  Chunk chunk;
  if (!sealed_.empty() || !builder_.empty()) {
    pop(chunk);
  } else if (end_ != End::ended) {
    hungry_ = end_ == End::open;
    return std::nullopt;
  }
  if (is_ended() && sealed_.empty() && builder_.empty()) {
    end_ = End::reported;
    chunk.rest = InputLedger::Rest::none;
  }
  return chunk;
}

}  // namespace quern::client
