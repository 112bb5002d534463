// What the tests of sdk/runtime share: sockets on loopback, waiting for a condition, and a child
// process for what changes the whole process. Nothing sleeps: kDeadline only ends a failing test.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/socket.hpp"

namespace quern::runtime {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

inline constexpr std::chrono::milliseconds kDeadline = 30s;

inline std::chrono::milliseconds left_until(SteadyClock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now());
  return std::max(0ms, left);
}

/// Waits until `condition` holds. For conditions that no descriptor announces.
inline bool eventually(const std::function<bool()>& condition) {
  const auto deadline = SteadyClock::now() + kDeadline;
  while (!condition()) {
    if (SteadyClock::now() >= deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

inline Part part_of(std::string text) {
  auto owner = std::make_shared<std::string>(std::move(text));
  const std::string_view view = *owner;
  return {std::move(owner), view};
}

inline Parts parts_of(const std::vector<std::string>& texts) {
  Parts parts;
  for (const auto& text : texts) parts.push_back(part_of(text));
  return parts;
}

inline std::vector<std::string> texts_of(const Parts& parts) {
  std::vector<std::string> texts;
  for (const auto& part : parts) texts.emplace_back(part.view);
  return texts;
}

inline constexpr std::size_t kPartsMax = 8;

/// Waits for the next message of a socket.
inline std::vector<std::string> await_message(Socket& socket, std::size_t parts_max = kPartsMax) {
  Poller poller;
  poller.add(socket);
  const auto deadline = SteadyClock::now() + kDeadline;
  for (;;) {
    if (auto parts = socket.receive(parts_max)) return texts_of(*parts);
    if (left_until(deadline) == 0ms) break;
    poller.wait(left_until(deadline));
  }
  ADD_FAILURE() << "no message arrived";
  return {};
}

/// Waits for the next event of a watched socket that is not `ignored`.
inline LinkEvent await_event(Socket& socket, LinkEvent ignored = LinkEvent::none) {
  Poller poller;
  poller.add(socket);
  const auto deadline = SteadyClock::now() + kDeadline;
  for (;;) {
    const LinkEvent event = socket.link_event();
    if (event != LinkEvent::none && event != ignored) return event;
    if (left_until(deadline) == 0ms) break;
    poller.wait(left_until(deadline));
  }
  ADD_FAILURE() << "the connection reported no event";
  return LinkEvent::none;
}

/// A ROUTER on a free port of loopback, and DEALERs that connect to it.
class SocketsTest : public ::testing::Test {
 protected:
  explicit SocketsTest(const SocketOptions& options = {})
      : router(Socket::router(context, options)), endpoint(router.bind("tcp://127.0.0.1:0")) {}

  Socket connected_dealer(const SocketOptions& options = {}) {
    Socket dealer = Socket::dealer(context, options);
    dealer.connect(endpoint);
    return dealer;
  }

  /// Lets the router learn of the dealer, and returns the dealer's routing id.
  std::string introduce(Socket& dealer) {
    EXPECT_EQ(dealer.send(parts_of({"hello"})), SendResult::sent);
    const auto message = await_message(router);
    return message.empty() ? "" : message.front();
  }

  zmq::context_t context{1};
  Socket router;
  std::string endpoint;
};

/// Runs `body` in a child process. Returns its wait status; a hanging child is ended by SIGALRM.
inline int status_of_child(const std::function<bool()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(static_cast<unsigned>(std::chrono::seconds(60s).count()));
    ::_exit(body() ? 0 : 1);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}

inline bool succeeds_in_a_child(const std::function<bool()>& body) {
  const int status = status_of_child(body);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace quern::runtime
