// The pull core between a broker and clients that do anything at any time: sessions break, messages
// are lost, clients vanish. Whatever happens, each task ends exactly once.
#include <map>
#include <random>
#include <set>

#include "gateway/pull_fixture.hpp"

namespace quern::gateway::pull {
namespace {

/// The broker's side of the protocol, as far as a worker can see it.
struct FakeBroker {
  struct Held {
    wire::IntervalSet open;
    std::uint32_t next_part = 0;
  };
  wire::IntervalSet pending;
  std::map<wire::LeaseId, Held> leases;
  std::map<std::uint64_t, int> ended;
  std::vector<wire::ReportId> unsent;  ///< acknowledgements
  bool has_session = false;
  bool grants = false;

  void give_back(const wire::LeaseId& id) {
    for (const auto& tasks : leases.at(id).open.list()) pending.add(tasks);
    leases.erase(id);
  }
  void on_report(const wire::Report& report) {
    unsent.push_back(report.id);
    const auto at = leases.find(report.id.lease);
    if (at == leases.end() || report.id.part < at->second.next_part) return;
    Held& held = at->second;
    ASSERT_EQ(report.id.part, held.next_part++);
    for (const auto& tasks : report.tasks) {
      ASSERT_TRUE(held.open.contains(tasks)) << "a result of a task that is not leased";
      held.open.remove(tasks);
      for (auto task = tasks.begin; task < tasks.end; ++task) ++ended[task];
    }
    for (const auto& error : report.errors) {
      const wire::Interval tasks{error.first, error.first + error.count};
      ASSERT_TRUE(held.open.contains(tasks)) << "an error of a task that is not leased";
      held.open.remove(tasks);
      pending.add(tasks);  // another attempt
    }
    if (report.last) give_back(at->first);
  }
  void on_reclaimed(const wire::Reclaimed& reclaimed) {
    const auto at = leases.find(reclaimed.lease);
    if (at == leases.end()) return;
    for (const auto& tasks : reclaimed.tasks) {
      ASSERT_TRUE(at->second.open.contains(tasks));
      at->second.open.remove(tasks);
      pending.add(tasks);
    }
  }
  /// The leases that the worker named and the broker does not know.
  std::vector<wire::LeaseId> on_hello(const wire::WorkerOffer& offer) {
    std::set<wire::LeaseId> named;
    std::vector<wire::LeaseId> dropped;
    for (const auto& held : offer.held) {
      named.insert(held.lease);
      if (!leases.contains(held.lease)) dropped.push_back(held.lease);
    }
    std::vector<wire::LeaseId> lost;
    for (const auto& [id, held] : leases)
      if (!named.contains(id)) lost.push_back(id);
    for (const auto& id : lost) give_back(id);
    has_session = grants = true;
    unsent.clear();
    return dropped;
  }
};

class PullRandomTest : public PullTest, public ::testing::WithParamInterface<unsigned> {
 protected:
  static constexpr std::uint64_t kTasks = 300;

  std::uint64_t random(std::uint64_t below) {
    return std::uniform_int_distribution<std::uint64_t>(0, below - 1)(engine);
  }

  /// Carries effects out until there are none.
  void carry_out() {
    for (;;) {
      core.settle(now);
      const auto wrong = core.broken_invariant();
      ASSERT_FALSE(wrong) << *wrong;
      Effects effects;
      core.take_effects(effects);
      if (effects.empty()) return;
      for (auto& effect : effects) carry_out(effect);
    }
  }
  void carry_out(Effect& effect) {
    if (std::holds_alternative<HangUp>(effect)) {
      broker.has_session = false;
    } else if (std::holds_alternative<Reopen>(effect)) {
      if (random(4) > 0 || healed)
        core.on_connected(now);
      else
        core.on_lost("refused", now);
    } else if (auto* granted = std::get_if<Granted>(&effect)) {
      if (granted->portions.empty()) return;
      std::size_t tasks = 0;
      for (const auto& portion : granted->portions) tasks += portion.tasks.size();
      batches.push_back({granted->ticket, granted->token, tasks});
    } else if (auto* send = std::get_if<Send>(&effect)) {
      through_codec(send->envelope);
      receive(send->envelope.message);
    }
  }
  void receive(const wire::Message& message) {
    if (const auto* hello = std::get_if<wire::Hello>(&message)) {
      const auto dropped = broker.on_hello(*hello->worker);
      session = wire::SessionId{static_cast<std::uint64_t>(session) + 1};
      wire::Welcome welcome;
      welcome.dropped = dropped;
      core.on_message({session, welcome}, now);
      return;
    }
    // What is sent in a session that is about to break may be lost.
    if (!broker.has_session || is_breaking) return;
    if (const auto* report = std::get_if<wire::Report>(&message)) broker.on_report(*report);
    if (const auto* reclaimed = std::get_if<wire::Reclaimed>(&message))
      broker.on_reclaimed(*reclaimed);
    if (std::holds_alternative<wire::Draining>(message)) broker.grants = false;
  }

