#include "runtime/socket.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <limits>
#include <system_error>
#include <utility>

#include "runtime/address.hpp"

namespace quern::runtime {
namespace {

// ZMQ_ZAP_ENFORCE_DOMAIN: libzmq 4.3 supports it, but its header defines it for draft builds only.
constexpr int kZapEnforceDomain = 93;
// Bytes that encryption adds to a message: its name, a nonce, an authentication tag, a flag
// (CurveZMQ, RFC 26).
constexpr std::int64_t kCurveBytes = 33;
constexpr std::uint32_t kDeniedForGood =
    400;  // ZAP status; 300 is a temporary failure, 500 a failure of the handler

zmq::socket_t make(zmq::context_t& context, zmq::socket_type type, const SocketOptions& options) {
  zmq::socket_t socket(context, type);
  socket.set(zmq::sockopt::linger, 0);
  const bool encrypted = options.curve_client || options.curve_server;
  socket.set(zmq::sockopt::maxmsgsize, options.part_bytes_max < 0 || !encrypted
                                           ? options.part_bytes_max
                                           : options.part_bytes_max + kCurveBytes);
  socket.set(zmq::sockopt::sndhwm, options.high_water_mark);
  socket.set(zmq::sockopt::rcvhwm, options.high_water_mark);
  socket.set(zmq::sockopt::handshake_ivl, static_cast<int>(options.handshake.count()));
  socket.set(zmq::sockopt::backlog, options.backlog);
  if (const auto& curve = options.curve_client) {
    socket.set(zmq::sockopt::curve_serverkey, curve->server_key);
    socket.set(zmq::sockopt::curve_publickey, curve->public_key);
    socket.set(zmq::sockopt::curve_secretkey, curve->secret_key);
  }
  if (const auto& curve = options.curve_server) {
    socket.set(zmq::sockopt::curve_server, true);
    socket.set(zmq::sockopt::curve_secretkey, curve->secret_key);
    socket.set(zmq::sockopt::zap_domain, curve->zap_domain);
    // Without a handler, every connection is rejected instead of accepted.
    const int enforce = 1;
    if (zmq_setsockopt(socket.handle(), kZapEnforceDomain, &enforce, sizeof enforce) != 0)
      throw zmq::error_t();
  }
  return socket;
}

/// A property that the transport attached; empty if there is none.
std::string property_of(zmq::message_t& message, const char* name) {
  const char* text = zmq_msg_gets(message.handle(), name);
  return text ? text : "";
}

Part take(zmq::message_t&& message) {
  if (message.size() >= kShareFrom) {
    auto owner = std::make_shared<zmq::message_t>(std::move(message));
    std::string_view view(static_cast<const char*>(owner->data()), owner->size());
    return {std::move(owner), view};
  }
  if (message.size() == 0) return {};
  auto owner =
      std::make_shared<std::string>(static_cast<const char*>(message.data()), message.size());
  std::string_view view = *owner;
  return {std::move(owner), view};
}

void release_owner(void*, void* hint) { delete static_cast<std::shared_ptr<const void>*>(hint); }

zmq::message_t give(const Part& part) {
  if (part.view.size() < kShareFrom || !part.owner)
    return zmq::message_t(part.view.data(), part.view.size());
  // libzmq never writes to the data of a message that it sends.
  return zmq::message_t(const_cast<char*>(part.view.data()), part.view.size(), release_owner,
                        new std::shared_ptr<const void>(part.owner));
}

}  // namespace

Socket Socket::router(zmq::context_t& context, const SocketOptions& options) {
  zmq::socket_t socket = make(context, zmq::socket_type::router, options);
  socket.set(zmq::sockopt::router_mandatory, 1);
  return Socket(std::move(socket));
}

Socket Socket::dealer(zmq::context_t& context, const SocketOptions& options) {
  zmq::socket_t socket = make(context, zmq::socket_type::dealer, options);
  socket.set(zmq::sockopt::reconnect_ivl, 100);
  socket.set(zmq::sockopt::reconnect_ivl_max, 2000);
  return Socket(std::move(socket));
}

Socket::~Socket() {
  // Closes the source of the events before their reader: if the reader is gone while libzmq's
  // thread has an event to report, that thread blocks forever, and with it every later connection
  // of this context.
  if (monitor_) zmq_socket_monitor(socket_.handle(), nullptr, 0);
}

std::string Socket::bind(const std::string& endpoint) {
  const Address address = address_to_bind(endpoint);
  socket_.set(zmq::sockopt::ipv6, address.six);
  socket_.bind(address.endpoint);
  return socket_.get(zmq::sockopt::last_endpoint);
}

void Socket::connect(const std::string& endpoint) {
  const Address address = address_to_connect(endpoint);
  socket_.set(zmq::sockopt::ipv6, address.six);
  socket_.connect(address.endpoint);
}

void Socket::watch(zmq::context_t& context) {
  static std::atomic<std::uint64_t> counter{0};
  const std::string address = "inproc://quern-monitor-" + std::to_string(++counter);
  const int events = ZMQ_EVENT_CONNECTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
                     ZMQ_EVENT_CONNECT_RETRIED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                     ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
  if (zmq_socket_monitor(socket_.handle(), address.c_str(), events) != 0) throw zmq::error_t();
  monitor_ = std::make_unique<zmq::socket_t>(context, zmq::socket_type::pair);
  monitor_->set(zmq::sockopt::linger, 0);
  monitor_->connect(address);
}

LinkEvent Socket::link_event() {
  LinkEvent last = LinkEvent::none;
  if (!monitor_ || monitor_read_out_) return last;
  zmq::message_t part;
  while (monitor_->recv(part, zmq::recv_flags::dontwait)) {
    std::uint16_t event = 0;
    std::uint32_t detail = 0;
    if (part.size() >= sizeof event + sizeof detail) {
      std::memcpy(&event, part.data(), sizeof event);
      std::memcpy(&detail, part.data<char>() + sizeof event, sizeof detail);
    }
    while (part.more()) {
      if (!monitor_->recv(part, zmq::recv_flags::none)) break;
    }
    switch (event) {
      case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        last = LinkEvent::connected;
        break;
      // Later events are left for the next call, because a reconnection among them must not hide
      // that the old connection is gone.
      case ZMQ_EVENT_DISCONNECTED:
        return LinkEvent::disconnected;
      case ZMQ_EVENT_CONNECT_RETRIED:
        last = LinkEvent::retrying;
        break;
      case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        return LinkEvent::broken_handshake;
      case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        return LinkEvent::foreign;
      case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        return detail == kDeniedForGood ? LinkEvent::denied : LinkEvent::busy;
      default:
        break;
    }
  }
  monitor_read_out_ = true;  // until the poller finds the descriptor readable
  return last;
}

bool Socket::has_more() {
  if (monitor_ && !monitor_read_out_) return true;
  if (read_out_) return false;
  return (socket_.get(zmq::sockopt::events) & ZMQ_POLLIN) != 0;
}

std::optional<Parts> Socket::receive(std::size_t parts_max, Origin* origin) {
  Parts parts;
  read_out_ = false;         // this read consumes what the descriptor signalled; more may follow
  if (origin) *origin = {};  // never that of the previous message
  bool more = true;
  while (more) {
    zmq::message_t part;
    // Only the first part can be missing: a multipart message arrives completely or not at all.
    if (!socket_.recv(part, zmq::recv_flags::dontwait)) {
      read_out_ = true;
      return std::nullopt;
    }
    // A ROUTER generates the first part, the routing id, itself. The properties of the sender come
    // with the next part.
    if (origin && parts.size() == 1) {
      origin->user = property_of(part, "User-Id");
      origin->address = plain_address(property_of(part, "Peer-Address"));
    }
    more = part.more();
    if (parts.size() <= parts_max) parts.push_back(take(std::move(part)));
  }
  return parts;
}

SendResult Socket::send(std::string_view routing_id, const Parts& parts) {
  using zmq::send_flags;
  read_out_ = false;
  try {
    if (!routing_id.empty()) {
      zmq::message_t id(routing_id.data(), routing_id.size());
      if (!socket_.send(id, send_flags::dontwait | send_flags::sndmore)) return SendResult::full;
    }
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto more = i + 1 < parts.size() ? send_flags::sndmore : send_flags::none;
      zmq::message_t part = give(parts[i]);
      if (!socket_.send(part, send_flags::dontwait | more)) return SendResult::full;
    }
  } catch (const zmq::error_t& error) {
    if (error.num() == EHOSTUNREACH) return SendResult::unreachable;
    throw;
  }
  return SendResult::sent;
}

