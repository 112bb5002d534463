// One request and its answer. The connection, on the I/O thread, and the handler, on any thread,
// meet here and nowhere else.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "gateway/http/message.hpp"

namespace quern::gateway {

/// The handler answers once: with respond(), or with begin(), write() or offer(), and end().
/// Everything after the peer has left is dropped.

class Exchange {
 public:
  /// `wake`: tells the I/O thread that something is new; called from any thread.
  Exchange(Request asked, std::function<void()> wake)
      : request(std::move(asked)), wake_(std::move(wake)) {}

  Request request;

  // ---- for the handler, on any thread

  void respond(Response response);

  /// Begins an answer whose length is not known; the body of `head` is its first part.
  void begin(Response head);
  /// Adds a part. Blocks while the peer reads more slowly. False if it has left.
  bool write(std::string part);
  /// Adds a part unless too much waits already, or the peer has left; never blocks.
  bool offer(std::string part);
  /// Ends the answer that begin() began. Not `complete`: the connection is cut, so that the peer
  /// does not take the answer for a whole one.
  void end(bool complete = true);

  /// Whether the peer has left before it got the answer.
  bool gone() const;
  /// Each is called once on the I/O thread: when the answer was written (true), or when the peer
  /// has left before (false). At once if that was already.
  void on_outcome(std::function<void(bool written)> told);

  /// The next block of a body that is read as a stream. Blocks. Nothing after the last one; see
  /// body_is_whole().
  std::optional<std::string> read();
  /// After read() returned nothing: whether that was the end of the body, or the peer left before.
  bool body_is_whole() const;

  // ---- for the connection, on the I/O thread

  /// The answer, or the head of a streamed one, once there is one.
  std::optional<Response> take_answer();
  bool is_answered() const;
  bool is_streamed() const;
  /// Parts that wait to be written, joined; empty if there are none.
  std::string take_parts();
  enum class Rest { more, complete, cut };
  /// Whether more parts will come after those that were taken.
  Rest rest() const;
  /// The answer was written, or the peer has left.
  void conclude(bool written);
  /// False while the handler has yet to read what was fed.
  bool wants_body() const;
  void feed(std::string block);
  void end_body(bool whole);

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> wake_;
  std::optional<Response> answer_;
  bool answered_ = false;
  bool streamed_ = false;
  std::string parts_;
  Rest rest_ = Rest::more;
  std::optional<bool> outcome_;  ///< written, or gone
  std::vector<std::function<void(bool)>> told_;
  std::list<std::string> body_;  ///< takes no memory while it is empty
  std::size_t body_bytes_ = 0;
  enum class Body { coming, whole, cut } body_state_ = Body::coming;
};

}  // namespace quern::gateway
