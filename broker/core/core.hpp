// The broker's brain: events in, effects out. PURE: no sockets, threads, clocks, logs, files,
// msgpack. The router actor owns it and is its only caller; the simulator and the tests call it in
// the same way.
//
// Protocol of use: for everything that arrived call on_message() (or on_malformed(), ...), then
// settle() once: it carves leases, sends results and ends jobs. Call settle() also when
// next_deadline() has come.
//
// Files: core_session.cpp (HELLO, beats, loss), core_jobs.cpp (what clients ask), core_results.cpp
// (results to clients), core_leases.cpp (what workers answer), core_decide.cpp (how a job is run),
// core_pools.cpp (who can run it), core_fitness.cpp (who is better at what), core_dispatch.cpp
// (where leases go), core_plan.cpp (the same ahead, when times are known), core_grant.cpp (leases
// are made), core_tail.cpp (what is moved at the end), core_end.cpp (how jobs end), core_blobs.cpp
// (what is kept for them), core_status.cpp (what is shown), core_access.cpp (who may do what),
// core_conduct.cpp (floods, forgery), core_check.cpp (invariants), core_store.cpp (what is made
// durable, what waits for it), core_recover.cpp (after a restart).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "broker/core/access.hpp"
#include "broker/core/budget.hpp"
#include "broker/core/conduct.hpp"
#include "broker/core/config.hpp"
#include "broker/core/connections.hpp"
#include "broker/core/durability/commit_log.hpp"
#include "broker/core/durability/job_numbers.hpp"
#include "broker/core/effect.hpp"
#include "broker/core/job.hpp"
#include "broker/core/lease.hpp"
#include "broker/core/offers.hpp"
#include "broker/core/payload_cost.hpp"
#include "broker/core/placement.hpp"
#include "broker/core/plan_in_use.hpp"
#include "broker/core/pool.hpp"
#include "broker/core/session.hpp"
#include "broker/core/turns.hpp"
#include "broker/core/worker.hpp"
#include "wire/decode_error.hpp"

namespace quern::broker {

using wire::Time;

/// When a job should end.
struct Estimate {
  double left_s = -1;     ///< below zero: not known
  double error_s = -1;    ///< give or take
  bool measured = false;  ///< from what it got of late; else from the workers' rates
};

/// A worker that was lost, as it is shown for a while.
struct LostWorker {
  WorkerStatus last;  ///< what was known of it then
  Time lost{};
};

struct Counters {
  std::uint64_t malformed = 0;
  std::uint64_t refused = 0;
  std::uint64_t denied = 0;
  std::uint64_t offences = 0;  ///< what no honest peer does
  std::uint64_t ignored = 0;   ///< messages of principals that are not listened to
  std::uint64_t late = 0;
  std::uint64_t leases = 0;
  std::uint64_t turns = 0;   ///< jobs that were looked at for a lease
  std::uint64_t visits = 0;  ///< changed jobs that settle() looked at
  std::uint64_t leases_lost = 0;
  std::uint64_t plans = 0;
  std::uint64_t plan_slices = 0;
};

class Core {
 public:
  explicit Core(Config config);

  /// A message from a peer that the transport has authenticated as `user` (a public key; anything
  /// when Config::open).
  void on_message(PeerId peer, const std::string& user, wire::Envelope&& envelope, Time now);
  /// Bytes that are not a message, or a message that breaks a rule.
  void on_malformed(PeerId peer, const std::string& user, const wire::DecodeError& why, Time now);
  /// Whether this connection, or its principal, is not listened to just now: then its messages (but
  /// a HELLO now and then) need not be decoded. Counts them.
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
  /// The audit log cannot be written (empty: it can again): what is privileged is refused.
  void on_audit_trouble(const std::string& why);

  /// Orderly stop: says BYE to everybody.
  void on_stop();

  /// First of all, with a store: what it has.
  void recover(Recovered&& recovered, Time now);
  /// Answers to Commit and Load.
  void on_committed(std::uint64_t ticket, Time now);
  void on_loaded(JobNumber job, wire::Interval tasks, wire::Batch batch);
  void on_load_failed(JobNumber job, wire::Interval tasks, const std::string& why);
  void on_result_loaded(JobNumber job, std::uint64_t seq, wire::Batch batch);
  void on_result_load_failed(JobNumber job, std::uint64_t seq, const std::string& why);
  /// The store cannot write (it goes on trying): new durable work is refused, the rest goes on.
  void on_store_trouble(const std::string& why, Time now);
  void on_store_healthy();
  /// Nothing is on its way to the store, and nothing has to go there.
  bool all_committed() const { return commits_.is_idle(); }