  void grant() {
    if (!broker.has_session || !broker.grants || broker.pending.empty()) return;
    wire::Intervals tasks = {broker.pending.take_front(1 + random(8))};
    if (random(3) == 0 && !broker.pending.empty()) {
      const wire::Interval more = broker.pending.take_front(1 + random(3));
      if (more.begin > tasks[0].end)
        tasks.push_back(more);
      else
        broker.pending.add(more);
    }
    const auto id = ++last_lease;
    broker.leases[PullTest::id(id)].open = wire::IntervalSet(tasks);
    core.on_message({session, lease(id, tasks)}, now);
  }
  void acknowledge() {
    if (broker.has_session)
      for (const auto& id : std::exchange(broker.unsent, {}))
        core.on_message({session, wire::Reported{{id}}}, now);
  }
  void pull_something() {
    const std::string number = std::to_string(tickets + 1);
    pull("T" + number, static_cast<std::uint32_t>(1 + random(10)), std::to_string(random(3)),
         random(3) == 0 ? "r" + std::to_string(random(3)) : "", milliseconds(500 + random(5000)));
  }
  void say_something() {
    if (batches.empty()) return;
    const auto& [ticket, token, tasks] =
        batches[batches.size() - 1 - random(std::min<std::size_t>(batches.size(), 6))];
    const std::string one = token + "." + std::to_string(random(tasks));
    switch (random(7)) {
      case 0:
        return complete(token, tasks);
      case 1:
        return fail(one);
      case 2:
        return release(random(2) == 0 ? one : token);
      case 3:
        return extend(token, milliseconds(500 + random(5000)));
      case 4:
        return core.on_gone(ticket, now);
      default:
        return complete(one);
    }
  }
  void trouble() {
    if (!broker.has_session) return;
    if (random(3) == 0 && !broker.leases.empty()) {
      auto at = broker.leases.begin();
      std::advance(at, static_cast<std::ptrdiff_t>(random(broker.leases.size())));
      const wire::LeaseId id = at->first;
      if (random(2) == 0) return core.on_message({session, wire::Reclaim{id, random(6)}}, now);
      broker.give_back(id);
      return core.on_message({session, wire::Revoke{{id}}}, now);
    }
    if (random(6) > 0) return;
    is_breaking = true;
    for (int i = 0; i < 3; ++i) say_something();
    carry_out();
    is_breaking = false;
    while (!broker.leases.empty() && random(2) == 0) broker.give_back(broker.leases.begin()->first);
    core.on_lost("broken", now);
  }

  struct Got {
    Ticket ticket{};
    std::string token;
    std::size_t tasks = 0;
  };
  std::mt19937 engine{GetParam()};
  FakeBroker broker;
  std::vector<Got> batches;
  std::uint64_t last_lease = 0;
  bool is_breaking = false;
  bool healed = false;
};

TEST_P(PullRandomTest, each_task_ends_exactly_once) {
  broker.pending.add({0, kTasks});
  for (int step = 0; step < 1500 && !HasFatalFailure(); ++step) {
    switch (random(10)) {
      case 0:
      case 1:
        grant();
        break;
      case 2:
      case 3:
        pull_something();
        break;
      case 4:
      case 5:
      case 6:
        say_something();
        break;
      case 7:
        acknowledge();
        break;
      case 8:
        trouble();
        break;
      default:
        now += milliseconds(random(1500));
        break;
    }
    if (broker.has_session) core.on_message({session, wire::Beat{true, {}, {}}}, now);
    carry_out();
  }
  healed = true;
  for (int step = 0; step < 5000 && broker.ended.size() < kTasks && !HasFatalFailure(); ++step) {
    now += 100ms;
    if (broker.has_session) core.on_message({session, wire::Beat{true, {}, {}}}, now);
    pull("E" + std::to_string(step), 10, std::to_string(step));
    grant();
    carry_out();
    acknowledge();
    carry_out();
    for (const auto& got : std::exchange(batches, {})) complete(got.token, got.tasks);
    carry_out();
  }
  EXPECT_EQ(broker.ended.size(), kTasks) << "some tasks never ended";
  for (const auto& [task, times] : broker.ended) EXPECT_EQ(times, 1) << "task " << task;
}

INSTANTIATE_TEST_SUITE_P(Seeds, PullRandomTest, ::testing::Range(1u, 41u));

}  // namespace
}  // namespace quern::gateway::pull
