// One connection: reads requests, lets the routes answer them, writes the answers. Included by the
// server and the connection only, because the libraries behind it take long to compile.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>

#include "gateway/http/routes.hpp"
#include "gateway/http/screening.hpp"
#include "gateway/http/server.hpp"
#include "gateway/http/waker.hpp"

namespace quern::gateway {

/// How long a peer may take for the head of a request, and for a TLS handshake.
inline constexpr std::chrono::seconds kHeadTime{5};

using LocalStream = boost::beast::basic_stream<boost::asio::local::stream_protocol>;
using TlsStream = boost::beast::ssl_stream<boost::beast::tcp_stream>;

/// A connection that is counted.
struct Admission {
  std::string address;   ///< empty: a unix socket
  bool is_over = false;  ///< over a limit
};

/// What the connections of a server share.
struct Service {
  boost::asio::io_context& io;
  Routes routes;
  HostNames names;
  Observer observer;
  std::shared_ptr<Waker> waker;
  bool stopping = false;
  /// Ends a connection, at once or only if it has no request.
  std::map<std::uint64_t, std::function<void(bool at_once)>> open{};
  std::uint64_t next_connection = 0;
};

/// Serves one connection to its end. `service` must outlive it.
boost::asio::awaitable<void> converse(boost::asio::ip::tcp::socket socket,
                                      std::shared_ptr<Admission> admission, Service& service);
boost::asio::awaitable<void> converse(boost::asio::local::stream_protocol::socket socket,
                                      std::shared_ptr<Admission> admission, Service& service);
boost::asio::awaitable<void> converse(TlsStream stream, std::shared_ptr<Admission> admission,
                                      Service& service);

}  // namespace quern::gateway
