#include "gateway/http/connection.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <limits>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http.hpp>

#include "gateway/http/parsed.hpp"

namespace quern::gateway {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Clock = std::chrono::steady_clock;
using Error = boost::system::error_code;

constexpr std::chrono::seconds kIdleTime{75};
constexpr std::chrono::seconds kBodyTime{60};   ///< for a body that is read as a whole
constexpr std::chrono::seconds kBlockTime{75};  ///< for the next block of one that is a stream
constexpr std::chrono::seconds kWriteTime{60};  ///< for an answer, or a part of one
constexpr std::chrono::seconds kLook{1};        ///< how often a peer is looked at,
constexpr std::chrono::seconds kSeldom{60};     ///< and if its end wakes the connection
// Most answers come sooner, and need no look at their peer.
constexpr std::chrono::milliseconds kSoon{20};
constexpr std::chrono::seconds kLinger{2};      ///< before a connection is closed,
constexpr std::size_t kLingerMost = 16u << 20;  ///< or after so many bytes
constexpr std::size_t kHeadMost = 8u << 10;
constexpr std::size_t kUsualHead = 1u << 10;  ///< what a connection without a request holds
constexpr std::uint64_t kBodyMost = 1u << 20;
constexpr std::size_t kBlock = 64u << 10;
// In Boost 1.74, any body is larger than no limit.
constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

/// Whatever ends the connection, the handler learns that nobody reads any more.
class Concluded {
 public:
  explicit Concluded(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  ~Concluded() { exchange_->conclude(written); }
  Concluded(const Concluded&) = delete;
  Concluded& operator=(const Concluded&) = delete;

  bool written = false;

 private:
  std::shared_ptr<Exchange> exchange_;
};

template <typename Stream>
class Conversation {
 public:
  /// `lower`: what the stream is made of. A stream of Beast that is moved leaves half a kilobyte.
  template <typename Lower>
  Conversation(Lower lower, std::shared_ptr<Admission> admission, Service& service)
      : stream_(std::move(lower)),
        admission_(std::move(admission)),
        service_(service),
        signal_(std::make_shared<Signal>(service.io)),
        id_(service.next_connection++) {
    service_.open.emplace(id_, [this](bool at_once) {
      if (!at_once && !idle_) return;
      peer_left_ = true;
      close();
      signal_->timer.cancel();
    });
  }
  ~Conversation() { service_.open.erase(id_); }
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  net::awaitable<void> run() {
    if (admission_->is_over) {
      keep_alive_ = false;
      co_await send(problem(429, "limit",
                            "Too many connections are open: close some, or use fewer at a time.")
                        .with("Retry-After", "5"));
    } else {
      bool goes_on = co_await await_request(kHeadTime);
      while (goes_on) {
        if (const auto exchange = co_await receive()) {
          Concluded concluded(exchange);
          co_await answer(exchange, concluded);
        }
        goes_on = keep_alive_ && !service_.stopping && co_await await_request(kIdleTime);
      }
    }
    if (!peer_left_ && !service_.stopping) co_await linger();
    close();
  }

 private:
  using HeadParser = http::request_parser<http::empty_body>;

  auto& lowest() { return beast::get_lowest_layer(stream_); }
  static auto into(Error& error) { return net::redirect_error(net::use_awaitable, error); }

  void close() {
    Error ignored;
    lowest().socket().shutdown(net::socket_base::shutdown_both, ignored);
    lowest().socket().close(ignored);
  }

  /// Reads what is still coming before the connection is closed. A client that sends a body that
  /// nobody wants would otherwise lose the answer that says why.
  net::awaitable<void> linger() {
    Error error;
    lowest().socket().shutdown(net::socket_base::shutdown_send, error);
    lowest().expires_after(kLinger);
    std::array<char, 4096> rest;
    for (std::size_t read = 0; !error && read < kLingerMost;)
      read += co_await lowest().async_read_some(net::buffer(rest), into(error));
  }

  /// Waits for the first bytes of a request. False if there are none.
  net::awaitable<bool> await_request(std::chrono::seconds time) {
    if (buffer_.size() > 0) co_return true;
    if (buffer_.capacity() > 4 * kUsualHead) buffer_.shrink_to_fit();
    idle_ = true;
    lowest().expires_after(time);
    Error error;
    const std::size_t read =
        co_await stream_.async_read_some(buffer_.prepare(kUsualHead), into(error));
    buffer_.commit(read);
    idle_ = false;
    co_return !error;
  }

