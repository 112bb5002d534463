// Clients of the gateway that pull batches and complete them at once (pull_rates.py).
// usage: pull_load PORT TOKEN CONNECTIONS BATCH SECONDS   prints tasks/s
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr char kLease[] = "{\"token\":";

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "pull_load: %s\n", why.c_str());
  std::_Exit(1);
}

/// One connection that stays open. Blocks.
class Connection {
 public:
  Connection(unsigned short port, std::string token) : token_(std::move(token)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      fail("cannot connect");
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }

  /// The body of the answer, which must be 200.
  std::string post(const std::string& path, const std::string& body) {
    const std::string request =
        "POST " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + token_ +
        "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
        "\r\n\r\n" + body;
    if (::send(socket_, request.data(), request.size(), 0) != static_cast<ssize_t>(request.size()))
      fail("cannot send");
    std::size_t head = 0;
    while ((head = read_.find("\r\n\r\n")) == read_.npos) more();
    static constexpr char kLength[] = "Content-Length: ";
    const std::size_t length =
        std::strtoul(read_.c_str() + read_.find(kLength) + sizeof kLength - 1, nullptr, 10);
    while (read_.size() < head + 4 + length) more();
    const std::string answer = read_.substr(head + 4, length);
    if (!read_.starts_with("HTTP/1.1 200")) fail(answer);
    read_.erase(0, head + 4 + length);
    return answer;
  }

 private:
  void more() {
    char block[65536];
    const auto got = ::recv(socket_, block, sizeof block, 0);
    if (got <= 0) fail("the gateway closed the connection");
    read_.append(block, static_cast<std::size_t>(got));
  }

  const int socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
  const std::string token_;
  std::string read_;
};

/// Pulls a batch and completes it; the number of its tasks.
std::uint64_t turn(Connection& connection, const std::string& pull) {
  const std::string leases = connection.post("/v1/leases", pull);
  static constexpr char kBatch[] = "\"batch\":\"";
  const std::size_t begin = leases.find(kBatch) + sizeof kBatch - 1;
  if (begin < sizeof kBatch) return 0;
  const std::string token = leases.substr(begin, leases.find('"', begin) - begin);
  std::uint64_t tasks = 0;
  std::string results = "{\"results\":[";
  for (std::size_t at = 0; (at = leases.find(kLease, at)) != leases.npos; ++at)
    results += tasks++ ? ",\"result\"" : "\"result\"";
  connection.post("/v1/leases/" + token + "/complete", results + "]}");
  return tasks;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  const auto port = static_cast<unsigned short>(std::atoi(argv[1]));
  std::atomic<std::uint64_t> tasks{0};
  std::atomic<bool> over{false};
  std::vector<std::thread> clients;
  for (int i = 0; i < std::atoi(argv[3]); ++i)
    clients.emplace_back([&, i] {
      Connection connection(port, argv[2]);
      const std::string pull = R"({"functions":["f"],"wait_s":1,"max":)" + std::string(argv[4]) +
                               R"(,"worker":")" + std::to_string(i) + "\"}";
      while (!over) tasks += turn(connection, pull);
    });
  std::this_thread::sleep_for(std::chrono::seconds(1));  // leases grow to their size
  const auto begin = std::chrono::steady_clock::now();
  const std::uint64_t before = tasks;
  std::this_thread::sleep_for(std::chrono::duration<double>(std::atof(argv[5])));
  const std::uint64_t done = tasks - before;
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::printf("%.0f\n", static_cast<double>(done) / seconds);
  over = true;
  for (auto& client : clients) client.join();
}
