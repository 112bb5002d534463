#include "quern/feed.hpp"

#include <stdexcept>
#include <string>

#include "client/callbacks.hpp"
#include "client/input_queue.hpp"
#include "quern/error.hpp"
#include "wire/limits.hpp"

namespace quern {
namespace {

void check_size(BytesView item) {
  if (item.size() > wire::kItemBytesMax)
    throw Error(ErrorCode::limit,
                "an item has " + std::to_string(item.size()) + " bytes; the limit is 64 MiB");
}

Pushed pushed(client::InputQueue::Offered offered) {
  switch (offered) {
    case client::InputQueue::Offered::taken:
      return Pushed::taken;
    case client::InputQueue::Offered::full:
      return Pushed::full;
    case client::InputQueue::Offered::stopped:
      return Pushed::ended;
    case client::InputQueue::Offered::closed:
      break;
  }
  throw std::logic_error("an item was pushed into a quern::Feed after close()");
}

}  // namespace

Feed::Feed(Encoding encoding)
    : queue_(std::make_shared<client::InputQueue>()), encoding_(encoding) {}

Pushed Feed::push(BytesView item) const {
  check_size(item);
  client::check_may_block("Feed::push()");
  return pushed(queue_->offer(item, std::nullopt));
}

Pushed Feed::try_push(BytesView item) const {
  check_size(item);
  return pushed(queue_->offer(item, std::chrono::milliseconds(0)));
}

Pushed Feed::push_for(BytesView item, std::chrono::milliseconds timeout) const {
  check_size(item);
  if (timeout.count() > 0) client::check_may_block("Feed::push_for()");
  return pushed(queue_->offer(item, timeout));
}

void Feed::close() const { queue_->end(); }

}  // namespace quern