  /// After everything that arrived was handled, or when next_deadline() has come.
  void settle(Time now);
  /// Moves what is to be done to the end of `out`, in order.
  void take_effects(Effects& out);
  std::optional<Time> next_deadline() const;

  /// The router may forget a connection the core has no session on.
  bool knows(PeerId peer) { return sessions_.of_peer(peer) != nullptr; }
  /// Whether how this connection behaved is remembered: then it must keep its name.
  bool remembers(PeerId peer) const { return connections_.knows(peer); }
  /// Peers that have lost their session, or whose conduct was forgotten, since the last call: if
  /// both, nothing is known of them any more.
  std::vector<PeerId> take_gone();
  /// Whether this is a key that may do something.
  bool knows_key(const std::string& user) const { return principal_of(user) != nullptr; }

  /// Aborts with a sentence when an invariant is broken. For tests and the simulator: costs a pass
  /// over everything.
  void check_invariants() const;

  const Counters& counters() const { return counters_; }
  BrokerStatus status(Time now) const;
  std::uint64_t memory_used() const { return memory_used_; }

 private:
  /// A chunk of a blob that a worker wants.
  struct Fetching {
    wire::SessionId worker{};
    JobNumber blob{};
    wire::Fetch what;
  };

  void handle(PeerId peer, const std::string& user, wire::Envelope&& envelope, Time now);

  // core_access.cpp
  const Principal* principal_of(const std::string& user) const;
  Subject subject_of(const Job& job) const;
  bool permit(Session& session, const Principal& principal, const wire::Message& message, Time now);
  void record(PeerId peer, std::string principal, std::string_view action, std::string object,
              bool allowed, std::string reason);
  void on_stranger(PeerId peer, const std::string& user, const wire::Message& message, Time now);
  void record_changes(const Principals& before);
  void restrict_offer(Worker& worker, const Principal& principal);
  void drop_followers();
  std::optional<std::pair<ErrorCode, std::string>> over_quota(const std::string& name,
                                                              std::uint64_t tasks,
                                                              std::uint64_t bytes,
                                                              std::uint64_t jobs, Time now);
  static Allowance pace_of(const Principal& principal);
  void charge_tasks(const std::string& name, std::uint64_t tasks, Time now);
  std::uint64_t quota_room(const Job& job, Time now);
  void account(Job& job);
  void unaccount(Job& job);
  void account_unread(Job& job, std::uint64_t bytes);

  // core_conduct.cpp
  Standing* standing_of(const std::string& user);
  void on_ignored(PeerId peer, const std::string& user, const wire::Message& message, Time now);
  void strike(PeerId peer, const std::string& user, double weight, const std::string& what,
              Time now);
  void offend(PeerId peer, const std::string& user, double weight, const std::string& what,
              Time now);
  void end_cut_off(Time now);
  bool tolerates_hello(PeerId peer, const std::string& user, Time now);
  bool tolerates(Session& session, const wire::Message& message, Time now);
  bool tolerates_stale(PeerId peer, const std::string& user, Time now);
  void count_refusal(const Session& session, Time now);

  // core_session.cpp
  void on_hello(PeerId peer, const std::string& user, const Principal& principal,
                wire::Hello&& hello, Time now);
  std::string free_worker_name(const std::string& wanted) const;
  void welcome_worker(Session& session, const Principal& principal, wire::Hello& hello,
                      std::set<wire::LeaseId>&& inherited, FunctionRecords&& records,
                      wire::Welcome& welcome, Time now);
  void welcome_client(const Principal& principal, const wire::Hello& hello, wire::Welcome& welcome);
  void on_beat(Session& session, const wire::Beat& beat);
  void end_session(wire::SessionId id, Time now);
  void end_worker(Worker& worker, bool lost);
  void out_of_reach(Session& session);
  void hand_on_name(const std::string& name);
  void note_lost(const Worker& worker, const std::string& why, Time now);
  void sweep(Time now);
  void drop_unread(Time now);
  /// `after`: the commit that covers what the message reveals; 0: nothing that must be durable.
  void send(const Session& session, wire::Message&& message, std::uint64_t after = 0);
  void send(wire::SessionId session, wire::Message&& message, std::uint64_t after = 0);
  void complain(const Session& session, ErrorCode code, std::string text, std::optional<Uuid> job,
                std::uint64_t token);
  void misbehaved(Session& session, ErrorCode code, std::string text, Time now);