  /// Reads a request and has its route called. Nothing if it has been answered already. What this
  /// needs is freed before the answer, which may take hours.
  net::awaitable<std::shared_ptr<Exchange>> receive() {
    HeadParser parser;
    parser.header_limit(kHeadMost);
    parser.body_limit(kNoLimit);
    lowest().expires_after(kHeadTime);
    Error error;
    co_await http::async_read_header(stream_, buffer_, parser, into(error));
    begun_ = Clock::now();
    route_.clear();
    head_only_ = false;
    keep_alive_ = false;
    if (error) {
      if (const auto answer = answer_to(error)) co_await send(*answer);
      co_return nullptr;
    }
    Head head = head_of(parser.get());
    version_ = head.version;
    head_only_ = head.method == "HEAD";
    if (const auto refused = refusal_of(head, service_.names)) {
      co_await send(*refused);
      co_return nullptr;
    }
    co_return co_await route(parser, head);
  }

  net::awaitable<std::shared_ptr<Exchange>> route(HeadParser& parser, Head& head) {
    const bool has_body = parser.chunked() || parser.content_length().value_or(0) > 0;
    const bool wants_to_stay = parser.get().keep_alive();
    auto target = target_of(head.target);
    if (!target) {
      co_await send(problem(400, "malformed", "The target of the request is not a path."));
      co_return nullptr;
    }
    Request request{head_only_ ? "GET" : head.method,
                    std::move(*target),
                    {},
                    admission_->address,
                    {},
                    head_only_};
    for (auto& [name, value] : head.fields)
      request.fields.emplace(std::move(name), std::move(value));
    const auto found = service_.routes.find(request);
    if (!found.route) {
      keep_alive_ = wants_to_stay && !has_body;
      co_await send(no_route(found.allowed));
      co_return nullptr;
    }
    route_ = found.route->path;
    if (const auto refused = refusal_of(*found.route, request.target)) {
      keep_alive_ = wants_to_stay && !has_body;
      co_await send(*refused);
      co_return nullptr;
    }
    if (has_body && found.route->body == BodyForm::none) {
      co_await send(problem(400, "malformed", "A request of this kind has no body."));
      co_return nullptr;
    }
    const BodyForm form = found.route->body;
    if (form == BodyForm::stream || (form == BodyForm::lines && is_lines(request.media_type()))) {
      keep_alive_ = wants_to_stay;
      co_await serve_stream(parser, std::move(request), found);
      co_return nullptr;
    }
    if (has_body && !co_await read_body(parser, request)) co_return nullptr;
    keep_alive_ = wants_to_stay;
    auto exchange = make_exchange(std::move(request));
    call(exchange, found);
    co_return exchange;
  }

  static Response no_route(const std::string& allowed) {
    if (allowed.empty())
      return problem(404, "not_found",
                     "There is nothing at this path: /v1/openapi.json lists what there is.");
    return problem(405, "not_found", "This path takes the methods " + allowed + ".")
        .with("Allow", allowed);
  }

  std::shared_ptr<Exchange> make_exchange(Request request) {
    return std::make_shared<Exchange>(
        std::move(request),
        [waker = service_.waker, signal = std::weak_ptr<Signal>(signal_)] { waker->wake(signal); });
  }

  static void call(const std::shared_ptr<Exchange>& exchange, const Routes::Found& found) {
    try {
      found.route->handler(exchange, found.variables);
    } catch (const std::exception& error) {
      exchange->respond(problem(500, "failed", error.what()));
    }
  }

  net::awaitable<bool> expect(const http::request<http::empty_body>& head) {
    Error error;
    if (beast::iequals(head[http::field::expect], "100-continue")) {
      static constexpr char kGoOn[] = "HTTP/1.1 100 Continue\r\n\r\n";
      co_await net::async_write(stream_, net::buffer(kGoOn, sizeof kGoOn - 1), into(error));
    }
    co_return !error;
  }

  /// The whole body. False if there is none: the answer was sent, or the peer has left.
  net::awaitable<bool> read_body(HeadParser& head, Request& request) {
    if (head.content_length().value_or(0) <= kBodyMost && !co_await expect(head.get()))
      co_return false;
    http::request_parser<http::string_body> parser(std::move(head));
    parser.body_limit(kBodyMost);
    lowest().expires_after(kBodyTime);
    Error error;
    if (parser.content_length().value_or(0) > kBodyMost)
      error = http::error::body_limit;
    else
      co_await http::async_read(stream_, buffer_, parser, into(error));
    if (!error) {
      request.body = std::move(parser.get().body());
      co_return true;
    }
    if (error == http::error::body_limit)
      co_await send(problem(413, "limit",
                            "A JSON body may have 1 MiB: send more items as a stream of lines "
                            "(application/x-ndjson)."));
    else if (const auto answer = answer_to(error))
      co_await send(*answer);
    co_return false;
  }