void Poller::add(Socket& socket) {
  polled_.push_back({socket.socket_.get(zmq::sockopt::fd), POLLIN, 0});
  sockets_.push_back(&socket);
  if (!socket.monitor_) return;
  polled_.push_back({socket.monitor_->get(zmq::sockopt::fd), POLLIN, 0});
  sockets_.push_back(nullptr);
}

void Poller::add(int fd) {
  polled_.push_back({fd, POLLIN, 0});
  sockets_.push_back(nullptr);
}

void Poller::clear() {
  polled_.clear();
  sockets_.clear();
  at_once_ = false;
}

void Poller::wait(std::chrono::milliseconds timeout) {
  bool more = std::exchange(at_once_, false);
  for (Socket* socket : sockets_) more = more || (socket && socket->has_more());
  const auto most = std::chrono::milliseconds{std::numeric_limits<int>::max()};
  const int wait_ms = more ? 0 : static_cast<int>(std::min(timeout, most).count());
  if (::poll(polled_.data(), polled_.size(), wait_ms) < 0) {
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "poll");
    for (auto& item : polled_) item.revents = 0;
  }
  for (std::size_t i = 0; i < polled_.size(); ++i)
    if (sockets_[i] && sockets_[i]->monitor_ && (polled_[i + 1].revents & POLLIN) != 0)
      sockets_[i]->monitor_read_out_ = false;
}

}  // namespace quern::runtime
