// The link actor against a fake broker: real sockets, real threads, messages through the codec.
#include "worker/actors/link.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>

#include "worker/worker_fixture.hpp"

namespace quern::worker {
namespace {

using namespace std::chrono_literals;

/// A broker that the test operates by hand: receives messages and sends what the test asks for.
/// Skips heartbeats.
class FakeBroker {
 public:
  explicit FakeBroker(const std::string& endpoint = "tcp://127.0.0.1:0")
      : socket_(runtime::Socket::router(context_, {})) {
    endpoint_ = socket_.bind(endpoint);
  }
  const std::string& endpoint() const { return endpoint_; }

  /// The next message that is not a heartbeat; fails after a minute.
  wire::Message receive() {
    const auto until = Clock::now() + 60s;
    while (Clock::now() < until) {
      auto parts = socket_.receive(wire::kPartsMax + 1);
      if (!parts) {
        runtime::Poller poller;
        poller.add(socket_);
        poller.wait(100ms);
        continue;
      }
      peer_ = std::string(parts->front().view);
      parts->erase(parts->begin());
      auto decoded = wire::decode(link::frames_of(std::move(*parts)));
      auto* envelope = std::get_if<wire::Envelope>(&decoded);
      if (!envelope) {
        ADD_FAILURE() << std::get<wire::DecodeError>(decoded).text;
        continue;
      }
      if (std::holds_alternative<wire::Beat>(envelope->message)) continue;
      return std::move(envelope->message);
    }
    ADD_FAILURE() << "the worker sent no message";
    return wire::Bye{};
  }
  template <typename T>
  T receive_a() {
    wire::Message message = receive();
    if (auto* wanted = std::get_if<T>(&message)) return std::move(*wanted);
    ADD_FAILURE() << "received " << wire::name_of(message);
    return {};
  }
  void send(wire::Message message) {
    EXPECT_EQ(socket_.send(peer_, link::parts_of(wire::encode({session_, std::move(message)}))),
              runtime::SendResult::sent);
  }
  wire::Hello greet(wire::SessionId session = wire::SessionId{5}) {
    auto hello = receive_a<wire::Hello>();
    session_ = session;
    send(wire::Welcome{});
    return hello;
  }

 private:
  zmq::context_t context_;
  runtime::Socket socket_;
  std::string endpoint_;
  std::string peer_;
  wire::SessionId session_{};
};

class LinkTest : public ::testing::Test {
 protected:
  void start(const std::string& endpoint) {
    Config config;
    config.identity = Uuid::random();
    config.name = "linked";
    config.slots = 2;
    for (const auto& entry : functions.functions()) config.offer.functions.push_back(entry.decl);
    link_ = std::make_unique<Link>(LinkOptions{endpoint, {true, {}, keys::Side::worker}, config},
                                   functions);
    thread_ = std::thread([this] { end_ = link_->run(nullptr); });
  }
  LinkEnd join() {
    thread_.join();
    return end_;
  }
  LinkEnd stop() {
    link_->request_stop();
    return join();
  }
  void take_apart() { link_.reset(); }
  void request_stop_twice() {
    link_->request_stop();
    link_->request_stop();
  }
  ~LinkTest() override {
    if (!thread_.joinable()) return;
    request_stop_twice();
    thread_.join();
  }

  static wire::Lease echo_lease(std::uint64_t counter, std::uint64_t count,
                                const std::string& function = "echo") {
    return make_items(counter, function, {{0, count}});
  }

  Functions functions = [] {
    Functions f;
    f.add_raw("echo", [](Task& task, Output& out) { out.append(task.input()); });
    return f;
  }();

