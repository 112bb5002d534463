#include "bench/baseline.hpp"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <zmq.hpp>

#include "bench/measure.hpp"
#include "bench/payload.hpp"

namespace quern::bench {
namespace {

/// First part of a batch: its header. Second part: the payloads, or the results, back to back.
struct Header {
  std::uint64_t first;
  std::uint32_t count;
  std::uint32_t payload;
  std::uint32_t result;
};

zmq::socket_t dealer(zmq::context_t& context, const std::string& endpoint) {
  zmq::socket_t socket(context, zmq::socket_type::dealer);
  socket.set(zmq::sockopt::linger, 0);
  socket.connect(endpoint);
  return socket;
}

Header header_of(const zmq::message_t& message) {
  Header header{};
  std::memcpy(&header, message.data(), std::min(message.size(), sizeof header));
  return header;
}

/// Forwards messages of the client to the worker and vice versa. The worker's first message is one
/// empty part. Prints its endpoint, then a newline when the worker has connected.
[[noreturn]] void relay(int announce) {
  zmq::context_t context;
  zmq::socket_t router(context, zmq::socket_type::router);
  router.set(zmq::sockopt::linger, 0);
  router.set(zmq::sockopt::router_mandatory, true);
  router.bind("tcp://127.0.0.1:*");
  const std::string endpoint = router.get(zmq::sockopt::last_endpoint);
  if (::write(announce, endpoint.data(), endpoint.size()) < 0) ::_exit(1);
  zmq::message_t from, header, bytes, worker, client;
  std::string worker_id;
  for (;;) {
    (void)router.recv(from);
    (void)router.recv(header);
    if (!header.more()) {
      worker_id = from.to_string();
      worker.copy(from);
      if (::write(announce, "\n", 1) < 0) ::_exit(1);
      continue;
    }
    (void)router.recv(bytes);
    const bool of_worker = from.size() == worker_id.size() &&
                           std::memcmp(from.data(), worker_id.data(), from.size()) == 0;
    if (!of_worker) client.copy(from);
    zmq::message_t to;
    to.copy(of_worker ? client : worker);
    router.send(to, zmq::send_flags::sndmore);
    router.send(header, zmq::send_flags::sndmore);
    router.send(bytes, zmq::send_flags::none);
  }
}

[[noreturn]] void worker(const std::string& endpoint) {
  zmq::context_t context;
  zmq::socket_t socket = dealer(context, endpoint);
  socket.send(zmq::message_t(), zmq::send_flags::none);
  zmq::message_t header_part, payloads;
  for (;;) {
    (void)socket.recv(header_part);
    (void)socket.recv(payloads);
    const Header header = header_of(header_part);
    zmq::message_t results(std::size_t{header.count} * header.result);
    const std::size_t copied = std::min(header.payload, header.result);
    for (std::size_t i = 0; i < header.count; ++i)
      std::memcpy(results.data<char>() + i * header.result,
                  payloads.data<char>() + i * header.payload, copied);
    socket.send(header_part, zmq::send_flags::sndmore);
    socket.send(results, zmq::send_flags::none);
  }
}

void send_batch(zmq::socket_t& socket, const BaselineOrder& order, std::uint64_t first) {
  const Header header{first, static_cast<std::uint32_t>(std::min(order.batch, order.tasks - first)),
                      order.payload, order.result};
  zmq::message_t payloads(std::size_t{header.count} * order.payload);
  std::memset(payloads.data(), 'x', payloads.size());
  for (std::size_t i = 0; i < header.count; ++i)
    put_index(payloads.data<char>() + i * order.payload, first + i);
  socket.send(zmq::message_t(&header, sizeof header), zmq::send_flags::sndmore);
  socket.send(payloads, zmq::send_flags::none);
}

/// Number of tasks whose results arrived; 0 if one of them is wrong.
std::uint64_t receive_batch(zmq::socket_t& socket, std::uint64_t expected_first) {
  zmq::message_t header_part, results;
  (void)socket.recv(header_part);
  (void)socket.recv(results);
  const Header header = header_of(header_part);
  if (header.first != expected_first || results.size() != std::size_t{header.count} * header.result)
    return 0;
  for (std::size_t i = 0; i < header.count; ++i)
    if (!is_result_of({results.data<char>() + i * header.result, header.result}, header.first + i,
                      header.result))
      return 0;
  return header.count;
}

BaselineReport move_batches(zmq::socket_t& socket, const BaselineOrder& order) {
  BaselineReport report;
  const auto start = Clock::now();
  std::uint64_t sent = 0, received = 0;
  auto sent_at = start;
  while (received < order.tasks) {
    while (sent < order.tasks && sent - received < order.window * order.batch) {
      sent_at = Clock::now();
      send_batch(socket, order, sent);
      sent += std::min(order.batch, order.tasks - sent);
    }
    const std::uint64_t count = receive_batch(socket, received);
    if (count == 0) ::_exit(1);
    received += count;
    if (order.window == 1) report.round_trips_us.push_back(seconds_since(sent_at) * 1e6);
  }
  report.seconds = seconds_since(start);
  return report;
}

bool read_all(int fd, void* out, std::size_t size) {
  auto* at = static_cast<char*>(out);
  while (size > 0) {
    const auto got = ::read(fd, at, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

bool write_all(int fd, const void* bytes, std::size_t size) {
  const auto* at = static_cast<const char*>(bytes);
  while (size > 0) {
    const auto written = ::write(fd, at, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    at += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

/// Serves orders from the control socket until it is closed. A report consists of seconds, a count,
/// and this many doubles.
[[noreturn]] void client(const std::string& endpoint, int control) {
  zmq::context_t context;
  zmq::socket_t socket = dealer(context, endpoint);
  BaselineOrder order;
  while (read_all(control, &order, sizeof order)) {
    const BaselineReport report = move_batches(socket, order);
    const double head[2] = {report.seconds, static_cast<double>(report.round_trips_us.size())};
    if (!write_all(control, head, sizeof head)) break;
    if (!write_all(control, report.round_trips_us.data(),
                   report.round_trips_us.size() * sizeof(double)))
      break;
  }
  ::_exit(0);
}

pid_t fork_off(const std::function<void()>& body) {
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error("cannot start a process of the baseline");
  if (pid > 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  try {
    body();
  } catch (const zmq::error_t&) {
  }
  ::_exit(1);
}

}  // namespace

Baseline::Baseline() {
  const auto failed = [] {
    return std::runtime_error("cannot start the processes of the baseline");
  };
  int announce[2], control[2];
  if (::pipe(announce) != 0) throw failed();
  processes_.push_back(fork_off([&] { relay(announce[1]); }));
  ::close(announce[1]);
  std::string endpoint(256, '\0');
  endpoint.resize(static_cast<std::size_t>(
      std::max<ssize_t>(0, ::read(announce[0], endpoint.data(), endpoint.size()))));
  processes_.push_back(fork_off([&] { worker(endpoint); }));
  char ready = 0;
  if (!read_all(announce[0], &ready, 1)) throw failed();
  ::close(announce[0]);
  // Created only now: end of file must mean that the client died, so no other process may hold it.
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control) != 0) throw failed();
  processes_.push_back(fork_off([&] {
    ::close(control[0]);
    client(endpoint, control[1]);
  }));
  ::close(control[1]);
  control_ = control[0];
}

Baseline::~Baseline() {
  ::close(control_);
  for (const pid_t pid : processes_) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
}

BaselineReport Baseline::run(const BaselineOrder& order) {
  double head[2];
  BaselineReport report;
  bool done = write_all(control_, &order, sizeof order) && read_all(control_, head, sizeof head);
  if (done) {
    report.seconds = head[0];
    report.round_trips_us.resize(static_cast<std::size_t>(head[1]));
    done = read_all(control_, report.round_trips_us.data(),
                    report.round_trips_us.size() * sizeof(double));
  }
  if (!done) throw std::runtime_error("the bare-libzmq baseline failed");
  return report;
}

}  // namespace quern::bench
