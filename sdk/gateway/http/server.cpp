#include "gateway/http/server.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <stdexcept>
#include <system_error>
#include <utility>

// Asio of Boost 1.74 uses std::exchange without including <utility>.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>

#include "gateway/http/connection.hpp"

namespace quern::gateway {
namespace {

namespace net = boost::asio;
using namespace std::chrono_literals;
using Tcp = net::ip::tcp;
using Local = net::local::stream_protocol;

constexpr auto kStopWait = 3s;
constexpr auto kAcceptPause = 100ms;  ///< after an error such as "too many open files"

[[noreturn]] void fail(const boost::system::error_code& error, const std::string& what) {
  throw std::system_error(error.value(), std::system_category(), what);
}

/// A file that is left over from a process that was killed; not one that somebody still serves.
void remove_stale(const std::string& path) {
  struct stat about {};
  if (::lstat(path.c_str(), &about) != 0 || !S_ISSOCK(about.st_mode)) return;
  net::io_context io;
  Local::socket probe(io);
  boost::system::error_code error;
  probe.connect(Local::endpoint(path), error);
  if (error == net::error::connection_refused) ::unlink(path.c_str());
}

net::ssl::context tls_context(const TlsFiles& files) {
  net::ssl::context context(net::ssl::context::tls_server);
  context.set_options(net::ssl::context::no_tlsv1 | net::ssl::context::no_tlsv1_1);
  boost::system::error_code error;
  context.use_certificate_chain_file(files.certificate, error);
  if (error)
    throw std::runtime_error(files.certificate +
                             " is not a certificate chain in PEM form: " + error.message());
  context.use_private_key_file(files.key, net::ssl::context::pem, error);
  if (error)
    throw std::runtime_error(files.key + " is not the private key of " + files.certificate +
                             " in PEM form: " + error.message());
  return context;
}

}  // namespace

class Server::Impl {
 public:
  Impl(ServerOptions options, Routes routes, Observer observer)
      : options_(std::move(options)),
        service_{io_, std::move(routes), options_.names, std::move(observer),
                 std::make_shared<Waker>(io_)} {
    if (options_.tls) tls_.emplace(tls_context(*options_.tls));
    if (options_.listen.path.empty())
      listen_tcp();
    else
      listen_local();
  }
  ~Impl() {
    service_.waker->close();
    if (!options_.listen.path.empty()) ::unlink(options_.listen.path.c_str());
  }

  const std::string& url() const { return url_; }
  net::io_context& io() { return io_; }
  std::size_t connections() const { return open_; }

  void run() { io_.run(); }

  void stop() {
    boost::system::error_code ignored;
    if (tcp_) tcp_->close(ignored);
    if (local_) local_->close(ignored);
    service_.stopping = true;
    for (const auto& [id, end] : service_.open) end(false);
    deadline_.emplace(io_, kStopWait);
    deadline_->async_wait([this](boost::system::error_code error) {
      if (error) return;
      for (const auto& [id, end] : service_.open) end(true);
    });
    stop_when_idle();
  }

 private:
  void listen_tcp() {
    boost::system::error_code error;
    const auto address = net::ip::make_address(options_.listen.host, error);
    const std::string where = options_.listen.host + ":" + std::to_string(options_.listen.port);
    if (error) fail(error, "cannot listen on " + where);
    const Tcp::endpoint endpoint(address, options_.listen.port);
    tcp_.emplace(io_);
    tcp_->open(endpoint.protocol(), error);
    if (!error) tcp_->set_option(net::socket_base::reuse_address(true), error);
    if (!error) tcp_->bind(endpoint, error);
    if (!error) tcp_->listen(net::socket_base::max_listen_connections, error);
    if (error) fail(error, "cannot listen on " + where);
    const std::string host =
        address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
    url_ = std::string(tls_ ? "https://" : "http://") + host + ":" +
           std::to_string(tcp_->local_endpoint().port());
    net::co_spawn(io_, accept_tcp(), net::detached);
  }

  void listen_local() {
    const std::string& path = options_.listen.path;
    remove_stale(path);
    boost::system::error_code error;
    local_.emplace(io_);
    local_->open(Local(), error);
    if (!error) local_->bind(Local::endpoint(path), error);
    if (!error) local_->listen(net::socket_base::max_listen_connections, error);
    if (error) fail(error, "cannot listen on unix:" + path);
    url_ = "unix:" + path;
    net::co_spawn(io_, accept_local(), net::detached);
  }

