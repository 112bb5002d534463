// A peer's connection to the broker: one DEALER, made anew after every lost session, with a monitor that tells "nobody there"
// from "refused". The seam where wire meets runtime: actors of client and worker send and receive envelopes through it.
// Belongs to one thread (its actor).
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <zmq.hpp>

#include "runtime/socket.hpp"
#include "wire/codec.hpp"

namespace quern::link {

runtime::Parts parts_of(const wire::Frames& frames);
wire::Frames frames_of(runtime::Parts&& parts);

/// What is known about the other end.
enum class LinkState { connecting, connected, no_broker, refused };

class Connection {
 public:
  Connection(zmq::context_t& context, std::string endpoint);

  /// Closes the socket and opens a new one: nothing of the old session is in it. Throws zmq::error_t for a bad endpoint.
  void reopen();
  /// Closes; what was sent may still leave, for at most `linger`, while the context ends.
  void close(std::chrono::milliseconds linger = {});
  bool is_open() const { return socket_.has_value(); }

  /// False when the message could not be queued (the broker does not read).
  bool send(const wire::Envelope& envelope);
  /// The next message, if any.
  std::optional<std::variant<wire::Envelope, wire::DecodeError>> receive();

  /// Reads the monitor and says how the connection stands.
  LinkState look();

  void poll_in(runtime::Poller& poller) {
    if (socket_) poller.add(*socket_);
  }
  const std::string& endpoint() const { return endpoint_; }

 private:
  zmq::context_t& context_;
  std::string endpoint_;
  std::optional<runtime::Socket> socket_;
  LinkState state_ = LinkState::connecting;
};

}  // namespace quern::link
