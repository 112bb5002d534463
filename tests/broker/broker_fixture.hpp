// A broker core whose peers are inboxes and whose clock is a variable. Every message goes through
// the real codec in both directions, and the invariants are checked after every step.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <string>

#include "broker/core/core.hpp"
#include "broker/values.hpp"
#include "wire/codec.hpp"
#include "wire/number.hpp"

namespace quern::broker {

using namespace std::chrono_literals;

inline wire::Message through_codec(const wire::Message& message, wire::SessionId session = {}) {
  auto decoded = wire::decode(wire::encode({session, message}));
  if (auto* error = std::get_if<wire::DecodeError>(&decoded)) {
    ADD_FAILURE() << wire::name_of(message) << " does not pass the codec: " << error->text;
    return message;
  }
  return std::move(std::get<wire::Envelope>(decoded).message);
}

struct Peer {
  PeerId id{};
  wire::SessionId session{};
  std::string user = "anonymous";
  std::deque<wire::Message> inbox;
};

class BrokerTest : public ::testing::Test {
 protected:
  static Config small_config() {
    Config config;
    config.incarnation = 7;
    return config;
  }

  /// With keys and an audit log.
  static Config keyed() {
    Config config = small_config();
    config.open = false;
    config.audit = true;
    return config;
  }

  explicit BrokerTest(Config config = small_config()) : core(config) {}

  Core core;
  wire::Time now = wire::Time{} + 1000s;
  std::map<PeerId, Peer*> peers;
  std::uint64_t last_peer = 0;
  std::vector<Audit> audit;
  std::vector<AskEnrol> asked_enrol;

  /// Another core takes the place of this one.
  void replace_core(Config config) {
    std::destroy_at(&core);
    std::construct_at(&core, std::move(config));
  }

  void deliver(Effects& effects) {
    for (auto& effect : effects) {
      if (const auto* line = std::get_if<Audit>(&effect)) audit.push_back(*line);
      if (const auto* ask = std::get_if<AskEnrol>(&effect)) asked_enrol.push_back(*ask);
      auto* send = std::get_if<Send>(&effect);
      if (!send) continue;
      auto it = peers.find(send->peer);
      ASSERT_NE(it, peers.end()) << "a message was sent to an unknown peer";
      if (std::holds_alternative<wire::Welcome>(send->message)) it->second->session = send->session;
      it->second->inbox.push_back(through_codec(send->message, send->session));
    }
    effects.clear();
  }

  void settle() {
    Effects effects;
    core.settle(now);
    core.take_effects(effects);
    core.check_invariants();
    deliver(effects);
  }

  void send(Peer& peer, const wire::Message& message) {
    Effects effects;
    core.on_message(peer.id, peer.user, {peer.session, through_codec(message, peer.session)}, now);
    core.take_effects(effects);
    core.check_invariants();
    core.settle(now);
    core.take_effects(effects);
    core.check_invariants();
    deliver(effects);
  }

  /// Lets time pass in small steps; the peers in `alive` send heartbeats.
  void pass(wire::Duration time, std::vector<Peer*> alive = {}) {
    const auto end = now + time;
    while (now < end) {
      now = std::min(end, now + 500ms);
      for (Peer* peer : alive) {
        send(*peer, wire::Beat{});
        std::erase_if(peer->inbox,
                      [](const auto& m) { return std::holds_alternative<wire::Beat>(m); });
      }
      settle();
    }
  }

  void connect(Peer& peer, wire::Hello hello) {
    peer.id = PeerId{++last_peer};
    peer.session = {};
    peers[peer.id] = &peer;
    send(peer, hello);
  }

  wire::Welcome client(Peer& peer, std::uint8_t identity = 100) {
    wire::Hello hello;
    hello.identity = uuid(identity);
    hello.name = "client" + std::to_string(identity);
    connect(peer, hello);
    return expect<wire::Welcome>(peer);
  }

