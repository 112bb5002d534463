#include <list>

#include "broker/broker_fixture.hpp"

namespace quern::broker {
namespace {

using SessionsTest = BrokerTest;

TEST_F(SessionsTest, an_unsupported_protocol_version_is_refused_with_the_reason) {
  Peer peer;
  wire::Hello hello;
  hello.identity = uuid(1);
  hello.protocol_min = hello.protocol_max = 99;
  connect(peer, hello);
  const auto refused = expect<wire::Refused>(peer);
  EXPECT_EQ(refused.code, ErrorCode::version);
  EXPECT_NE(refused.text.find("99"), std::string::npos);
  EXPECT_FALSE(core.knows(peer.id));
}

TEST_F(SessionsTest, a_message_of_an_old_session_is_answered_with_hello_again) {
  Peer peer;
  client(peer);
  peer.session = wire::SessionId{999};
  send(peer, wire::Beat{});
  expect<wire::HelloAgain>(peer);
  Peer stranger;
  stranger.id = PeerId{77};
  peers[stranger.id] = &stranger;
  send(stranger, wire::Query{});
  expect<wire::HelloAgain>(stranger);
}

TEST_F(SessionsTest, malformed_bytes_end_only_their_own_session) {
  Peer bad, good;
  client(bad, 1);
  client(good, 2);
  Effects effects;
  core.on_malformed(bad.id, bad.user, {ErrorCode::malformed, "not msgpack"}, now);
  core.take_effects(effects);
  deliver(effects);
  EXPECT_TRUE(expect<wire::ErrorMessage>(bad).fatal);
  send(good, wire::Beat{});
  EXPECT_TRUE(expect<wire::Beat>(good).reply);
  EXPECT_EQ(core.counters().malformed, 1u);
}

TEST_F(SessionsTest, a_client_must_not_send_worker_messages) {
  Peer peer;
  client(peer);
  send(peer, wire::Report{});
  const auto error = expect<wire::ErrorMessage>(peer);
  EXPECT_EQ(error.code, ErrorCode::role);
  EXPECT_TRUE(error.fatal);
}

TEST_F(SessionsTest, a_flood_of_hellos_on_one_connection_leaves_no_session) {
  Peer peer;
  client(peer);
  for (int i = 0; i < 1000; ++i) {
    wire::Hello hello;
    hello.identity = uuid(static_cast<std::uint8_t>(i));
    hello.identity.bytes[0] = static_cast<std::uint8_t>(i >> 8 | 1);
    send(peer, hello);
  }
  std::size_t welcomes = 0;
  for (const auto& message : peer.inbox)
    welcomes += std::holds_alternative<wire::Welcome>(message) ? 1 : 0;
  EXPECT_LT(welcomes, 30u);  // further ones are not answered: a peer must open a new socket
  EXPECT_EQ(core.status(now).clients, 0u);
}

TEST_F(SessionsTest, a_thousand_workers_of_one_name_get_distinct_names) {
  std::list<Peer> rack;
  std::set<std::string> names;
  for (int i = 0; i < 1000; ++i) {
    Peer& peer = rack.emplace_back();
    wire::Hello hello = worker_hello(1);
    hello.identity.bytes[1] = static_cast<std::uint8_t>(1 + i / 250);
    hello.identity.bytes[2] = static_cast<std::uint8_t>(i % 250);
    hello.name = "box";
    connect(peer, hello);
    expect<wire::Welcome>(peer);
    if (i % 3 == 0) send(peer, wire::Bye{});  // it leaves again, so its name is free
  }
  Peer asking;
  client(asking);
  wire::Query query{1, wire::QueryWhat::workers, {}, {}, 1000};
  do {
    send(asking, query);
    std::erase_if(asking.inbox,
                  [](const auto& m) { return std::holds_alternative<wire::Beat>(m); });
    const auto answer = expect<wire::Answer>(asking);
    for (const auto& worker : answer.workers) names.insert(worker.name);
    query.after = answer.after;
  } while (!query.after.empty());
  EXPECT_EQ(names.size(), 666u);
}

TEST_F(SessionsTest, an_idle_worker_that_gets_a_lease_between_two_heartbeats_is_not_lost_at_once) {
  Peer c, w;
  client(c, 1);
  worker(w, 200, 1);
  now += 4s;  // an idle worker sends a heartbeat every five seconds
  send(c, wire::Beat{});
  send(c, items_job(1, {"x"}));
  ASSERT_EQ(leases_of(w).size(), 1u);
  Effects effects;
  now += 200ms;
  core.settle(now);
  core.take_effects(effects);
  EXPECT_TRUE(core.knows(w.id));
  now += 3s;
  core.settle(now);
  core.take_effects(effects);
  EXPECT_FALSE(core.knows(w.id))
      << "it is busy now, and silent for longer than a busy worker may be";
}

TEST_F(SessionsTest, a_silent_peer_loses_its_session) {
  Peer peer;
  client(peer);
  pass(20s);
  EXPECT_FALSE(core.knows(peer.id));
  EXPECT_EQ(core.status(now).clients, 0u);
}

TEST_F(SessionsTest, a_pause_of_the_broker_does_not_count_as_silence_of_its_peers) {
  Peer peer;
  worker(peer);
  now += 60s;
  core.on_gap(60s);
  settle();
  EXPECT_TRUE(core.knows(peer.id));
}

TEST_F(SessionsTest, two_workers_of_one_name_get_distinct_names) {
  Peer a, b, c;
  worker(a, 201);
  wire::Hello hello = worker_hello(202);
  hello.name = "worker201";
  connect(b, hello);
  expect<wire::Welcome>(b);
  client(c);
  send(c, wire::Query{5, wire::QueryWhat::workers, {}, {}, 100});
  const auto answer = expect<wire::Answer>(c);
  ASSERT_EQ(answer.workers.size(), 2u);
  EXPECT_NE(answer.workers[0].name, answer.workers[1].name);
}

// ---- resynchronisation

TEST_F(SessionsTest, a_reconnecting_worker_keeps_the_leases_it_lists) {
  Peer c, w;
  client(c);
  worker(w, 200, 2);
  send(c, items_job(1, {"a", "b"}));
  const auto first = expect<wire::Lease>(w);
  const auto second = expect<wire::Lease>(w);

  Peer again;
  wire::Hello hello = worker_hello(200, 2);
  hello.worker->held = {{first.lease, first.job, first.tasks, false},
                        {{3, 99}, uuid(9), {{0, 1}}, true}};
  connect(again, hello);
  const auto welcome = expect<wire::Welcome>(again);
  EXPECT_EQ(welcome.dropped, (std::vector<wire::LeaseId>{{3, 99}}))
      << "a lease of another incarnation is unknown";
  // The second lease never arrived: its tasks are granted again under another id.
  const auto third = expect<wire::Lease>(again);
  EXPECT_EQ(third.tasks, second.tasks);
  EXPECT_NE(third.lease, second.lease);
  send(again, echo(first));
  send(again, echo(third));
  expect<wire::Reported>(again);
  expect<wire::Reported>(again);
  expect_nothing(again);
}

TEST_F(SessionsTest, a_reconnecting_client_learns_how_much_input_was_accepted) {
  Peer c;
  client(c);
  wire::Submit submit = items_job(1, {"a", "b", "c"});
  submit.open = true;
  send(c, submit);
  Peer again;
  wire::Hello hello;
  hello.identity = uuid(100);
  hello.jobs = {{uuid(1), 0}, {uuid(2), 0}};
  connect(again, hello);
  const auto welcome = expect<wire::Welcome>(again);
  ASSERT_EQ(welcome.jobs.size(), 2u);
  EXPECT_TRUE(welcome.jobs[0].known);
  EXPECT_EQ(welcome.jobs[0].accepted_to, 3u);
  EXPECT_FALSE(welcome.jobs[1].known);
}

TEST_F(SessionsTest,
       after_the_grace_period_an_attached_job_is_cancelled_and_a_detached_one_continues) {
  Peer c, other;
  client(c, 1);
  send(c, items_job(1, {"a"}));
  wire::Submit detached = items_job(2, {"a"});
  detached.options.detach = true;
  send(c, detached);
  send(c, wire::Bye{});
  client(other, 2);
  const auto state = [&](std::uint8_t id) {
    send(other, wire::Query{1, wire::QueryWhat::job, uuid(id), {}, 1});
    return expect<wire::Answer>(other).jobs.at(0).state;
  };
  pass(29s, {&other});
  EXPECT_EQ(state(1), JobState::waiting);
  pass(2s, {&other});
  EXPECT_EQ(state(1), JobState::cancelled);
  EXPECT_EQ(state(2), JobState::waiting);
}

TEST_F(SessionsTest, unread_results_of_a_departed_client_are_freed_after_the_grace_period) {
  Peer c, w;
  client(c, 1);
  worker(w);
  send(c, items_job(1, {std::string(1000, 'x')}));
  send(w, echo(expect<wire::Lease>(w)));
  EXPECT_GT(core.memory_used(), 1000u);
  send(c, wire::Bye{});
  pass(29s, {&w});
  EXPECT_GT(core.memory_used(), 1000u) << "it may come back";
  pass(2s, {&w});
  EXPECT_EQ(core.memory_used(), 0u);
}

TEST_F(SessionsTest, an_owner_that_attaches_again_keeps_its_job) {
  Peer c, again;
  client(c, 1);
  send(c, items_job(1, {"a"}));
  send(c, wire::Bye{});
  client(again, 1);
  wire::Attach attach;
  attach.job = uuid(1);
  attach.own = true;
  send(again, attach);
  expect<wire::JobUpdate>(again);
  pass(60s, {&again});
  send(again, wire::Query{1, wire::QueryWhat::job, uuid(1), {}, 1});
  EXPECT_EQ(expect<wire::Answer>(again).jobs.at(0).state, JobState::waiting);
}

}  // namespace
}  // namespace quern::broker