  /// The handler reads the body while it arrives, and may answer before it has ended.
  net::awaitable<void> serve_stream(HeadParser& head, Request request, const Routes::Found& found) {
    const bool may_go_on = co_await expect(head.get());
    if (!may_go_on) co_return;
    http::request_parser<http::buffer_body> parser(std::move(head));
    parser.body_limit(kNoLimit);
    const auto exchange = make_exchange(std::move(request));
    Concluded concluded(exchange);
    call(exchange, found);
    std::array<char, kBlock> block;
    bool is_whole = true;
    while (!parser.is_done()) {
      if (exchange->is_answered()) {
        is_whole = keep_alive_ = false;  // what is left of the body would be taken for a request
        break;
      }
      if (peer_left_) break;
      if (!exchange->wants_body()) {
        co_await news(kLook);
        continue;
      }
      parser.get().body().data = block.data();
      parser.get().body().size = block.size();
      lowest().expires_after(kBlockTime);
      Error error;
      // An answer that comes meanwhile does not wait for the next block.
      signal_->also = [this, &exchange] {
        Error ignored;
        if (exchange->is_answered()) lowest().socket().cancel(ignored);
      };
      co_await http::async_read_some(stream_, buffer_, parser, into(error));
      signal_->also = nullptr;
      const std::size_t count = block.size() - parser.get().body().size;
      if (count > 0) exchange->feed(std::string(block.data(), count));
      if (error && error != http::error::need_buffer && !exchange->is_answered()) {
        exchange->end_body(false);
        co_return;
      }
    }
    exchange->end_body(is_whole && !peer_left_);
    co_await answer(exchange, concluded);
  }

  /// Waits until the exchange has something new, the peer has left, or the time is over. Returns
  /// whether it is over.
  net::awaitable<bool> news(Clock::duration time) {
    signal_->timer.expires_after(time);
    Error woken;
    co_await signal_->timer.async_wait(into(woken));
    if (has_left()) peer_left_ = true;
    co_return !woken;
  }

  Clock::duration pace() const { return is_watching_ ? kSeldom : kLook; }

