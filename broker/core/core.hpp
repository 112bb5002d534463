// The broker's brain: events in, effects out. PURE: no sockets, threads, clocks, logs, files,
// msgpack. The router actor owns it and is its only caller; the simulator and the tests call it in
// the same way.
//
// Protocol of use: for everything that arrived call on_message() (or on_malformed(), ...), then
// settle() once: it grants leases, sends results and ends jobs. Call settle() also when
// next_deadline() has come. take_effects() says what has to be done.
//
// This class is the switchboard: an event comes in, the room that owns it handles it. rooms.hpp
// shows what the rooms are made of, README.md what each is for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/base/context.hpp"
#include "broker/core/rooms.hpp"
#include "wire/decode_error.hpp"

namespace quern::broker {

class Core {
 public:
  explicit Core(Config config) : context_(std::move(config)) {}
  Core(const Core&) = delete;

  /// A message from a peer that the transport has authenticated as `user` (a public key; anything
  /// when Config::open).
  void on_message(PeerId peer, const std::string& user, wire::Envelope&& envelope, Time now);
  /// Bytes that are not a message, or a message that breaks a rule.
  void on_malformed(PeerId peer, const std::string& user, const wire::DecodeError& why, Time now);
  /// Whether this connection is blocked, or its principal has a penalty: then its messages (but a
  /// HELLO now and then) need not be decoded. Counts them.
  bool ignores(PeerId peer, const std::string& user, Time now);
  /// The peer's connection is gone; it may come back with a new session.
  void on_unreachable(PeerId peer);
  /// The same, and this message to it was not sent. Call take_effects() after it.
  void on_undelivered(PeerId peer, const wire::Message& message);
  /// The peer does not read what it was sent within its credit: its session ends.
  void on_blocked(PeerId peer, Time now);
  /// The router itself did not run for this long: nobody is to blame for silence in it.
  void on_gap(wire::Duration gap);
  /// Who may do what, from now on; ends the sessions of those who may not any more.
  /// `invitations_open`: unknown keys may enrol.
  void on_principals(Principals&& principals, bool invitations_open, Time now);
  /// Answers to AskEnrol.
  void on_enrolled(PeerId peer, const std::string& user, const std::string& name,
                   std::uint8_t rights, bool fresh);
  void on_enrol_refused(PeerId peer, const std::string& user, const std::string& why);
  /// Its key may no longer connect from where this peer is.
  void on_moved(PeerId peer, Time now);
  /// The audit log cannot be written (empty: it can again): privileged requests are refused.
  void on_audit_trouble(const std::string& why);
  /// Orderly stop: says BYE to everybody.
  void on_stop();

  /// First of all, with a store: what it has.
  void recover(Recovered&& recovered, Time now);
  /// Answers to Commit and Load.
  void on_committed(std::uint64_t commit, Time now);
  void on_loaded(JobNumber job, wire::Interval tasks, wire::Batch batch);
  void on_load_failed(JobNumber job, wire::Interval tasks, const std::string& why);
  void on_result_loaded(JobNumber job, std::uint64_t seq, wire::Batch batch);
  void on_result_load_failed(JobNumber job, std::uint64_t seq, const std::string& why);
  /// The store cannot write (it goes on trying): new durable work is refused, the rest goes on.
  void on_store_trouble(const std::string& why, Time now);
  void on_store_healthy();
  /// Nothing is on its way to the store, and nothing has to go there.
  bool all_committed() const { return durability_.commits.is_idle(); }

  /// After everything that arrived was handled, or when next_deadline() has come.
  void settle(Time now);
  /// Moves what is to be done to the end of `out`, in order.
  void take_effects(Effects& out);
  std::optional<Time> next_deadline() const;

  /// The router may forget a connection the core has no session on.
  bool knows(PeerId peer) { return sessions_.table.of_peer(peer) != nullptr; }
  /// Whether how this connection behaved is remembered: then it must keep its name.
  bool remembers(PeerId peer) const { return sessions_.conduct.remembers(peer); }
  /// Peers that have lost their session, or whose conduct was forgotten, since the last call: if
  /// both, nothing is known of them any more.
  std::vector<PeerId> take_gone();
  /// Whether this is a key that may do something.
  bool knows_key(const std::string& user) const { return access_.control.principal_of(user); }

  /// Aborts with a sentence when an invariant is broken. For tests and the simulator: costs a pass
  /// over everything.
  void check_invariants() const;

  const Counters& counters() const { return context_.counters; }
  BrokerStatus status(Time now) const { return status_.statuses.broker(now); }
  std::uint64_t memory_used() const { return jobs_.accounts.memory_used(); }

 private:
  void handle(PeerId peer, const std::string& user, wire::Envelope&& envelope, Time now);
  void dispatch(Session& session, const Principal& principal, wire::Message&& message, Time now);
  void examine(Job& job, Time now);
  void check_peers() const;
  void check_jobs() const;

  Context context_;
  DurabilityRoom durability_;
  AccessRoom access_{context_};
  SessionsRoom sessions_{context_, durability_, access_};
  WorkersRoom workers_{context_};
  JobsRoom jobs_{context_, durability_, access_, sessions_};
  SchedulingRoom scheduling_{context_, durability_, access_, sessions_, workers_, jobs_};
  EndingsRoom endings_{context_, sessions_, workers_, jobs_, scheduling_};
  StatusRoom status_{context_, durability_, sessions_, workers_, jobs_, scheduling_};
  ClientsRoom clients_{context_, durability_, access_,  sessions_, workers_,
                       jobs_,    scheduling_, endings_, status_};
  MembershipRoom membership_{context_, durability_, access_,  sessions_, workers_,
                             jobs_,    scheduling_, endings_, clients_};
};

}  // namespace quern::broker