  // core_jobs.cpp
  void on_submit(Session& session, const Principal& principal, wire::Submit&& submit, Time now);
  void on_append(Session& session, wire::Append&& append, Time now);
  void on_attach(Session& session, const wire::Attach& attach, Time now);
  void on_ack(Session& session, const wire::Ack& ack);
  void on_cancel(Session& session, const wire::Cancel& cancel, Time now);
  void on_drain(Session& session, const wire::Drain& drain);
  void on_retry(Session& session, const wire::Retry& retry, Time now);
  std::optional<std::pair<ErrorCode, std::string>> refusal(const Session& session,
                                                           const wire::Submit& submit) const;
  void take_in(Job& job, wire::Batch&& batch, const std::vector<float>& costs);
  void take_costs(Job& job, std::uint64_t count, const std::vector<float>& costs);
  void grant_credit(Job& job, Time now);
  wire::Accepted accepted(const Job& job) const;
  Follower& follow(Job& job, Session& session, std::uint64_t cursor, std::uint64_t window,
                   std::uint32_t watch_ms);
  Job* find_job(Uuid uuid);
  Job* find_job(Uuid uuid, JobNumber number);

  // core_compare.cpp
  void await_comparison(Job& job, Comparison comparison);
  /// Its input is whole, or will never be.
  void answer_comparisons(Job& job, Time now);
  /// Nothing more comes although its client did not say so: what came is nobody's whole input.
  void cut_input(Job& job);

  // core_blobs.cpp
  std::optional<std::pair<ErrorCode, std::string>> blob_refusal(const Session& session,
                                                                const wire::Submit& submit);
  const Job* find_blob(const std::string& principal, const std::string& name, bool memory) const;
  void hold_blobs(Job& job);
  void release_blobs(Job& job);
  void finish_blob(Job& blob, Time now);
  void on_fetch(Session& session, wire::Fetch&& fetch, Time now);
  void answer_fetches(Time now);
  bool answer(const Fetching& fetch, Time now);
  void sweep_blobs(Time now);
  std::uint64_t blob_room(const Job& blob) const;
  static bool chunks_fit(const Job& blob, const wire::Batch& more);
  bool worth_following(const Job& blob, Time now) const;
  void drop_blob(Job& blob, Time now);

  // core_results.cpp
  void send_results(Job& job, Time now);
  static wire::Duration watch_of(const Follower& follower, const Session& session);
  /// Its results will not be acknowledged any more.
  void forget_outstanding(Follower& follower);
  void tell_if_it_hears(Job& job, Follower& follower, Session& session, Time now);
  void tell(Job& job, Follower& follower, std::uint64_t token, Time now);
  wire::JobUpdate update_of(const Job& job, Time now, std::uint64_t token) const;

  // core_store.cpp
  void set_options(Job& job, wire::JobOptions options);
  static wire::JobOptions options_of(const Job& job);
  void persist(Job& job, StoreOp op);
  void save(Job& job);
  void seal();
  void reserve_numbers();
  JobProgress progress_of(const Job& job) const;
  void append_result(Job& job, ResultEntry entry);
  void release_payloads(Job& job, wire::Interval tasks);
  void add_input(Job& job, const wire::Batch& batch, const std::vector<float>& costs = {});
  void advance_frontier(Job& job, std::uint64_t end);
  bool ready_to_carve(Job& job);
  void evict(Time now);
  void evict_results(Job& job, std::uint64_t keep);
  std::uint64_t results_kept(const Job& job) const;
  std::uint64_t result_share() const;

  // core_recover.cpp
  void recover_job(RecoveredJob&& recovered, Time now);
  static void recover_costs(Job& job, const StoredInput& row);
  Lease* adopt(const wire::HeldLease& held, const Session& session, Time now);
  void release_unsure(Time now);

