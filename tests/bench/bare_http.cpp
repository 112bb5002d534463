// A bare Beast server, which answers every request with the same body: the measure for the gateway.
// usage: bare_http FILE   prints its port
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Tcp = net::ip::tcp;

namespace {

net::awaitable<void> serve(beast::tcp_stream stream, const std::string& body) {
  beast::flat_buffer buffer;
  boost::system::error_code error;
  while (!error) {
    http::request<http::string_body> request;
    stream.expires_after(std::chrono::seconds(75));
    co_await http::async_read(stream, buffer, request,
                              net::redirect_error(net::use_awaitable, error));
    if (error) break;
    http::response<http::string_body> response(http::status::ok, request.version());
    response.set(http::field::content_type, "application/json");
    response.keep_alive(request.keep_alive());
    response.body() = body;
    response.prepare_payload();
    co_await http::async_write(stream, response, net::redirect_error(net::use_awaitable, error));
  }
}

net::awaitable<void> accept(Tcp::acceptor& acceptor, const std::string& body) {
  for (;;) {
    auto socket = co_await acceptor.async_accept(net::use_awaitable);
    socket.set_option(Tcp::no_delay(true));
    net::co_spawn(acceptor.get_executor(), serve(beast::tcp_stream(std::move(socket)), body),
                  net::detached);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::ifstream file(argv[1], std::ios::binary);
  const std::string body{std::istreambuf_iterator<char>(file), {}};
  net::io_context io{1};
  Tcp::acceptor acceptor(io, {net::ip::make_address("127.0.0.1"), 0});
  std::printf("%u\n", unsigned{acceptor.local_endpoint().port()});
  std::fflush(stdout);
  net::co_spawn(io, accept(acceptor, body), net::detached);
  io.run();
}
