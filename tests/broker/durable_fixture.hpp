// A broker that can be killed, with a store that commits when the test asks for it.
#pragma once

#include "broker/broker_fixture.hpp"
#include "sim/memory_store.hpp"

namespace quern::broker {

class DurableTest : public BrokerTest {
 protected:
  static Config with_store() {
    Config config = small_config();
    config.store = true;
    return config;
  }
  DurableTest() : BrokerTest(with_store()) {}

  std::optional<Commit> pending;
  sim::MemoryStore store;

  void keep(Effects& effects) {
    std::vector<Effect> loads;
    for (auto& effect : effects) {
      if (auto* commit = std::get_if<Commit>(&effect)) {
        EXPECT_FALSE(pending) << "one commit at a time";
        pending = std::move(*commit);
      } else if (!std::holds_alternative<Send>(effect)) {
        loads.push_back(effect);
      }
    }
    deliver(effects);
    // Loads from the store are answered at once.
    for (const auto& effect : loads) {
      if (const auto* load = std::get_if<Load>(&effect))
        core.on_loaded(load->job, load->tasks, store.load(load->job, load->tasks));
      if (const auto* load = std::get_if<LoadResult>(&effect))
        core.on_result_loaded(load->job, load->seq, store.load_result(load->job, load->seq));
    }
    if (!loads.empty()) turn();
  }
  /// Like send(), but keeps the commit for commit().
  void tell(Peer& peer, const wire::Message& message) {
    Effects effects;
    core.on_message(peer.id, "anonymous", {peer.session, through_codec(message, peer.session)},
                    now);
    core.take_effects(effects);
    core.settle(now);
    core.take_effects(effects);
    core.check_invariants();
    keep(effects);
  }
  void commit() {
    while (pending) {
      store.apply(pending->ops);
      const std::uint64_t sequence = pending->sequence;
      pending.reset();
      Effects effects;
      core.on_committed(sequence, now);
      core.take_effects(effects);
      core.settle(now);
      core.take_effects(effects);
      core.check_invariants();
      keep(effects);
    }
  }
  void turn() {
    Effects effects;
    core.settle(now);
    core.take_effects(effects);
    core.check_invariants();
    keep(effects);
  }
  wire::Submit items(std::uint8_t id, const std::vector<std::string>& payloads) {
    wire::Submit submit;
    submit.job = uuid(id);
    submit.function = "echo";
    submit.input = InputKind::items;
    submit.options.detach = true;
    submit.batch = batch_of(payloads);
    return submit;
  }
  void join(Peer& peer, const char* name, std::uint8_t id, std::vector<wire::HeldLease> held = {}) {
    wire::Hello hello;
    hello.role = wire::Role::worker;
    hello.identity = uuid(id);
    hello.name = name;
    hello.worker.emplace();
    hello.worker->functions = {{"echo", Takes::item, Encoding::raw, "", false, 0, true}};
    hello.worker->capacity.slots = 1;
    hello.worker->held = std::move(held);
    peer.id = PeerId{++last_peer};
    peers[peer.id] = &peer;
    tell(peer, hello);
  }
  void join(Peer& peer, std::uint8_t id) {
    wire::Hello hello;
    hello.identity = uuid(id);
    peer.id = PeerId{++last_peer};
    peers[peer.id] = &peer;
    tell(peer, hello);
  }
  template <typename M>
  std::optional<M> take(Peer& peer) {
    for (auto it = peer.inbox.begin(); it != peer.inbox.end(); ++it)
      if (auto* message = std::get_if<M>(&*it)) {
        M out = std::move(*message);
        peer.inbox.erase(it);
        return out;
      }
    return std::nullopt;
  }
  /// Kills the broker and starts another one from what was committed.
  void restart() {
    Config config = with_store();
    Recovered recovered = store.recover();
    config.incarnation = 100 + recovered.incarnation;
    pending.reset();
    replace_core(config);
    Effects effects;
    core.recover(std::move(recovered), now);
    core.take_effects(effects);
    core.check_invariants();
    keep(effects);
    turn();
    commit();
  }
};

inline wire::Report report_of(const wire::Lease& lease) {
  wire::Report report;
  report.id = {lease.lease, 0};
  report.last = true;
  report.tasks = lease.tasks;
  report.batch = lease.batch;
  report.busy_us = 1000;
  return report;
}

}  // namespace quern::broker