  // core_leases.cpp
  void on_report(Session& session, wire::Report&& report, Time now);
  void on_reclaimed(Session& session, const wire::Reclaimed& reclaimed, Time now);
  void on_bye(Session& session, const wire::Bye& bye, Time now);
  void accept_results(Job& job, Worker& worker, wire::Report& report);
  void accept_merge(Job& job, Lease& lease, wire::Report& report);
  /// Whether tasks that this lease gives back may be in another one, of before the restart, whose
  /// worker has not come back yet.
  bool may_be_elsewhere(const Lease& lease, Time now) const;
  void set_unsure(Job& job, wire::Interval tasks);
  void fail_tasks(Job& job, const Lease& lease, const std::vector<TaskError>& errors,
                  std::vector<TaskError>& final_errors, Time now);
  void end_tasks(Job& job, wire::Interval tasks);
  static void end_failed(Job& job, wire::Interval tasks);
  void keep_partial(Job& job, wire::Interval tasks, const Bytes& value);
  void give_back(Job& job, wire::Interval tasks);
  void give_back(Job& job, const Lease& lease, wire::Interval tasks, Time now);
  void learn(Worker& worker, Job& job, const Lease& lease, const wire::Report& report, Time now);
  void learn_payload_cost(Job& job, double tasks, double bytes, double seconds);
  /// Where the size of payloads explains the time of tasks: costs of this job's that come without
  /// hints.
  void foresee_costs(Job& job);
  void foresee_costs(Job& job, const wire::Batch& more);
  const PayloadCost* payload_cost_of(const Job& job) const;
  double believable_s(Worker& worker, const Lease& lease, const wire::Report& report, Time now);
  Lease* find_lease(wire::LeaseId id);
  /// In the order of their grant.
  std::vector<Lease*> leases_of(const Job& job);
  std::vector<const Lease*> leases_of(const Job& job) const;
  static double work_of(const Job& job, const wire::Report& report);
  /// It is gone then.
  void close_lease(Lease& lease, const char* outcome = "done");
  /// How a lease was lost: its worker never had it; it may have; it ran there, so it may be to
  /// blame.
  enum class Loss : std::uint8_t { never_arrived, perhaps_started, while_running };
  void lose_lease(wire::LeaseId id, Loss loss);
  /// Tasks that may have been started once, of a job that allows no second start.
  static void end_lost(Job& job, wire::Interval tasks, std::vector<TaskError>& errors);

  // core_decide.cpp
  bool decide_job(Job& job, Time now);
  std::shared_ptr<const Decision> shared_decision(const Decision& decision,
                                                  const std::string& function);
  void decide_waiting(Time now);
  std::string waits_for(const Job& job) const;
  std::string unmet(const Job& job) const;
  std::string all_stuck(const Job& job) const;
  void shape_whole(Job& job, Time now);
  void set_undecided(const Job& job) { undecided_[job.function].insert(job.number); }
  void set_decided(const Job& job);

  // core_pools.cpp
  Need need_of(const Job& job) const;
  void join_pool(Job& job);
  void leave_pool(Job& job);
  void join_pools(Worker& worker);
  void leave_pools(Worker& worker);
  void note_room(Worker& worker);
  void learnt(Worker& worker, Job& job, FunctionRecord& record);
  /// Its rate at this function, or at all, may have changed.
  void tell_pools(Worker& worker, const std::string& function);
  void tell_pools(Worker& worker);
  bool has_room(const Worker& worker) const;
  double ready_s(const Worker& worker, Time now) const;

  // core_fitness.cpp
  /// Whether this worker leaves the job to others.
  bool better_elsewhere(const Job& job, const Pool::Member& member);
  bool leaves(const Job& job, const Pool::Member& member, const Outlook& outlook) const;
  Outlook outlook_of(const Worker& worker, const Level& level) const;
  static bool is_good_at(const Pool& pool, const Pool::Member& member);
  static bool is_behind(const Job& job);
  double cautious_rate(const Pool& pool, const Pool::Member& member) const;
  void note_specialist(const Worker& worker);
  /// First leases of workers whose speed is not known: those that take longer than others took show
  /// that the worker is slower.
  void look_at_doubts(Time now);
  void forget_doubt(Lease& lease);

