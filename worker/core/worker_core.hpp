// The decisions of the worker: events in, effects out. It owns the session, the leases that are
// held, the outbox and the common inputs, and decides what runs on which slot. No sockets, threads,
// clocks: the link actor (or a simulator) calls it from one thread, gives each event its time, and
// carries out the effects in order.
//
// Calls: every event may append effects; take them after each batch of events. Times never go
// backwards. When next_deadline() has passed, call on_tick(), after everything that had arrived was
// handed in.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "wire/messages.hpp"
#include "wire/time.hpp"
#include "worker/core/blobs.hpp"
#include "worker/core/commons.hpp"
#include "worker/core/config.hpp"
#include "worker/core/drain.hpp"
#include "worker/core/effect.hpp"
#include "worker/core/lease_book.hpp"
#include "worker/core/lease_queue.hpp"
#include "worker/core/nested_jobs.hpp"
#include "worker/core/outbox.hpp"
#include "worker/core/session.hpp"
#include "worker/core/slots.hpp"
#include "worker/core/tally.hpp"

namespace quern::worker {

class WorkerCore {
 public:
  explicit WorkerCore(Config config);

  // ---- events of the connection
  /// The socket of the last Reopen has connected.
  void on_connected(Time now);
  /// That connection was lost, or refused while connecting.
  void on_lost(const std::string& why, Time now);
  /// The broker rejects this worker, and trying again would not help.
  void on_denied(const std::string& why, Time now);
  void on_message(wire::Envelope envelope, Time now);

  // ---- events of the slots
  /// A report of a slot about its lease. Reports for a lease that was withdrawn in the meantime are
  /// dropped here.
  void on_report(SlotId slot, wire::Report report, Time now);
  /// What the task on the slot says for the broker: about itself (not kept: without a session it is
  /// lost); that it submits a job (answers: TellTask); that it waits for one, or goes on.
  void handle(SlotId slot, wire::Notes notes);
  void handle(SlotId slot, wire::Submit submit);
  void handle(SlotId slot, const wire::Wait& wait);
  /// The slot's thread has returned from its lease. Until then a slot that was fenced counts as
  /// stuck.
  void on_slot_free(SlotId slot, Time now);
  /// Answer to CutRun: these tasks were cut and will not run (possibly none).
  void on_cut(SlotId slot, const wire::LeaseId& lease, const wire::Intervals& tasks, Time now);

  // ---- other events
  /// Answer to KeepBlob: it was written, or why not.
  void on_blob_kept(const std::string& name, const std::string& error);
  /// A stored blob is missing or was changed: it is fetched again for the next lease that needs it.
  void on_blob_gone(const std::string& name) { blobs_.on_gone(name); }
  /// A new measurement of the machine; the core fills in `slots`, `busy` and `stuck`.
  void on_capacity(const Capacity& capacity) { capacity_ = capacity; }
  void on_tick(Time now);
  /// Drains and leaves. A second request leaves at once.
  void on_stop_requested(Time now);

  /// When on_tick() must be called next; nullopt: not before another event.
  std::optional<Time> next_deadline() const;
  /// Appends the effects since the last call.
  void take_effects(Effects& out);

  // ---- for the actor and for tests
  bool connected() const { return session_.is_open(); }
  bool over() const { return session_.is_over(); }
  bool draining() const { return drain_.begun(); }
  const Outbox& outbox() const { return outbox_; }
  const LeaseBook& book() const { return book_; }
  std::size_t queued() const { return queue_.size(); }
  Capacity capacity() const;

  /// The first violated invariant, or nothing.
  std::optional<std::string> broken_invariant() const;
  /// Aborts with a message if an invariant is violated, which is a defect of this program.
  void check_invariants() const;

 private:
  // One handler per message for workers, and one for the message of slots that passes through.
  void handle(const wire::Welcome& welcome, wire::SessionId session, Time now);
  void handle(const wire::Refused& refused, Time now);
  void handle(wire::Lease& lease, Time now);
  void handle(const wire::Reported& reported, Time now);
  void handle(const wire::Reclaim& reclaim, Time now);
  void handle(const wire::Revoke& revoke, Time now);
  void handle(const wire::Beat& heartbeat, Time now);
  void handle(wire::Common& common);
  void handle(const wire::Forget& forget);
  void handle(const wire::ErrorMessage& error, Time now);
  void handle(std::optional<NestedJobs::News> news);
  void on_greeting_answer(wire::Envelope& envelope, Time now);
  void on_session_message(wire::Envelope& envelope, Time now);

  const char* cannot_run(const wire::Lease& lease) const;
  void say_hello(Time now);
  void send_heartbeat(bool reply, Time now);
  void start_leases();
  void fetch_blobs();
  void refuse_without_blobs();
  void hand_back(const wire::LeaseId& id);
  void report(wire::Report report);
  void drop(const wire::LeaseId& id, Time now);
  /// Reports a changed number of stuck slots before the broker grants more leases.
  void tell_stuck(Time now);
  void lose(const std::string& why, Time now);
  void begin_drain();
  void leave_when_done();
  void finish(int exit_code, std::string text, ErrorCode why = ErrorCode::shutdown);
  void send(wire::Message message);
  void note(Note::Level level, std::string text) {
    effects_.push_back(Note{level, std::move(text)});
  }

  Config config_;
  Session session_;
  Drain drain_;
  LeaseQueue queue_;
  LeaseBook book_;
  Outbox outbox_;
  Commons commons_;
  Blobs blobs_;
  Tally tally_;
  NestedJobs nested_;
  Slots slots_;
  Capacity capacity_;
  Effects effects_;
};

}  // namespace quern::worker
