// Peers with keys that flood, forge or send garbage: they are refused, counted, recorded and
// blocked for a while; all other peers are unaffected.
#include <functional>
#include <list>

#include "broker/broker_fixture.hpp"

namespace quern::broker {
namespace {

class ConductTest : public BrokerTest {
 protected:
  ConductTest() : BrokerTest(keyed()) {
    Principals principals;
    const auto add = [&](const char* key, const char* name, std::uint8_t rights) {
      principals[key].name = name;
      principals[key].rights = rights;
    };
    add("good", "good", static_cast<std::uint8_t>(Right::submit));
    add("mill", "mill", static_cast<std::uint8_t>(Right::work));
    add("evil", "evil",
        static_cast<std::uint8_t>(Right::submit) | static_cast<std::uint8_t>(Right::work));
    Effects effects;
    core.on_principals(std::move(principals), false, now);
    core.take_effects(effects);
    good.user = "good";
    mill.user = "mill";
    evil.user = "evil";
    client(good, 1);
    worker(mill, 2);
  }

  /// The honest peers are still served.
  void expect_service() {
    send(good, items_job(++last_job, {"a"}));
    expect<wire::Accepted>(good);
    send(mill, echo(expect<wire::Lease>(mill)));
    expect<wire::Reported>(mill);
    expect<wire::Results>(good);
    expect<wire::JobUpdate>(good);
  }

  /// Delivers only the audit lines of the effects.
  void deliver_audit(Effects& effects) {
    std::erase_if(effects, [](const auto& effect) { return std::holds_alternative<Send>(effect); });
    deliver(effects);
  }

  bool is_limited() {
    return std::any_of(audit.begin(), audit.end(), [](const Audit& line) {
      return line.action == "limit" && line.principal == "evil";
    });
  }

  /// The broker's list of workers.
  wire::Answer answer() {
    Effects effects;
    send(good, wire::Query{1, wire::QueryWhat::workers, {}, {}, 1});
    while (!good.inbox.empty() && !std::holds_alternative<wire::Answer>(good.inbox.front()))
      good.inbox.pop_front();
    return expect<wire::Answer>(good);
  }

  Peer good, mill, evil;
  std::uint8_t last_job = 0;
};

class AttacksTest : public ConductTest {
 protected:
  /// Attacks until the connection is blocked, reconnects and repeats this until the key has a
  /// penalty.
  void expect_limits(const std::string& what, const std::function<void(int)>& once,
                     bool as_worker = false) {
    bool cut_off = false;
    for (int i = 0; i < 2'000'000 && !is_limited(); ++i) {
      once(i);
      evil.inbox.clear();
      if (is_limited() || !core.ignores(evil.id, "evil", now)) continue;
      if (!cut_off) expect_service();
      cut_off = true;
      come_back(as_worker);
    }
    EXPECT_TRUE(cut_off) << what;
    EXPECT_TRUE(is_limited()) << what;
    come_back(as_worker);
    EXPECT_TRUE(core.ignores(evil.id, "evil", now));
    evil.inbox.clear();
    const std::size_t lines = audit.size();
    for (int i = 0; i < 100; ++i) once(i);     // neither answered nor recorded
    EXPECT_LE(evil.inbox.size(), 2u) << what;  // a HELLO may be answered with the reason
    for (const auto& message : evil.inbox)
      EXPECT_EQ(std::get<wire::Refused>(message).code, ErrorCode::limit) << what;
    EXPECT_EQ(audit.size(), lines) << what;
    EXPECT_FALSE(core.ignores(good.id, "good", now));
    expect_service();
    now += 1s;
    come_back(as_worker);
    EXPECT_FALSE(core.ignores(evil.id, "evil", now)) << what;
  }