  // core_dispatch.cpp
  void release_backing_off(Time now);
  void reorder(Job& job);
  void retry_dispatch_at(Time when);
  void dispatch(Time now);
  /// Gives out leases of this priority as long as somebody has room; whether somebody with room
  /// left something to others.
  bool serve(Level& level, bool choosy, Time now);
  /// Whether a worker with room can run anything that waits; true when it would take too long to
  /// tell.
  bool room_for_any();
  bool dispatch_job(Job& job, bool choosy, Time now);
  bool over_result_share(const Job& job) const;
  /// A job that must not stand in a queue gets the next slot of somebody: who that is takes no more
  /// into its queue for now. Without this the queues of all workers would be filled up by others
  /// for ever.
  void reserve_one(const Pool& pool);
  static std::uint64_t waiting_beside(const Job& job, Time now);
  const Pool::Member* any_with_room(const Job& job, bool choosy);
  const Pool::Member* best_for(const Job& job, bool choosy, Time now);
  const Pool::Member* any_idle(const Job& job) const;

  // core_plan.cpp
  void plan_ahead(Time now);
  void go_on_planning(Time now);
  bool worth_planning(const Job& job) const;
  /// It has tasks to give out that it had not, or its rates are known now.
  void changed_for_plan(const Job& job);
  void drop_plan();
  void drop_planned(const Worker& worker);
  void unplan(const PlanInUse::Row& row);
  bool choose_for_plan(std::vector<Job*>& jobs);
  void begin_plan(Time now);
  std::vector<std::size_t> as_planned(const std::vector<double>& times) const;
  std::vector<double> slots_ready(const Worker& worker, Time now) const;
  void adopt_plan(Time now);
  double planned_end_s(wire::SessionId worker, Time now) const;
  void check_plan(Time now);
  /// One lease as the plan says, if that job's turn comes before the rival's.
  bool grant_planned(const Level& level, const Job* rival, Time now);

  // core_grant.cpp
  wire::Intervals carve(Job& job, std::uint64_t size, std::uint64_t bytes_max);
  static std::uint64_t fitting_work(const Job& job, double work);
  void grant_tasks(Job& job, const Pool::Member& member, Time now);
  void send_tasks(Job& job, const Pool::Member& member, const wire::Intervals& tasks,
                  std::uint32_t attempt, Time now);
  bool grant_merge(Job& job, Time now);
  void grant(Job& job, Worker& worker, wire::Lease&& lease, double expected_s, Time now,
             bool first_of_worker = false);

  // core_tail.cpp
  void rebalance(Time now);
  /// Work that others hold, as one look at all leases found it.
  struct Movable {
    Lease* lease = nullptr;
    double ends_s = 0;  ///< from now
    double wait_s = 0;  ///< until it starts; 0: it runs
    double left = 0;    ///< tasks
    double rate = 0;    ///< tasks/s where it is
    bool operator<(const Movable& other) const {
      return ends_s != other.ends_s ? ends_s < other.ends_s : other.lease->id < lease->id;
    }
  };
  struct Overdue {
    Lease* lease = nullptr;
    double late_s = 0;
    bool operator<(const Overdue& other) const {
      return late_s != other.late_s ? late_s > other.late_s : lease->id < other.lease->id;
    }
  };
  struct Tail {
    std::vector<Movable> longest;  ///< a heap of what may be asked back: what ends last on top
    std::vector<Overdue> overdue;  ///< the latest first
    bool movable = false;          ///< there is work to ask back, now or later
    std::optional<Time> next_overdue;
  };
  void occupy_idle(Time now);
  Tail tail_for(const std::vector<Worker*>& idle, Time now);
  static Movable rest_of(Lease& lease, const Pool::Member* member, const Job& job, bool running,
                         Time now);
  void note_overdue(Lease& lease, const Worker& holder, const Job& job, Tail& tail, Time now) const;
  bool ask_back(const Worker& idle, Tail& tail, Time now);
  /// A second copy of the lease that is most overdue, on a worker that has nothing else to do.
  bool copy_overdue(Worker& idle, Tail& tail, Time now);
  /// Whether the payloads of these tasks are in memory; asks for some of them if not.
  bool all_resident(Job& job, const wire::IntervalSet& tasks);
  /// Whether a task of it may be started there while it runs elsewhere.
  static bool may_run_beside(const Job& job, const Worker& worker);
  static std::optional<Time> overdue_at(const Lease& lease, const Worker& holder, const Job& job);
  double copies_budget_s(const Job& job, Time now) const;
  /// Copies that cost more than they may, or stand in the way of work that waits, go.
  void prune_copies(Time now);
  /// The other of two has lost: dropped whole. The tasks stay with `winner`.
  void drop_twin(Lease& winner, Time now);
  /// This one gives up: its tasks stay with the other. The caller closes it.
  void leave_to_twin(Lease& lease, Time now);
  void unlink_twin(Lease& lease);