  static wire::Hello worker_hello(std::uint8_t identity, std::uint32_t slots = 1) {
    wire::Hello hello;
    hello.role = wire::Role::worker;
    hello.identity = uuid(identity);
    hello.name = "worker" + std::to_string(identity);
    hello.worker.emplace();
    hello.worker->capacity.slots = slots;
    hello.worker->functions = {
        {"echo", Takes::item, Encoding::raw, "", false, 0, true},
        {"square", Takes::item, Encoding::value, "", false, 0},
        {"sum", Takes::range, Encoding::value, "sum", false, 0},
        {"careful", Takes::item, Encoding::raw, "", false, 0},  // not idempotent
        {"pi", Takes::range, Encoding::value, "sum", true, 0},
        {"sort", Takes::whole, Encoding::raw, "", false, 0}};
    hello.worker->reducers = {{"merge", Encoding::value, true, "\x80"}};
    return hello;
  }

  wire::Welcome worker(Peer& peer, std::uint8_t identity = 200, std::uint32_t slots = 1) {
    connect(peer, worker_hello(identity, slots));
    return expect<wire::Welcome>(peer);
  }

  template <typename M>
  M expect(Peer& peer) {
    if (peer.inbox.empty()) {
      ADD_FAILURE() << "expected a message, but there is none";
      return {};
    }
    wire::Message message = std::move(peer.inbox.front());
    peer.inbox.pop_front();
    if (auto* wanted = std::get_if<M>(&message)) return *wanted;
    ADD_FAILURE() << "got " << wire::name_of(message) << ", expected "
                  << wire::name_of(wire::Message(M{}));
    return {};
  }

  /// Returns the leases in the inbox of a peer and clears it.
  static std::vector<wire::Lease> leases_of(Peer& peer) {
    std::vector<wire::Lease> out;
    for (auto& message : peer.inbox)
      if (auto* lease = std::get_if<wire::Lease>(&message)) out.push_back(*lease);
    peer.inbox.clear();
    return out;
  }

  void expect_nothing(Peer& peer) {
    EXPECT_TRUE(peer.inbox.empty()) << "unexpected " << wire::name_of(peer.inbox.front());
    peer.inbox.clear();
  }

  static wire::Submit items_job(std::uint8_t id, const std::vector<std::string>& items,
                                std::string function = "echo") {
    wire::Submit submit;
    submit.job = uuid(id);
    submit.function = std::move(function);
    submit.input = InputKind::items;
    submit.batch = batch_of(items);
    return submit;
  }

  static wire::Submit range_job(std::uint8_t id, std::int64_t begin, std::int64_t end,
                                std::string function = "sum") {
    wire::Submit submit;
    submit.job = uuid(id);
    submit.function = std::move(function);
    submit.input = InputKind::range;
    submit.range_begin = begin;
    submit.range_end = end;
    return submit;
  }

  /// The report of an honest worker for an item lease: each result is its payload.
  static wire::Report echo(const wire::Lease& lease, std::uint64_t busy_us = 10) {
    return {{lease.lease, 0}, true, false, lease.tasks, {}, {}, busy_us, lease.batch};
  }

  static wire::Report failure(const wire::Lease& lease, const std::string& text) {
    wire::Report report{{lease.lease, 0}, true, false, {}, {}, {}, 10, {}};
    for (const auto& tasks : lease.tasks)
      report.errors.push_back({tasks.begin, tasks.size(), ErrorCode::failed, text});
    return report;
  }

  /// The sum of a range lease.
  static wire::Report sum(const wire::Lease& lease, std::uint64_t busy_us = 10) {
    wire::Report report{{lease.lease, 0}, true, true, lease.tasks, {}, {}, busy_us, {}};
    wire::BatchBuilder builder;
    for (const auto& tasks : lease.tasks) {
      wire::Int128 total = 0;
      for (std::uint64_t i = tasks.begin; i < tasks.end; ++i)
        total += lease.base + static_cast<std::int64_t>(i);
      builder.add(wire::bytes_of(total));
    }
    report.batch = builder.take();
    return report;
  }
};

}  // namespace quern::broker