  void come_back(bool as_worker) {
    wire::Hello hello;
    hello.identity = uuid(9);
    // A worker without functions, which must not get leases that the honest worker waits for.
    if (as_worker) {
      hello.role = wire::Role::worker;
      hello.worker.emplace();
    }
    connect(evil, hello);
  }
};

TEST_F(AttacksTest, malformed_messages_are_limited) {
  client(evil, 9);
  expect_limits("garbage", [&](int) {
    Effects effects;
    if (core.ignores(evil.id, "evil", now))
      return;  // like the router, which does not even decode it
    core.on_malformed(evil.id, "evil", {ErrorCode::malformed, "no message"}, now);
    core.take_effects(effects);
    deliver(effects);
  });
}

TEST_F(AttacksTest, hellos_on_one_connection_are_limited) {
  client(evil, 9);
  expect_limits("hellos", [&](int i) {
    wire::Hello hello;
    hello.identity = uuid(static_cast<std::uint8_t>(50 + i % 100));
    send(evil, hello);
  });
}

TEST_F(AttacksTest, hellos_on_many_connections_are_limited) {
  for (int i = 0; i < 50'000 && !is_limited(); ++i) come_back(false);
  EXPECT_TRUE(is_limited());
  expect_service();
}

TEST_F(AttacksTest, heartbeats_are_limited) {
  client(evil, 9);
  expect_limits("heartbeats", [&](int) { send(evil, wire::Beat{true, {}, {}}); });
}

TEST_F(AttacksTest, queries_over_the_rate_limit_are_answered_with_an_error_and_then_blocked) {
  client(evil, 9);
  wire::Query query;
  query.what = wire::QueryWhat::broker;
  query.token = 7;
  std::size_t told = 0;
  for (int i = 0; i < 30'000 && !core.ignores(evil.id, "evil", now); ++i) {
    Effects effects;
    core.on_message(evil.id, "evil", {evil.session, query}, now);
    core.take_effects(effects);
    deliver(effects);
    // A client over the rate limit gets an error instead of waiting for an answer.
    const auto* error =
        evil.inbox.empty() ? nullptr : std::get_if<wire::ErrorMessage>(&evil.inbox.back());
    told += error && error->code == ErrorCode::limit && (error->token == 7 || error->fatal) ? 1 : 0;
    evil.inbox.clear();
  }
  EXPECT_TRUE(core.ignores(evil.id, "evil", now));
  EXPECT_GT(told, 500u);
  expect_service();
}

TEST_F(AttacksTest, requests_that_the_key_does_not_allow_are_limited) {
  client(evil, 9);
  expect_limits("denied", [&](int) { send(evil, wire::Drain{1, "mill"}); });
}

TEST_F(AttacksTest, refused_submissions_are_limited) {
  client(evil, 9);
  expect_limits("refused", [&](int i) {
    auto submit = items_job(static_cast<std::uint8_t>(100 + i % 50), {"a"});
    submit.options.durability = Durability::durable;  // this broker has no store
    send(evil, submit);
  });
}

TEST_F(AttacksTest, messages_of_unknown_sessions_are_limited) {
  client(evil, 9);
  expect_limits("stale", [&](int i) {
    evil.session = wire::SessionId{static_cast<std::uint64_t>(1000 + i)};
    Effects effects;
    core.on_message(evil.id, evil.user, {evil.session, wire::Beat{}}, now);
    core.take_effects(effects);
    deliver(effects);
  });
}

TEST_F(AttacksTest, a_forged_report_of_a_lease_of_another_worker_is_ignored) {
  send(good, items_job(100, {"secret"}));
  expect<wire::Accepted>(good);
  const auto lease = expect<wire::Lease>(mill);
  worker(evil, 9);
  // It has guessed the id of the lease.
  wire::Report report = echo(lease);
  report.batch = batch_of({"forged"});
  send(evil, report);
  expect<wire::Reported>(evil);  // acknowledged like a late report, so that it is not repeated
  EXPECT_EQ(audit.back().action, "report");
  EXPECT_FALSE(audit.back().allowed);
  expect_nothing(good);
  // The report of the rightful worker still counts.
  send(mill, echo(lease));
  expect<wire::Reported>(mill);
  EXPECT_EQ(items_of(expect<wire::Results>(good).batch), std::vector<std::string>{"secret"});
}

TEST_F(AttacksTest, the_rate_of_a_worker_is_measured_not_taken_from_its_claims) {
  // It takes 100 ms per task and claims 1 us.
  send(good, items_job(100, std::vector<std::string>(200, "x")));
  expect<wire::Accepted>(good);
  double rate = 0;
  for (int i = 0; i < 10; ++i) {
    const auto lease = expect<wire::Lease>(mill);
    now += 100ms * wire::size(lease.tasks);
    send(mill, echo(lease, 1));
    std::erase_if(mill.inbox,
                  [](const auto& m) { return std::holds_alternative<wire::Reported>(m); });
    for (const auto& worker : answer().workers) rate = worker.rates.at(0).rate;
  }
  EXPECT_LT(rate, 12);
  EXPECT_GT(rate, 8);
}

TEST_F(AttacksTest, exceeding_the_credit_ends_the_session) {
  client(evil, 9);
  auto submit = items_job(100, {"a"}, "absent");
  submit.open = true;
  send(evil, submit);
  const auto accepted = expect<wire::Accepted>(evil);
  wire::Append append;
  append.job = uuid(100);
  append.first = 1;
  append.batch = batch_of(std::vector<std::string>(40, std::string(1 << 20, 'x')));
  ASSERT_GT(append.batch.weight(), accepted.credit_to);
  Effects effects;
  core.on_message(evil.id, evil.user, {evil.session, append}, now);
  core.take_effects(effects);
  deliver(effects);
  const auto error = expect<wire::ErrorMessage>(evil);
  EXPECT_EQ(error.code, ErrorCode::credit);
  EXPECT_TRUE(error.fatal);
  EXPECT_FALSE(core.knows(evil.id));
  expect_service();
}

TEST_F(AttacksTest, penalties_double_with_each_offence) {
  client(evil, 9);
  const PeerId nobody{999'999};
  std::uint64_t last = 1'000'000;
  const auto time_ignored = [&] {
    Effects effects;
    while (!core.ignores(nobody, "evil", now)) {
      const PeerId peer{++last};
      while (!core.ignores(peer, "evil", now))
        core.on_malformed(peer, "evil", {ErrorCode::malformed, "no message"}, now);
      core.take_effects(effects);
    }
    const auto since = now;
    while (core.ignores(nobody, "evil", now)) now += 100ms;
    return now - since;
  };
  EXPECT_EQ(time_ignored(), 1s);
  EXPECT_EQ(time_ignored(), 2s);
  EXPECT_EQ(time_ignored(), 4s);
}

TEST_F(AttacksTest, a_blocked_connection_stays_blocked_while_others_of_its_key_continue) {
  Peer honest;
  honest.user = "evil";
  wire::Hello hello;
  hello.identity = uuid(77);
  connect(honest, hello);
  expect<wire::Welcome>(honest);
  for (const bool hangs_up : {true, false}) {
    come_back(false);
    const Peer there = evil;
    for (int i = 0; i < 5000; ++i) {  // a new session each time, then a protocol violation or BYE
      hello.identity = uuid(9);
      evil.session = {};
      Effects effects;
      core.on_message(evil.id, "evil", {{}, hello}, now);
      core.take_effects(effects);
      deliver(effects);
      if (hangs_up)
        send(evil, wire::Bye{});
      else
        send(evil, wire::Draining{});
      evil.inbox.clear();
    }
    EXPECT_TRUE(core.ignores(there.id, "evil", now)) << hangs_up;
    EXPECT_TRUE(core.remembers(there.id)) << "otherwise the router would forget the peer";
    EXPECT_FALSE(core.knows(there.id));
    now += 120s;
    core.on_gap(120s);
    EXPECT_TRUE(core.ignores(there.id, "evil", now)) << "the block has no time limit";
  }
  EXPECT_FALSE(is_limited());
  send(honest, wire::Beat{});
  expect<wire::Beat>(honest);
}

TEST_F(AttacksTest, peers_that_come_and_go_leave_no_routes_behind) {
  // Like one command per second for a day: the router keeps a route only for peers that are known
  // or remembered.
  std::set<PeerId> routes;
  std::size_t most = 0;
  Effects effects;
  for (std::uint64_t i = 0; i < Connections::kMost + 10'000; ++i) {
    const PeerId peer{2'000'000 + i};
    routes.insert(peer);
    now += 10ms;
    wire::Hello hello;
    hello.identity = uuid(9);
    core.on_message(peer, "evil", {{}, hello}, now);
    core.take_effects(effects);
    const auto welcome = std::find_if(effects.rbegin(), effects.rend(), [&](const auto& effect) {
      const auto* send = std::get_if<Send>(&effect);
      return send && std::holds_alternative<wire::Welcome>(send->message);
    });
    ASSERT_NE(welcome, effects.rend());
    core.on_message(peer, "evil", {std::get<Send>(*welcome).session, wire::Bye{}}, now);
    core.take_effects(effects);
    effects.clear();
    for (PeerId gone : core.take_gone())
      if (!core.knows(gone) && !core.remembers(gone)) routes.erase(gone);
    most = std::max(most, routes.size());
  }
  EXPECT_LE(most, Connections::kMost + 1);
  EXPECT_EQ(routes.size(), Connections::kMost);
}

TEST_F(AttacksTest, messages_during_a_penalty_do_not_extend_it) {
  std::uint64_t last = 1'000'000;
  Effects effects;
  while (!is_limited()) {
    const PeerId peer{++last};
    for (int i = 0; i < 200; ++i)
      core.on_malformed(peer, "evil", {ErrorCode::malformed, "no message"}, now);
    core.take_effects(effects);
    deliver_audit(effects);
  }
  for (int i = 0; i < 5000; ++i)
    core.on_malformed(PeerId{++last}, "evil", {ErrorCode::malformed, "no message"}, now);
  core.take_effects(effects);
  now += 1s;
  EXPECT_FALSE(core.ignores(PeerId{999'999}, "evil", now));
}

TEST_F(AttacksTest, a_peer_that_keeps_asking_during_a_penalty_is_told_why_at_a_limited_rate) {
  std::uint64_t last = 1'000'000;
  const auto attack = [&] {
    while (!core.ignores(PeerId{999'999}, "evil", now)) {
      Effects effects;
      const PeerId peer{++last};
      for (int i = 0; i < 200; ++i)
        core.on_malformed(peer, "evil", {ErrorCode::malformed, "no message"}, now);
      core.take_effects(effects);
    }
  };
  attack();
  now += 1s;
  attack();  // the second penalty lasts two seconds
  int told = 0;
  for (int i = 0; i < 19; ++i, now += 100ms) {
    Effects effects;
    wire::Hello hello;
    hello.identity.bytes[0] = 99;
    core.on_message(PeerId{++last}, "evil", {{}, hello}, now);
    core.take_effects(effects);
    for (const auto& effect : effects)
      if (const auto* send = std::get_if<Send>(&effect))
        told += std::holds_alternative<wire::Refused>(send->message) ? 1 : 0;
  }
  EXPECT_EQ(told, 3);  // two at once, then one a second
}

TEST_F(AttacksTest, a_cluster_that_reconnects_at_once_under_one_key_is_not_a_flood) {
  std::list<Peer> rack;
  for (int i = 0; i < 3000; ++i) {
    Peer& peer = rack.emplace_back();
    peer.user = "mill";
    wire::Hello hello = worker_hello(3);
    hello.identity.bytes[0] = static_cast<std::uint8_t>(1 + i / 250);
    hello.identity.bytes[1] = static_cast<std::uint8_t>(i % 250);
    peer.id = PeerId{++last_peer};
    peers[peer.id] = &peer;
    Effects effects;
    core.on_message(peer.id, "mill", {{}, wire::HelloAgain{}}, now);
    core.take_effects(effects);  // a message from its old session
    core.on_message(peer.id, "mill", {{}, hello}, now);
    core.take_effects(effects);
    deliver(effects);
    expect<wire::HelloAgain>(peer);
    expect<wire::Welcome>(peer);
  }
  EXPECT_EQ(core.counters().offences, 0u);
}

}  // namespace
}  // namespace quern::broker