  net::awaitable<void> accept_tcp() {
    while (tcp_->is_open()) {
      boost::system::error_code error;
      auto socket = co_await tcp_->async_accept(net::redirect_error(net::use_awaitable, error));
      if (error) {
        co_await pause(error);
        continue;
      }
      boost::system::error_code ignored;
      socket.set_option(Tcp::no_delay(true), ignored);
      const auto peer = socket.remote_endpoint(ignored);
      auto admission = admit(ignored ? "" : peer.address().to_string());
      net::co_spawn(io_, greet(std::move(socket), std::move(admission)), net::detached);
    }
  }

  net::awaitable<void> accept_local() {
    while (local_->is_open()) {
      boost::system::error_code error;
      auto socket = co_await local_->async_accept(net::redirect_error(net::use_awaitable, error));
      if (error) {
        co_await pause(error);
        continue;
      }
      net::co_spawn(io_, converse(std::move(socket), admit(std::string()), service_),
                    net::detached);
    }
  }

  net::awaitable<void> greet(Tcp::socket socket, std::shared_ptr<Admission> admission) {
    if (tls_) return greet_tls(std::move(socket), std::move(admission));
    return converse(std::move(socket), std::move(admission), service_);
  }

  net::awaitable<void> greet_tls(Tcp::socket socket, std::shared_ptr<Admission> admission) {
    TlsStream secured(std::move(socket), *tls_);
    boost::beast::get_lowest_layer(secured).expires_after(kHeadTime);
    boost::system::error_code error;
    co_await secured.async_handshake(net::ssl::stream_base::server,
                                     net::redirect_error(net::use_awaitable, error));
    if (!error) co_await converse(std::move(secured), std::move(admission), service_);
  }

  net::awaitable<void> pause(boost::system::error_code error) {
    if (error == net::error::operation_aborted) co_return;
    net::steady_timer timer(io_, kAcceptPause);
    co_await timer.async_wait(net::redirect_error(net::use_awaitable, error));
  }

  /// Counts the connection for as long as the result exists. A connection over the limit is
  /// answered with 429 and closed.
  std::shared_ptr<Admission> admit(std::string address) {
    std::size_t& of_address = per_address_[address];
    const bool full = open_ >= options_.connections_max ||
                      (!address.empty() && of_address >= options_.per_address_max);
    ++open_;
    ++of_address;
    return std::shared_ptr<Admission>(new Admission{std::move(address), full},
                                      [this](Admission* admission) {
                                        --open_;
                                        const auto found = per_address_.find(admission->address);
                                        if (--found->second == 0) per_address_.erase(found);
                                        delete admission;
                                        if (service_.stopping) stop_when_idle();
                                      });
  }

  void stop_when_idle() {
    if (open_ > 0) return;
    if (deadline_) deadline_->cancel();
    io_.stop();
  }

  const ServerOptions options_;
  std::size_t open_ = 0;
  std::map<std::string, std::size_t> per_address_;
  std::optional<net::ssl::context> tls_;
  Service service_;
  net::io_context io_{1};  ///< its end ends the connections, which use what is above
  std::optional<Tcp::acceptor> tcp_;
  std::optional<Local::acceptor> local_;
  std::optional<net::steady_timer> deadline_;
  std::string url_;
};

Server::Server(ServerOptions options, Routes routes, Observer observer)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(routes), std::move(observer))) {}
Server::~Server() = default;

const std::string& Server::url() const { return impl_->url(); }
void Server::run() { impl_->run(); }
void Server::stop() {
  net::post(impl_->io(), [this] { impl_->stop(); });
}
void Server::post(std::function<void()> what) { net::post(impl_->io(), std::move(what)); }
void Server::after(double seconds, std::function<void()> what) {
  auto timer = std::make_shared<net::steady_timer>(
      impl_->io(), std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                       std::chrono::duration<double>(seconds)));
  timer->async_wait([timer, what = std::move(what)](boost::system::error_code error) {
    if (!error) what();
  });
}
std::size_t Server::connections() const { return impl_->connections(); }

}  // namespace quern::gateway
