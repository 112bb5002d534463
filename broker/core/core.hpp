// The decisions of the broker: events in, effects out. PURE: no sockets, threads, clocks, logs,
// files or msgpack. The router actor owns it and is its only caller; the simulator and the tests
// call it in the same way.
//
// How to use it: call on_message() (or on_malformed(), ...) for everything that has arrived, then
// settle() once; it grants leases, sends results and ends jobs. Also call settle() when
// next_deadline() has come. take_effects() returns what has to be done.
//
// This class is a switchboard: an event comes in, and the room that owns it handles it. rooms.hpp
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
  /// if Config::open).
  void on_message(PeerId peer, const std::string& user, wire::Envelope&& envelope, Time now);
  /// Bytes that are not a message, or a message that breaks a rule.
  void on_malformed(PeerId peer, const std::string& user, const wire::DecodeError& why, Time now);
  /// Whether this connection is blocked, or its principal has a penalty: then its messages (except
  /// for an occasional HELLO) need not be decoded. Counts them.
  bool ignores(PeerId peer, const std::string& user, Time now);
  /// The peer's connection is gone; it may come back with a new session.
  void on_unreachable(PeerId peer);
  /// Does the same, and this message to the peer was not sent. Call take_effects() afterwards.
  void on_undelivered(PeerId peer, const wire::Message& message);
  /// The peer does not read what it was sent within its credit: its session ends.
  void on_blocked(PeerId peer, Time now);
  /// What the wall clock shows now, in ms since 1970 (UTC). To be called before recover(), and
  /// whenever the clock was set. The core reads no clock.
  void on_wall_clock(std::int64_t ms, Time now);
  /// The router itself did not run for this long, so silence during that time does not count.
  void on_gap(wire::Duration gap);
  /// Sets who may do what from now on; ends the sessions of peers that no longer may.
  /// `invitations_open`: unknown keys may enrol.
  void on_principals(Principals&& principals, bool invitations_open, Time now);
  /// Answers to AskEnrol.
  void on_enrolled(PeerId peer, const std::string& user, const std::string& name,
                   std::uint8_t rights, bool fresh);
  void on_enrol_refused(PeerId peer, const std::string& user, const std::string& why);
  /// The key of this peer may no longer connect from its address.
  void on_moved(PeerId peer, Time now);
  /// The audit log cannot be written (empty: it can again): privileged requests are refused.
  void on_audit_trouble(const std::string& why);
  /// Orderly stop: sends BYE to everybody.
  void on_stop();

  /// Must be called first if there is a store, with its content.
  void recover(Recovered&& recovered, Time now);
  /// Answers to Commit and Load.
  void on_committed(std::uint64_t commit, Time now);
  void on_loaded(JobNumber job, wire::Interval tasks, wire::Batch batch);
  void on_load_failed(JobNumber job, wire::Interval tasks, const std::string& why);
  void on_result_loaded(JobNumber job, std::uint64_t seq, wire::Batch batch);
  void on_result_load_failed(JobNumber job, std::uint64_t seq, const std::string& why);
  /// The store cannot write (it keeps trying): new durable work is refused, the rest continues.
  void on_store_trouble(const std::string& why, Time now);
  void on_store_healthy();
  /// Nothing is on its way to the store, and nothing has to go there.
  bool all_committed() const { return durability_.commits.is_idle(); }

  /// To be called after everything that arrived was handled, or when next_deadline() has come.
  void settle(Time now);
  /// Appends the effects to `out`, in order.
  void take_effects(Effects& out);
  std::optional<Time> next_deadline() const;

  /// The router may forget a connection on which the core has no session.
  bool knows(PeerId peer) { return sessions_.table.of_peer(peer) != nullptr; }
  /// Whether the behaviour of this connection is remembered: then it must keep its name.
  bool remembers(PeerId peer) const { return sessions_.conduct.remembers(peer); }
  /// Peers that have lost their session, or whose behaviour was forgotten, since the last call. If
  /// both are true, nothing is known about them any more.
  std::vector<PeerId> take_gone();
  /// Whether this key may do anything.
  bool knows_key(const std::string& user) const { return access_.control.principal_of(user); }

  /// Aborts with a sentence if an invariant is broken. For tests and the simulator, because it
  /// examines everything.
  void check_invariants() const;

  const Counters& counters() const { return context_.counters; }
  BrokerStatus status(Time now) const { return status_.statuses.broker(now); }
  std::uint64_t memory_used() const { return jobs_.accounts.memory_used(); }

 private:
  void handle(PeerId peer, const std::string& user, wire::Envelope&& envelope, Time now);
  void dispatch(Session& session, const Principal& principal, wire::Message&& message, Time now);
  void examine(Job& job, Time now);
  void check_jobs() const;

  Context context_;
  DurabilityRoom durability_;
  AccessRoom access_{context_};
  SessionsRoom sessions_{context_, durability_, access_};
  WorkersRoom workers_{context_};
  JobsRoom jobs_{context_, durability_, access_, sessions_};
  SchedulingRoom scheduling_{context_, durability_, access_, sessions_, workers_, jobs_};
  EndingsRoom endings_{context_, sessions_, workers_, jobs_, scheduling_};
  EdgesRoom edges_{context_, jobs_, scheduling_, endings_};
  NestingRoom nesting_{context_, sessions_, workers_, jobs_, scheduling_, endings_};
  SchedulesRoom schedules_{context_, durability_};
  StatusRoom status_{context_, durability_, sessions_, workers_, jobs_, scheduling_, edges_};
  ClientsRoom clients_{context_,    durability_, access_, sessions_,  workers_, jobs_,
                       scheduling_, endings_,    edges_,  schedules_, status_};
  MembershipRoom membership_{context_, durability_, access_,  sessions_, workers_,
                             jobs_,    scheduling_, endings_, edges_,    clients_};
};

}  // namespace quern::broker
