// Asking a listener which security mechanism it speaks.
#include "runtime/greeting.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <filesystem>

#include "runtime/runtime_fixture.hpp"

namespace quern::runtime {
namespace {

class GreetingTest : public SocketsTest {};

/// A listener that accepts one connection, sends `answer` and closes; or stays silent.
class RawListener {
 public:
  explicit RawListener(std::optional<std::string> answer) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(fd_, 1), 0);
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    if (!answer) return;
    thread_ = std::thread([this, text = *answer] {
      const int peer = ::accept(fd_, nullptr, nullptr);
      ::send(peer, text.data(), text.size(), MSG_NOSIGNAL);
      ::close(peer);
    });
  }
  ~RawListener() {
    if (thread_.joinable()) thread_.join();
    ::close(fd_);
  }
  RawListener(const RawListener&) = delete;
  RawListener& operator=(const RawListener&) = delete;

  std::string endpoint() const { return "tcp://127.0.0.1:" + std::to_string(port_); }

 private:
  int fd_ = -1;
  int port_ = 0;
  std::thread thread_;
};

TEST_F(GreetingTest, a_plain_listener_speaks_null) {
  EXPECT_EQ(mechanism_at(endpoint, kDeadline), "NULL");
}

TEST_F(GreetingTest, an_encrypted_listener_speaks_curve) {
  std::array<char, 41> open{}, secret{};
  ASSERT_EQ(zmq_curve_keypair(open.data(), secret.data()), 0);
  SocketOptions options;
  options.curve_server = CurveServer{secret.data(), "quern"};
  Socket guarded = Socket::router(context, options);
  EXPECT_EQ(mechanism_at(guarded.bind("tcp://127.0.0.1:0"), kDeadline), "CURVE");
}

TEST_F(GreetingTest, a_listener_on_a_path_answers_too) {
  const auto path =
      std::filesystem::temp_directory_path() / ("quern-greeting-" + std::to_string(::getpid()));
  Socket local = Socket::router(context, {});
  local.bind("ipc://" + path.string());
  EXPECT_EQ(mechanism_at("ipc://" + path.string(), kDeadline), "NULL");
  std::filesystem::remove(path);
}

TEST_F(GreetingTest, where_nobody_listens_there_is_no_mechanism) {
  std::string closed;
  {
    Socket listener = Socket::router(context, {});
    closed = listener.bind("tcp://127.0.0.1:0");
  }
  EXPECT_TRUE(eventually([&] { return !mechanism_at(closed, kDeadline); }));
}

TEST_F(GreetingTest, a_listener_of_another_protocol_has_no_mechanism) {
  for (const std::string& answer :
       {std::string("HTTP/1.1 400 Bad Request\r\n\r\n"), std::string(100, 'x'), std::string(),
        std::string("\xff\0\0\0\0\0\0\0\1\x7f", 10)}) {
    const RawListener listener(answer);
    EXPECT_EQ(mechanism_at(listener.endpoint(), kDeadline), std::nullopt) << answer;
  }
}

TEST_F(GreetingTest, a_silent_listener_is_given_up_after_the_given_time) {
  const RawListener silent(std::nullopt);
  const auto start = SteadyClock::now();
  EXPECT_EQ(mechanism_at(silent.endpoint(), 50ms), std::nullopt);
  EXPECT_GE(SteadyClock::now() - start, 50ms);
}

TEST_F(GreetingTest, endpoints_that_are_none_have_no_mechanism) {
  for (const std::string& wrong :
       {std::string(), std::string("tcp:"), std::string("tcp://"), std::string("udp://127.0.0.1:1"),
        std::string("tcp://127.0.0.1:port"), "ipc://" + std::string(200, 'x')})
    EXPECT_EQ(mechanism_at(wrong, kDeadline), std::nullopt) << wrong;
}

}  // namespace
}  // namespace quern::runtime
