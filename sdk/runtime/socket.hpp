// ZeroMQ behind a small interface: contexts, DEALER and ROUTER sockets, their monitor, and one poll
// call. A Socket belongs to one thread for its whole life. Nothing here depends on what the parts
// mean.
#pragma once

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <zmq.hpp>

namespace quern::runtime {

/// One part of a message: its bytes, and the owner that keeps them alive.
struct Part {
  std::shared_ptr<const void> owner;
  std::string_view view;
};
using Parts = std::vector<Part>;

/// Parts at least this large are sent and received without a copy; smaller ones are copied, because
/// keeping a small message would keep libzmq's 8 KiB receive buffer allocated.
inline constexpr std::size_t kShareFrom = 64u << 10;

enum class SendResult { sent, full, unreachable };

/// What happened on a socket's connection since the last call. denied: the other side's
/// authentication rejected it permanently. busy: it rejected it temporarily. foreign: the other
/// side uses another security mechanism, or not ZMTP at all. broken_handshake: it closed the
/// connection during the handshake, as a server does that cannot decrypt what was encrypted for
/// another key.
enum class LinkEvent {
  none,
  connected,
  disconnected,
  denied,
  busy,
  foreign,
  broken_handshake,
  retrying
};

/// A CURVE client: keys in Z85. Without both, CURVE is not used.
struct CurveClient {
  std::string server_key;
  std::string public_key;
  std::string secret_key;
};
/// A CURVE server. `zap_domain` is passed to the authentication handler; without a handler, every
/// connection is rejected.
struct CurveServer {
  std::string secret_key;
  std::string zap_domain;
};

/// The sender of a message to a ROUTER, as known to the transport. Empty without authentication.
struct Origin {
  std::string user;
  std::string address;
};

struct SocketOptions {
  std::int64_t part_bytes_max = -1;  ///< ZMQ_MAXMSGSIZE
  int high_water_mark = 1000;        ///< messages in each direction
  std::chrono::milliseconds handshake{3000};
  int backlog = 100;  ///< connections waiting to be accepted
  std::optional<CurveClient> curve_client;
  std::optional<CurveServer> curve_server;
};

class Socket {
 public:
  static Socket router(zmq::context_t& context, const SocketOptions& options);
  static Socket dealer(zmq::context_t& context, const SocketOptions& options);

  Socket(Socket&&) = default;
  Socket& operator=(Socket&&) = delete;
  ~Socket();

  /// Binds, and returns the endpoint with port 0 resolved. Throws zmq::error_t (for example
  /// EADDRINUSE).
  std::string bind(const std::string& endpoint);
  /// Throws std::invalid_argument for an invalid port, zmq::error_t for other errors.
  void connect(const std::string& endpoint);
  /// Starts watching the connection, for link_event(). Call it before connect().
  void watch(zmq::context_t& context);
  LinkEvent link_event();

  /// The next message, or nullopt if there is none. A message with more than `parts_max` parts is
  /// truncated to parts_max + 1, so that the caller sees that it was too long.
  std::optional<Parts> receive(std::size_t parts_max) { return receive(parts_max, nullptr); }
  std::optional<Parts> receive(std::size_t parts_max, Origin& origin) {
    return receive(parts_max, &origin);
  }

  /// Sends without blocking; a ROUTER puts `routing_id` first. Nothing is dropped silently.
  SendResult send(std::string_view routing_id, const Parts& parts);
  SendResult send(const Parts& parts) { return send({}, parts); }

  zmq::socket_t& raw() { return socket_; }

 private:
  friend class Poller;
  std::optional<Parts> receive(std::size_t parts_max, Origin* origin);
  /// Whether there may be something to read although the descriptor does not signal it.
  bool has_more();
  explicit Socket(zmq::socket_t socket) : socket_(std::move(socket)) {}
  zmq::socket_t socket_;
  std::unique_ptr<zmq::socket_t> monitor_;
  // libzmq's descriptor is edge-triggered: it does not signal what was there before. It is reliable
  // only if the last read found nothing and nothing was sent since (a send consumes what the
  // descriptor signalled).
  bool read_out_ = false;
  bool monitor_read_out_ = false;
};

/// Waits until one of the sockets or descriptors is readable or `timeout` has passed (negative:
/// forever). Returns on EINTR. With zmq_poll, one task in an idle system took 50 system calls in
/// the broker alone, because it checks each socket before and after it waits.
class Poller {
 public:
  void add(Socket& socket);
  void add(int fd);
  void clear();
  /// Something is available that no descriptor signals, so the next wait() does not block.
  void do_not_wait() { at_once_ = true; }
  void wait(std::chrono::milliseconds timeout);
  /// After wait(): whether the n-th thing added is readable (a watched socket counts as two).
  bool readable(std::size_t n) const { return (polled_[n].revents & POLLIN) != 0; }

 private:
  std::vector<pollfd> polled_;
  bool at_once_ = false;
  std::vector<Socket*>
      sockets_;  ///< parallel to polled_; null for a descriptor and for a socket's monitor
};

}  // namespace quern::runtime