  // core_end.cpp
  void finish_if_done(Job& job, Time now);
  void reopen_job(Job& job, Time now);
  void end_job(Job& job, JobState state, ErrorCode code, std::string reason, Time now);
  void cancel_tasks(Job& job, const wire::Intervals& tasks);
  void wind_down(Job& job);
  void cancel_waiting(Job& job);
  void revoke_leases(Job& job);
  void forget_job(JobNumber number);

  // core_keep.cpp
  static bool is_fetched_later(const Job& job);
  Time expires(const Job& job) const;
  void keep_ended(Job& job);
  void keep_no_more(Job& job);
  void sweep_ended(Time now);

  // core_query.cpp
  void on_query(Session& session, const wire::Query& query, Time now);
  void answer_questions(Time now);
  /// What it cost, in looks at a job or a worker.
  double answer(Session& session, const wire::Query& query, Time now);
  /// Whether this client has read what it was sent; asks it when that is not known.
  bool hears(Session& session, Time now);
  void on_heard(Session& session);
  static void hold_news(const Job& job, Follower& follower, Session& session);
  static void hold_results(const Job& job, Follower& follower, Session& session);
  void release_results(Session& session);
  bool touch_held_back();
  /// Why there is no such job.
  std::pair<ErrorCode, std::string> unknown_job(Uuid uuid, JobNumber number) const;

  // core_status.cpp
  /// `exact`: with a look at all leases of its workers.
  JobStatus status_of(const Job& job, Time now, bool with_shares, bool exact) const;
  WorkerStatus status_of(const Worker& worker, Time now) const;
  static WorkerStatus status_of(const LostWorker& lost, Time now);
  std::vector<LeaseSpan> spans_of(const Job& job, Time now) const;
  // core_explain.cpp
  void explain_waiting(const Job& job, Time now, std::vector<std::string>& lines) const;
  void explain_share(const Job& job, std::vector<std::string>& lines) const;
  void explain_workers(const Job& job, std::vector<std::string>& lines) const;
  std::vector<std::string> explain(const Job& job, Time now) const;

  // core_estimate.cpp
  Estimate estimate(const Job& job, Time now, bool exact) const;
  double planned_end_s(const Job& job, Time now) const;
  /// Work that has not ended, in slot-seconds.
  double left_s(const Job& job, Time now, bool exact) const;

  void touch(Job& job) {
    if (!std::exchange(job.dirty, true)) dirty_.push_back(job.number);
  }

