// ZeroMQ behind a small face: contexts, DEALER and ROUTER sockets, their monitor, and one poll
// call. A Socket belongs to one thread for its whole life. Nothing here knows what the parts mean.
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

/// One part of a message: bytes and who keeps them alive.
struct Part {
  std::shared_ptr<const void> owner;
  std::string_view view;
};
using Parts = std::vector<Part>;

/// Parts at least this large are sent and received without a copy; smaller ones are copied, because
/// a small kept message pins libzmq's 8 KiB receive buffer.
inline constexpr std::size_t kShareFrom = 64u << 10;

enum class SendResult { sent, full, unreachable };

/// What happened on a socket's connection since the last look. denied: the other side's
/// authentication said no for good. busy: it said no for now. foreign: it speaks another security
/// mechanism, or no ZMTP at all. broken_handshake: it closed during the handshake, which is what a
/// server does that cannot read what was encrypted for another key.
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

/// A CURVE client: keys in Z85. No CURVE where both are absent.
struct CurveClient {
  std::string server_key;
  std::string public_key;
  std::string secret_key;
};
/// A CURVE server. `zap_domain` is told to the authentication handler, without which nobody is let
/// in.
struct CurveServer {
  std::string secret_key;
  std::string zap_domain;
};

/// Who sent a message to a ROUTER, as the transport knows it. Empty without authentication.
struct Origin {
  std::string user;
  std::string address;
};

struct SocketOptions {
  std::int64_t part_bytes_max = -1;  ///< ZMQ_MAXMSGSIZE
  int high_water_mark = 1000;        ///< messages, each way
  std::chrono::milliseconds handshake{3000};
  int backlog = 100;  ///< connections that wait to be accepted
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

  /// Binds and returns the endpoint with port 0 resolved. Throws zmq::error_t (EADDRINUSE and the
  /// like).
  std::string bind(const std::string& endpoint);
  /// Throws std::invalid_argument for a port that does not exist, zmq::error_t for the rest.
  void connect(const std::string& endpoint);
  /// Starts watching the connection; link_event() then reports. Before connect().
  void watch(zmq::context_t& context);
  LinkEvent link_event();

  /// The next message, or nullopt when none is there. At most `parts_max` parts are kept; a message
  /// with more is returned cut to parts_max + 1, so that the caller sees that it was too long.
  std::optional<Parts> receive(std::size_t parts_max) { return receive(parts_max, nullptr); }
  std::optional<Parts> receive(std::size_t parts_max, Origin& origin) {
    return receive(parts_max, &origin);
  }

  /// Sends without blocking; `routing_id` first when this is a ROUTER. Nothing is dropped in
  /// silence.
  SendResult send(std::string_view routing_id, const Parts& parts);
  SendResult send(const Parts& parts) { return send({}, parts); }

  zmq::socket_t& raw() { return socket_; }

 private:
  friend class Poller;
  std::optional<Parts> receive(std::size_t parts_max, Origin* origin);
  /// Whether something may be there to read, though the descriptor does not say so.
  bool has_more();
  explicit Socket(zmq::socket_t socket) : socket_(std::move(socket)) {}
  zmq::socket_t socket_;
  std::unique_ptr<zmq::socket_t> monitor_;
  // libzmq's descriptor tells of changes, not of states: it stays quiet about what was there
  // before. It may be trusted only when the last look found nothing and no send has looked since (a
  // send takes in what the descriptor told of).
  bool read_out_ = false;
  bool monitor_read_out_ = false;
};

/// Waits until one of the sockets or descriptors is readable or `timeout` has passed (negative: for
/// ever). EINTR returns. With zmq_poll an idle task's way took 50 system calls in the broker alone:
/// it looks at each socket before and after it waits.
class Poller {
 public:
  void add(Socket& socket);
  void add(int fd);
  void clear();
  /// Something is there already that no descriptor tells of: the next wait() only looks.
  void do_not_wait() { at_once_ = true; }
  void wait(std::chrono::milliseconds timeout);
  /// After wait(): whether the n-th thing added is readable (a watched socket counts as two).
  bool readable(std::size_t n) const { return (polled_[n].revents & POLLIN) != 0; }

 private:
  std::vector<pollfd> polled_;
  bool at_once_ = false;
  std::vector<Socket*>
      sockets_;  ///< beside polled_; null for a descriptor, and for a socket's monitor
};

}  // namespace quern::runtime
