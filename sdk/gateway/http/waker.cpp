#include "gateway/http/waker.hpp"

#include <boost/asio/post.hpp>
#include <utility>

namespace quern::gateway {

void Waker::wake(std::weak_ptr<Signal> signal) {
  std::lock_guard lock(mutex_);
  if (!io_) return;
  boost::asio::post(*io_, [signal = std::move(signal)] {
    const auto woken = signal.lock();
    if (!woken) return;
    woken->timer.cancel();
    if (woken->also) woken->also();
  });
}

void Waker::close() {
  std::lock_guard lock(mutex_);
  io_ = nullptr;
}

}  // namespace quern::gateway
