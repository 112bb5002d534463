// The decisions of a pull worker: to the broker it is one worker, to HTTP clients it hands out the
// tasks of its leases. It owns the session, the leases that are held, what clients have of them,
// and the reports that the broker has not acknowledged. No sockets, threads, clocks, JSON: the
// session actor calls it from one thread, gives each event its time, and carries out the effects in
// order.
//
// Calls: hand in everything that has arrived, then settle(), then take the effects. Times never go
// backwards. When next_deadline() has passed, settle() again.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "gateway/pull/core_batches.hpp"
#include "gateway/pull/core_leases.hpp"
#include "gateway/pull/core_outbox.hpp"
#include "gateway/pull/core_pullers.hpp"
#include "gateway/pull/core_session.hpp"
#include "gateway/pull/core_types.hpp"

namespace quern::gateway::pull {

struct Config {
  Uuid identity;     ///< constant: the broker recognises the worker by it after a reconnect
  std::string name;  ///< for people
  std::string software = "quern";
  std::vector<FunctionDecl> functions;  ///< all of them take items
};

class PullCore {
 public:
  /// The worker is there from now on, as if somebody had pulled.
  PullCore(Config config, Time now);

  // ---- events of the connection
  void on_connected(Time now);
  void on_lost(const std::string& why, Time now);
  /// The broker rejects this key, and trying again would not help.
  void on_denied(const std::string& why);
  void on_message(wire::Envelope envelope, Time now);

  // ---- events of the clients; each ticket is answered once
  void on_pull(Pull pull, Time now);
  /// The client has left before it got the answer to its pull.
  void on_gone(Ticket ticket, Time now);
  /// The client has got the answer. Only needed for a pull with a request id.
  void on_delivered(Ticket ticket);
  /// One result for a task; for a batch one per task, in order.
  void on_complete(Ticket ticket, const Named& named, std::vector<Bytes> results, Time now);
  void on_fail(Ticket ticket, const Named& named, const std::string& text, bool permanent,
               Time now);
  void on_release(Ticket ticket, const Named& named, Time now);
  void on_extend(Ticket ticket, const Named& named, Duration lock, Time now);
  /// The gateway ends: waits shortly for acknowledgements, then leaves.
  void on_stop(Time now);

  /// What follows from the events: gives tasks to pulls, reports, what is due by now.
  void settle(Time now);
  std::optional<Time> next_deadline() const;
  void take_effects(Effects& out);

  bool over() const { return session_.is_over(); }
  /// The first violated invariant, or nothing.
  std::optional<std::string> broken_invariant() const;
  /// Aborts with a message if an invariant is violated, which is a defect of this program.
  void check_invariants() const;

 private:
  /// A common input, or that the job needs files.
  struct Common {
    wire::Buffer bytes;
    bool has_files = false;
  };
  /// A client that waits until the broker has acknowledged what it sent.
  struct Asked {
    BatchId batch{};
    std::optional<std::size_t> place;
    TaskState wanted{};  ///< the state that counts
    Time until{};
  };
  /// When this worker takes and keeps work.
  struct Presence {
    Time pulled{};               ///< the last pull
    Time active{};               ///< the last sign of a client
    bool draining = false;       ///< the broker was told to grant nothing
    bool leaving = false;        ///< for good, once clients have nothing any more
    std::optional<Time> stop{};  ///< the gateway ends: leave by then
  };
  /// What the broker was told about slots.
  struct Told {
    std::uint32_t slots = 1;
    Time at = Time::min();
  };

  void handle(const wire::Welcome& welcome, wire::SessionId session, Time now);
  void handle(const wire::Refused& refused, Time now);
  void handle(wire::Lease& lease, Time now);
  void handle(const wire::Reported& reported, Time now);
  void handle(const wire::Reclaim& reclaim);
  void handle(wire::Common& common);
  void on_greeting_answer(wire::Envelope& envelope, Time now);
  void on_session_message(wire::Envelope& envelope, Time now);
  void say_hello(Time now);
  void send_heartbeat(bool reply, Time now);
  void send(wire::Message message);
  void lose(Time now);
  void finish(ErrorCode code, const std::string& text);
  void leave(const std::string& why);
  void drop(const wire::LeaseId& id, bool reported, Time now);
  void hand_back(const wire::LeaseId& id);

  Batch* batch_of(Ticket ticket, const Named& named, Time now);
  void expire(Batch& batch, Time now);
  void fail_tasks(Batch& batch, std::optional<std::size_t> place, const TaskError& error,
                  TaskState ended, Time now);
  void unlock(Batch& batch, std::optional<std::size_t> place, bool skip, Time now);
  void await(Ticket ticket, Batch& batch, std::optional<std::size_t> place, TaskState wanted,
             Time now);
  void acknowledge(const std::vector<BatchId>& batches);
  void answer_all(Batch& batch);
  void grant(Ticket ticket, Batch& batch);
  void reject(Ticket ticket, Rejected::Why why, std::string text);

  void give(Time now);
  std::vector<Piece> pieces_for(const Pull& pull, Time now);
  void make_batch(const Pull& pull, std::vector<Piece> pieces, Time now);
  void end_waits(Time now);
  void retire_unwanted(Time now);
  void report(Time now);
  void tick_session(Time now);
  void tell_slots(Time now);
  void leave_when_idle(Time now);
  std::optional<Time> unwanted_at() const;
  std::optional<Time> slots_due() const;
  Capacity capacity() const;

  const Config config_;
  BrokerSession session_;
  LeaseBook leases_;
  Outbox outbox_;
  Batches batches_;
  WaitingPulls pulls_;
  Skips skips_;
  std::map<Ticket, Asked> asked_;
  std::unordered_map<Uuid, Common> commons_;
  std::set<wire::LeaseId> touched_;  ///< leases that may have something to report
  Presence presence_;
  Told told_;
  std::string trouble_;  ///< why there is no session; empty if unknown
  Effects effects_;
};

}  // namespace quern::gateway::pull