  Config config_;
  Effects effects_;  ///< since take_effects()
  Sessions sessions_;
  std::unordered_map<wire::SessionId, Worker> workers_;
  std::map<std::string, wire::SessionId> worker_names_;  ///< in the order of lists
  std::map<std::string, LostWorker> lost_workers_;       ///< of the last hour, by name
  std::unordered_map<Uuid, Job*> job_of_uuid_;
  SharedOptions shared_options_;
  std::map<JobNumber, Job> jobs_;
  std::map<std::pair<std::string, std::string>, JobNumber> unique_;  ///< by principal and key
  std::set<JobNumber> live_;                                         ///< not final
  std::unordered_map<std::string, std::shared_ptr<const Decision>> decisions_;  ///< that jobs share
  Offers offers_;  ///< of the connected workers
  std::map<std::string, std::set<JobNumber>>
      undecided_;                 ///< live, and no worker offers what they need yet; by function
  Turns turns_;                   ///< of the decided jobs that may want leases
  std::map<Need, Pool> pools_;    ///< of the live, decided jobs
  std::uint64_t rates_told_ = 0;  ///< see Pool::refresh()
  std::unordered_map<std::string, PayloadCost> payload_costs_;  ///< by function
  std::vector<Worker*> roomy_;         ///< workers that may have room, and no other
  Placer placer_;                      ///< of best_for()
  const Job* placing_ = nullptr;       ///< whose workers it knows
  std::optional<std::size_t> placed_;  ///< who got the last lease of it
  std::int64_t budget_ = 0;            ///< of this settle()
  int loading_ = 0;                    ///< jobs in this serve() whose payloads are not in memory
  std::uint64_t dispatches_ = 1;       ///< number of this dispatch(), see Worker::reserved_in
  std::uint64_t serving_ = 0;          ///< number of this serve(), see Pool::no_room_in
  bool left_to_others_ = false;        ///< in this serve()
  bool cut_short_ = false;             ///< in this settle(): not everybody with room was looked at
  PlanInUse plan_;
  std::set<wire::LeaseId> copies_;      ///< leases that are copies
  std::optional<Time> next_rebalance_;  ///< with many leases
  bool specialists_ =
      false;  ///< some worker is far better at one function than at another, beside the others
  std::multimap<Time, wire::LeaseId>
      doubts_;  ///< first leases of workers whose speed is not known, by when they are looked at
  std::multimap<Time, JobNumber> backing_off_;  ///< when failed tasks of a job may run again
  JobNumber swept_{};                           ///< the last live job the sweep looked at
  std::deque<JobNumber>
      finished_;  ///< ended jobs that were followed to their end, in the order of it
  std::set<std::pair<Time, JobNumber>> kept_;  ///< the other ended jobs, by when they are forgotten
  std::uint64_t kept_in_store_ = 0, kept_in_memory_ = 0;  ///< bytes of their results
  std::multimap<Time, JobNumber>
      unread_;  ///< finished jobs whose client is gone: their results go then
  std::unordered_map<wire::LeaseId, Lease, LeaseIdHash> leases_;
  std::deque<wire::SessionId> asking_;  ///< sessions with questions, in their turn
  std::vector<wire::SessionId>
      releasing_;                  ///< sessions that read again: what they hold back is looked at
  std::optional<Time> answer_at_;  ///< more of them are answered then
  std::uint64_t last_lease_ = 0;
  std::unordered_map<std::string, Usage> usage_;  ///< by name of the principal
  std::unordered_map<std::string, Budget> handed_in_;
  std::unordered_map<wire::SessionId, std::uint64_t>
      unread_of_;  ///< bytes of results in memory of the jobs that a session owns
  Principals principals_;
  std::unordered_map<std::string, Principal>
      limited_;  ///< those with quotas, by name (of several keys: the first)
  bool invitations_open_ = false;
  Time recovered_until_{};  ///< so long after a start workers may say what they hold
  bool keys_known_ = false;
  std::unordered_map<std::string, Standing>
      standings_;  ///< by user; those without keys are few (an invitation must be open)
  Connections connections_;
  std::vector<PeerId> without_session_;  ///< until take_gone()
  std::vector<PeerId> cut_off_;          ///< end with the message that is being handled
  std::string audit_trouble_;            ///< why the audit log cannot be written; empty: it can
  std::uint64_t memory_used_ = 0;

  CommitLog commits_;
  JobNumbers numbers_;
  std::uint64_t numbers_ticket_ = 0;  ///< the commit that reserves them
  std::set<JobNumber>
      results_heavy_;  ///< durable jobs with many results in memory: evicted with the next commit
  std::multimap<Time, JobNumber>
      unsure_;  ///< when workers have had their time to say what they hold

  std::vector<JobNumber> dirty_;  ///< something changed that followers or dispatch should look at
  std::set<JobNumber> blobs_;     ///< that are done
  std::optional<Time> next_blob_sweep_;
  std::vector<Fetching> fetching_;  ///< chunks that workers wait for
  bool dispatch_needed_ = false;
  std::set<JobNumber> redecide_;        ///< undecided jobs whose payloads have come from the store
  std::optional<Time> retry_dispatch_;  ///< work is held back for a faster worker until then
  std::optional<Time> next_sweep_;
  Time started_{};
  Time clock_{};  ///< the latest time it was told
  bool started_known_ = false;
  mutable Counters counters_;
};

}  // namespace quern::broker
