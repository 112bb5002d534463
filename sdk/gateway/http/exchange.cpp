#include "gateway/http/exchange.hpp"

namespace quern::gateway {
namespace {

// What waits for a slow peer, and what waits for a slow handler.
constexpr std::size_t kUnsentMost = 256u << 10;
constexpr std::size_t kUnreadMost = 256u << 10;

}  // namespace

void Exchange::respond(Response response) {
  {
    std::lock_guard lock(mutex_);
    if (answered_ || outcome_) return;
    answered_ = true;
    answer_ = std::move(response);
  }
  wake_();
}

void Exchange::begin(Response head) {
  {
    std::lock_guard lock(mutex_);
    if (answered_ || outcome_) return;
    answered_ = streamed_ = true;
    parts_ = std::move(head.body);
    head.body.clear();
    answer_ = std::move(head);
  }
  wake_();
}

bool Exchange::write(std::string part) {
  bool is_news = false;
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return outcome_ || parts_.size() < kUnsentMost; });
    if (outcome_) return false;
    is_news = parts_.empty();  // otherwise the connection knows already
    parts_ += part;
  }
  if (is_news) wake_();
  return true;
}

bool Exchange::offer(std::string part) {
  {
    std::lock_guard lock(mutex_);
    if (outcome_ || parts_.size() + part.size() > kUnsentMost) return false;
    parts_ += part;
  }
  wake_();
  return true;
}

void Exchange::end(bool complete) {
  {
    std::lock_guard lock(mutex_);
    if (rest_ != Rest::more) return;
    rest_ = complete ? Rest::complete : Rest::cut;
  }
  wake_();
}

bool Exchange::gone() const {
  std::lock_guard lock(mutex_);
  return outcome_ == false;
}

void Exchange::on_outcome(std::function<void(bool)> told) {
  std::unique_lock lock(mutex_);
  if (!outcome_) {
    told_.push_back(std::move(told));
    return;
  }
  lock.unlock();
  told(*outcome_);
}

std::optional<std::string> Exchange::read() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !body_.empty() || body_state_ != Body::coming; });
  if (body_.empty()) return std::nullopt;
  std::string block = std::move(body_.front());
  body_.pop_front();
  body_bytes_ -= block.size();
  lock.unlock();
  wake_();
  return block;
}

bool Exchange::body_is_whole() const {
  std::lock_guard lock(mutex_);
  return body_state_ == Body::whole;
}

std::optional<Response> Exchange::take_answer() {
  std::lock_guard lock(mutex_);
  return std::exchange(answer_, std::nullopt);
}

bool Exchange::is_answered() const {
  std::lock_guard lock(mutex_);
  return answered_;
}

bool Exchange::is_streamed() const {
  std::lock_guard lock(mutex_);
  return streamed_;
}

std::string Exchange::take_parts() {
  std::lock_guard lock(mutex_);
  changed_.notify_all();
  return std::exchange(parts_, {});
}

Exchange::Rest Exchange::rest() const {
  std::lock_guard lock(mutex_);
  return parts_.empty() ? rest_ : Rest::more;
}

void Exchange::conclude(bool written) {
  std::vector<std::function<void(bool)>> all;
  {
    std::lock_guard lock(mutex_);
    if (outcome_) return;
    outcome_ = written;
    if (body_state_ == Body::coming) body_state_ = Body::cut;
    all = std::exchange(told_, {});
    changed_.notify_all();
  }
  for (const auto& told : all) told(written);
}

bool Exchange::wants_body() const {
  std::lock_guard lock(mutex_);
  return body_bytes_ < kUnreadMost;
}

void Exchange::feed(std::string block) {
  std::lock_guard lock(mutex_);
  body_bytes_ += block.size();
  body_.push_back(std::move(block));
  changed_.notify_all();
}

void Exchange::end_body(bool whole) {
  std::lock_guard lock(mutex_);
  if (body_state_ == Body::coming) body_state_ = whole ? Body::whole : Body::cut;
  changed_.notify_all();
}

}  // namespace quern::gateway