 private:
  std::unique_ptr<Link> link_;
  LinkEnd end_;
  std::thread thread_;
};

TEST_F(LinkTest, a_task_travels_from_lease_to_acknowledged_report) {
  FakeBroker broker;
  start(broker.endpoint());
  const auto hello = broker.greet();
  ASSERT_TRUE(hello.worker);
  EXPECT_EQ(hello.worker->functions.at(0).name, "echo");
  EXPECT_GE(hello.worker->capacity.cores, 0.01);
  broker.send(echo_lease(1, 3));
  const auto report = broker.receive_a<wire::Report>();
  EXPECT_TRUE(report.last);
  EXPECT_EQ(report.tasks, (wire::Intervals{{0, 3}}));
  EXPECT_EQ(report.batch.bytes.view(), "012");
  broker.send(wire::Reported{{report.id}});
  broker.send(wire::Drain{});
  broker.receive_a<wire::Draining>();
  broker.receive_a<wire::Bye>();
  const LinkEnd end = join();
  EXPECT_EQ(end.exit_code, 0);
  EXPECT_FALSE(end.abandoned);
}

TEST_F(LinkTest, a_broker_that_starts_later_is_found) {
  std::string endpoint;
  {
    FakeBroker first;  // only to find a free port
    endpoint = first.endpoint();
  }
  start(endpoint);
  FakeBroker broker(endpoint);
  broker.greet();
  EXPECT_EQ(stop().exit_code, 0);
}

TEST_F(LinkTest, a_worker_survives_the_loss_of_its_broker_and_resends_its_outbox) {
  auto broker = std::make_unique<FakeBroker>();
  const std::string endpoint = broker->endpoint();
  start(endpoint);
  const auto before = broker->greet();
  broker->send(echo_lease(1, 2));
  broker->receive_a<wire::Report>();  // and does not acknowledge it
  broker.reset();
  broker = std::make_unique<FakeBroker>(endpoint);
  const auto after = broker->greet(wire::SessionId{6});
  EXPECT_EQ(after.identity, before.identity);
  ASSERT_EQ(after.worker->held.size(), 1u);
  EXPECT_TRUE(after.worker->held[0].finished);
  const auto report = broker->receive_a<wire::Report>();
  EXPECT_EQ(report.batch.bytes.view(), "01");
}

TEST_F(LinkTest, a_permanent_refusal_exits_with_3) {
  FakeBroker broker;
  start(broker.endpoint());
  broker.receive_a<wire::Hello>();
  broker.send(wire::Refused{.code = ErrorCode::version, .text = "too old"});
  const LinkEnd end = join();
  EXPECT_EQ(end.exit_code, 3);
  EXPECT_NE(end.text.find("too old"), std::string::npos);
}

TEST_F(LinkTest, malformed_bytes_end_the_session_but_not_the_worker) {
  FakeBroker broker;
  start(broker.endpoint());
  broker.greet();
  wire::Lease lease = echo_lease(1, 2);
  lease.tasks = {{0, 3}};  // more tasks than payloads: the codec refuses it
  broker.send(lease);
  broker.greet(wire::SessionId{6});
}

TEST_F(LinkTest, a_hanging_task_times_out_and_its_slot_is_stuck) {
  std::atomic<bool> returned{false};
  functions.add_raw("hang", [&](Task& task, Output&) {
    while (!task.cancelled()) std::this_thread::yield();
    returned = true;
  });
  FakeBroker broker;
  start(broker.endpoint());
  broker.greet();
  wire::Lease lease = echo_lease(1, 2, "hang");
  lease.timeout_ms = 50;
  broker.send(lease);
  const auto report = broker.receive_a<wire::Report>();
  EXPECT_TRUE(report.last);
  EXPECT_EQ(report.errors,
            (std::vector<TaskError>{{0, 1, ErrorCode::timeout, "ran longer than 50 ms"}}));
  broker.send(wire::Reported{{report.id}});
  broker.send(echo_lease(2, 1));
  EXPECT_EQ(broker.receive_a<wire::Report>().id.lease.counter, 2u);
  while (!returned) std::this_thread::yield();
}

TEST_F(LinkTest, reclaim_and_revoke_reach_a_running_lease) {
  std::atomic<bool> go{false}, cancelled{false};
  std::atomic<int> begun{0};
  functions.add_raw("wait", [&](Task& task, Output&) {
    ++begun;
    while (!go && !task.cancelled()) std::this_thread::yield();
    if (task.cancelled()) cancelled = true;
  });
  FakeBroker broker;
  start(broker.endpoint());
  broker.greet();
  broker.send(echo_lease(1, 10, "wait"));
  broker.send(wire::Reclaim{{7, 1}, 4});
  const auto reclaimed = broker.receive_a<wire::Reclaimed>();
  EXPECT_EQ(reclaimed.tasks, (wire::Intervals{{6, 10}}));
  broker.send(echo_lease(2, 1, "wait"));
  while (begun < 2)
    std::this_thread::yield();  // a run that is revoked before it starts calls no function
  broker.send(wire::Revoke{{{7, 2}}});
  while (!cancelled) std::this_thread::yield();
  go = true;
  const auto report = broker.receive_a<wire::Report>();
  EXPECT_EQ(report.id.lease.counter, 1u);
  EXPECT_EQ(report.tasks, (wire::Intervals{{0, 6}}));
}

TEST_F(LinkTest, a_second_stop_does_not_wait_for_a_function) {
  std::atomic<bool> begun{false}, let_go{false};
  functions.add_raw("stubborn", [&](Task&, Output&) {
    begun = true;
    while (!let_go) std::this_thread::yield();
  });
  FakeBroker broker;
  start(broker.endpoint());
  broker.greet();
  broker.send(echo_lease(1, 1, "stubborn"));
  while (!begun) std::this_thread::yield();
  request_stop_twice();
  const LinkEnd end = join();
  EXPECT_EQ(end.exit_code, 0);
  EXPECT_TRUE(end.abandoned);
  let_go = true;
  take_apart();  // joins the slot's thread while the function's data still exists
}

}  // namespace
}  // namespace quern::worker
