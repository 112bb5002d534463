// A peer's connection to the broker: one DEALER, created again after every lost session, with a
// monitor that distinguishes "no broker" from "refused". Joins wire and runtime: the actors of
// client and worker send and receive envelopes through it. Belongs to one thread (its actor).
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <zmq.hpp>

#include "link/access.hpp"
#include "runtime/socket.hpp"
#include "wire/codec.hpp"

namespace quern::link {

runtime::Parts parts_of(const wire::Frames& frames);
wire::Frames frames_of(runtime::Parts&& parts);

/// What is known about the other end. no_keys: there are none to connect with (yet). broken: it
/// aborted the handshake; it may be overloaded, or have other keys. denied: it refused, or uses
/// another mechanism, and trying again would not help.
enum class LinkState { connecting, connected, no_broker, no_keys, broken, denied };

class Connection {
 public:
  Connection(zmq::context_t& context, std::string endpoint, Access access);

  /// Closes the socket and opens a new one: nothing of the old session is in it. Without keys none
  /// is opened, and look() says why. Throws zmq::error_t or std::invalid_argument for a bad
  /// endpoint.
  void reopen();
  /// Closes; queued messages are still sent, for at most `linger`, while the context ends.
  void close(std::chrono::milliseconds linger = {});
  bool is_open() const { return socket_.has_value(); }

  /// False when the message could not be queued (the broker does not read).
  bool send(const wire::Envelope& envelope, std::span<const wire::Message> piggybacked = {});
  /// The next message, if any.
  std::optional<std::variant<wire::Envelope, wire::DecodeError>> receive();

  /// Reads the monitor and returns the state of the connection.
  LinkState look();
  /// A sentence for people that tells why it is not connected and what to do; empty if unknown.
  const std::string& why() const { return why_; }

  void poll_in(runtime::Poller& poller) {
    if (socket_) poller.add(*socket_);
    if (!arrived_.empty()) poller.do_not_wait();
  }
  const std::string& endpoint() const { return endpoint_; }

 private:
  void speaks_another();
  bool use_keys(runtime::SocketOptions& options);

  zmq::context_t& context_;
  std::string endpoint_;
  Access access_;
  std::optional<runtime::Socket> socket_;
  std::string why_;
  LinkState state_ = LinkState::connecting;
  std::deque<wire::Envelope>
      arrived_;  ///< from one ZeroMQ message: piggybacked acknowledgements first
};

}  // namespace quern::link