  /// Whether the peer has closed its side, also if there is something to read before that end.
  bool has_left() {
    pollfd look{lowest().socket().native_handle(), POLLRDHUP, 0};
    return ::poll(&look, 1, 0) > 0 && (look.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
  }

  net::awaitable<void> answer(const std::shared_ptr<Exchange>& exchange, Concluded& concluded) {
    lowest().expires_never();
    std::optional<Response> head = exchange->take_answer();
    bool is_late = false;
    while (!head && !peer_left_) {
      const bool is_over = co_await news(is_late ? pace() : kSoon);
      if (is_over && !std::exchange(is_late, true)) watch();
      head = exchange->take_answer();
    }
    unwatch();
    // The kernel would take an answer that nobody reads.
    if (!head || peer_left_) {
      keep_alive_ = false;
      co_return;
    }
    if (exchange->is_streamed())
      concluded.written = co_await send_stream(*head, *exchange);
    else
      concluded.written = co_await send(std::move(*head));
  }

  /// Notices at once when the peer leaves while its request is being answered, unless it has sent
  /// something more; news() notices that a second later.
  void watch() {
    if (buffer_.size() > 0) return;  // it has sent its next request already
    watched_ = std::make_shared<bool>(true);
    watch_once();
  }
  void watch_once() {
    is_watching_ = true;
    lowest().socket().async_wait(
        net::socket_base::wait_read, [this, watched = std::weak_ptr<bool>(watched_)](Error error) {
          if (error || watched.expired()) return;
          char byte;
          is_watching_ = false;
          const auto got =
              ::recv(lowest().socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
          if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
            return watch_once();
          // Otherwise the next request, or a secret of TLS: it is still there, but its end is
          // hidden behind that.
          if (got <= 0) peer_left_ = true;
          signal_->timer.cancel();
        });
  }
  void unwatch() {
    if (!watched_) return;
    watched_.reset();
    is_watching_ = false;
    Error ignored;
    lowest().socket().cancel(ignored);
  }

  template <typename Body>
  http::response<Body> begin_response(const Response& answer) {
    http::response<Body> out(static_cast<http::status>(answer.status), version_);
    out.reason({phrase_of(answer.status).data(), phrase_of(answer.status).size()});
    out.set(http::field::server, "quern");
    if (answer.status != 204 && answer.status != 304)
      out.set(http::field::content_type, answer.type);
    out.set(http::field::cache_control, "no-store");
    out.set("X-Content-Type-Options", "nosniff");
    out.set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    out.set("Referrer-Policy", "no-referrer");
    for (const auto& [name, value] : answer.fields) out.set(name, value);
    out.keep_alive(keep_alive_ && !service_.stopping);
    return out;
  }

  void observe(unsigned status) {
    if (service_.observer)
      service_.observer(route_, status,
                        std::chrono::duration<double>(Clock::now() - begun_).count());
  }

  net::awaitable<bool> send(Response answer) {
    auto out = begin_response<http::string_body>(answer);
    Error error;
    lowest().expires_after(kWriteTime);
    if (head_only_) {
      out.content_length(answer.body.size());
      http::response_serializer<http::string_body> serializer(out);
      co_await http::async_write_header(stream_, serializer, into(error));
    } else {
      out.body() = std::move(answer.body);
      if (answer.status != 204 && answer.status != 304) out.prepare_payload();
      co_await http::async_write(stream_, out, into(error));
    }
    observe(answer.status);
    if (error) keep_alive_ = false;
    co_return !error;
  }

  net::awaitable<Error> send_head(const Response& head, bool in_chunks) {
    if (!in_chunks) keep_alive_ = false;  // the end of the connection is the end of the answer
    auto out = begin_response<http::empty_body>(head);
    if (in_chunks) out.chunked(true);
    http::response_serializer<http::empty_body> serializer(out);
    Error error;
    lowest().expires_after(kWriteTime);
    co_await http::async_write_header(stream_, serializer, into(error));
    co_return error;
  }

  net::awaitable<bool> send_stream(const Response& head, Exchange& exchange) {
    const bool in_chunks = version_ >= 11;
    Error error = co_await send_head(head, in_chunks);
    if (buffer_.size() == 0) buffer_.shrink_to_fit();  // a stream may last for hours
    if (head_only_) {
      keep_alive_ = false;
      co_return false;
    }
    auto rest = Exchange::Rest::more;
    while (!error && rest == Exchange::Rest::more) {
      const std::string parts = exchange.take_parts();
      if (!parts.empty()) {
        lowest().expires_after(kWriteTime);
        if (in_chunks)
          co_await net::async_write(stream_, http::make_chunk(net::buffer(parts)), into(error));
        else
          co_await net::async_write(stream_, net::buffer(parts), into(error));
        continue;
      }
      rest = exchange.rest();
      if (rest != Exchange::Rest::more) break;
      lowest().expires_never();
      if (!watched_) watch();
      co_await news(pace());
      if (peer_left_) error = net::error::eof;
    }
    unwatch();
    observe(head.status);
    if (!error && rest == Exchange::Rest::complete && in_chunks)
      co_await net::async_write(stream_, http::make_chunk_last(), into(error));
    if (error || rest == Exchange::Rest::cut) keep_alive_ = false;
    co_return !error;
  }

  Stream stream_;
  std::shared_ptr<Admission> admission_;
  Service& service_;
  std::shared_ptr<Signal> signal_;
  beast::flat_buffer buffer_{kHeadMost + kBlock};
  std::shared_ptr<bool> watched_;  ///< expires when the peer is not watched any more
  bool is_watching_ = false;       ///< its end wakes this connection
  const std::uint64_t id_;
  bool idle_ = false;
  bool peer_left_ = false;
  bool keep_alive_ = false;
  bool head_only_ = false;
  unsigned version_ = 11;
  std::string route_;
  Clock::time_point begun_ = Clock::now();
};

template <typename Stream, typename Lower>
net::awaitable<void> converse_on(Lower lower, std::shared_ptr<Admission> admission,
                                 Service& service) {
  Conversation<Stream> conversation(std::move(lower), std::move(admission), service);
  co_await conversation.run();
}

}  // namespace

net::awaitable<void> converse(net::ip::tcp::socket socket, std::shared_ptr<Admission> admission,
                              Service& service) {
  return converse_on<beast::tcp_stream>(std::move(socket), std::move(admission), service);
}
net::awaitable<void> converse(net::local::stream_protocol::socket socket,
                              std::shared_ptr<Admission> admission, Service& service) {
  return converse_on<LocalStream>(std::move(socket), std::move(admission), service);
}
net::awaitable<void> converse(TlsStream stream, std::shared_ptr<Admission> admission,
                              Service& service) {
  return converse_on<TlsStream>(std::move(stream), std::move(admission), service);
}

}  // namespace quern::gateway
