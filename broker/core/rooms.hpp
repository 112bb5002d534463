// The rooms of the core and what each is made of, the lowest first. A class gets references to what
// it may use, and nothing in this file refers to anything below it. README.md says what each room
// is for.
#pragma once

#include "broker/core/access/access_control.hpp"
#include "broker/core/access/quotas.hpp"
#include "broker/core/blobs/blobs.hpp"
#include "broker/core/clients/delivery.hpp"
#include "broker/core/clients/drain_requests.hpp"
#include "broker/core/clients/due_runs.hpp"
#include "broker/core/clients/intake.hpp"
#include "broker/core/clients/job_factory.hpp"
#include "broker/core/clients/nested_submissions.hpp"
#include "broker/core/clients/questions.hpp"
#include "broker/core/clients/refusals.hpp"
#include "broker/core/clients/requests.hpp"
#include "broker/core/clients/schedule_requests.hpp"
#include "broker/core/clients/submissions.hpp"
#include "broker/core/durability/commit_log.hpp"
#include "broker/core/durability/job_numbers.hpp"
#include "broker/core/edges/connecting.hpp"
#include "broker/core/edges/edge_table.hpp"
#include "broker/core/edges/feeding.hpp"
#include "broker/core/edges/reviving.hpp"
#include "broker/core/endings/cancelling.hpp"
#include "broker/core/endings/endings.hpp"
#include "broker/core/endings/forgetting.hpp"
#include "broker/core/endings/pausing.hpp"
#include "broker/core/jobs/accounts.hpp"
#include "broker/core/jobs/eviction.hpp"
#include "broker/core/jobs/families.hpp"
#include "broker/core/jobs/followers.hpp"
#include "broker/core/jobs/job_changes.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/jobs/journal.hpp"
#include "broker/core/jobs/kept_jobs.hpp"
#include "broker/core/jobs/start_times.hpp"
#include "broker/core/membership/gate.hpp"
#include "broker/core/membership/heartbeats.hpp"
#include "broker/core/membership/joining.hpp"
#include "broker/core/membership/key_changes.hpp"
#include "broker/core/membership/leaving.hpp"
#include "broker/core/membership/recovery.hpp"
#include "broker/core/membership/store_replies.hpp"
#include "broker/core/membership/upkeep.hpp"
#include "broker/core/nesting/nesting.hpp"
#include "broker/core/nesting/waiting.hpp"
#include "broker/core/schedules/schedule_table.hpp"
#include "broker/core/scheduling/attempts.hpp"
#include "broker/core/scheduling/costs.hpp"
#include "broker/core/scheduling/decider.hpp"
#include "broker/core/scheduling/dispatcher.hpp"
#include "broker/core/scheduling/fair_queue.hpp"
#include "broker/core/scheduling/fitness.hpp"
#include "broker/core/scheduling/grants.hpp"
#include "broker/core/scheduling/plan_book.hpp"
#include "broker/core/scheduling/planner.hpp"
#include "broker/core/scheduling/pools.hpp"
#include "broker/core/scheduling/reports.hpp"
#include "broker/core/scheduling/returns.hpp"
#include "broker/core/scheduling/round.hpp"
#include "broker/core/scheduling/tail.hpp"
#include "broker/core/scheduling/worker_choice.hpp"
#include "broker/core/sessions/conduct.hpp"
#include "broker/core/sessions/outbox.hpp"
#include "broker/core/sessions/session.hpp"
#include "broker/core/status/estimator.hpp"
#include "broker/core/status/explainer.hpp"
#include "broker/core/status/reasons.hpp"
#include "broker/core/status/statuses.hpp"
#include "broker/core/status/task_notes.hpp"
#include "broker/core/workers/leases.hpp"
#include "broker/core/workers/offers.hpp"
#include "broker/core/workers/workers.hpp"

namespace quern::broker {

struct DurabilityRoom {
  CommitLog commits;
  JobNumbers numbers;
};

struct AccessRoom {
  explicit AccessRoom(Context& context) : control(context) {}

  AccessControl control;
  Quotas quotas;
};

struct SessionsRoom {
  SessionsRoom(Context& context, DurabilityRoom& durability, AccessRoom& access)
      : outbox(context, durability.commits, table),
        conduct(context, access.control, table, outbox) {}

  Sessions table;
  Outbox outbox;
  Conduct conduct;
};

struct WorkersRoom {
  explicit WorkersRoom(Context& context) : table(context, offers) {}

  Offers offers;
  Workers table;
  Leases leases;
};

struct JobsRoom {
  JobsRoom(Context& context, DurabilityRoom& durability, AccessRoom& access, SessionsRoom& sessions)
      : table(durability.numbers),
        accounts(context, access.quotas),
        eviction(context, durability.commits, table, accounts),
        journal(context, durability.commits, durability.numbers, table, eviction),
        changes(accounts, journal, table),
        kept(context, table),
        followers(access.control, sessions.table, sessions.outbox, table),
        start_times(context, table, changes) {}

  Jobs table;
  Families families;
  Accounts accounts;
  Eviction eviction;
  Journal journal;
  JobChanges changes;
  KeptJobs kept;
  Followers followers;
  StartTimes start_times;
};

struct SchedulingRoom {
  SchedulingRoom(Context& context, DurabilityRoom& durability, AccessRoom& access,
                 SessionsRoom& sessions, WorkersRoom& workers, JobsRoom& jobs)
      : plans(workers.table, jobs.table, queue),
        pools(context, workers.table, round, plans),
        fitness(context, workers.leases, jobs.table, round, plans, pools),
        attempts(workers.leases, jobs.table),
        returns(context, sessions.outbox, workers.leases, jobs.table, jobs.changes, jobs.journal,
                queue, plans, pools, fitness, attempts),
        costs(jobs.table, plans),
        decider(context, workers.offers, jobs.table, jobs.journal, jobs.changes, pools, costs),
        grants(context, sessions.outbox, workers.leases, jobs.table, jobs.journal, jobs.changes,
               queue, round, pools, fitness),
        planner(context, workers.table, jobs.table, jobs.eviction, jobs.journal, queue, round,
                plans, pools, fitness, grants),
        tail(context, sessions.table, sessions.outbox, workers.table, workers.leases, jobs.table,
             jobs.journal, queue, round, pools, fitness, attempts, returns, grants),
        choice(context, round, pools, fitness),
        dispatcher(context, jobs.table, jobs.eviction, jobs.journal, queue, round, plans, pools,
                   grants, planner, tail, choice),
        reports(context, durability.commits, access.control, sessions.outbox, sessions.conduct,
                workers.leases, jobs.table, jobs.changes, jobs.journal, queue, fitness, attempts,
                returns, costs) {}

  FairQueue queue;
  Round round;
  PlanBook plans;
  Pools pools;
  Fitness fitness;
  Attempts attempts;
  Returns returns;
  Costs costs;
  Decider decider;
  Grants grants;
  Planner planner;
  Tail tail;
  WorkerChoice choice;
  Dispatcher dispatcher;
  Reports reports;
};

struct EndingsRoom {
  EndingsRoom(Context& context, SessionsRoom& sessions, WorkersRoom& workers, JobsRoom& jobs,
              SchedulingRoom& scheduling)
      : blobs(context, sessions.table, sessions.outbox, workers.table, jobs.table, jobs.accounts,
              jobs.eviction, jobs.followers),
        cancelling(context, sessions.outbox, workers.leases, jobs.journal, jobs.changes,
                   scheduling.returns),
        endings(context, sessions.outbox, workers.offers, workers.table, jobs.table, jobs.changes,
                jobs.eviction, jobs.journal, jobs.kept, scheduling.queue, scheduling.pools,
                scheduling.decider, blobs, cancelling),
        pausing(context, jobs.changes, scheduling.plans),
        forgetting(sessions.table, jobs.table, jobs.accounts, jobs.journal, jobs.changes, jobs.kept,
                   jobs.families, jobs.followers, blobs) {}

  Blobs blobs;
  Cancelling cancelling;
  Endings endings;
  Pausing pausing;
  Forgetting forgetting;
};

struct EdgesRoom {
  EdgesRoom(Context& context, JobsRoom& jobs, SchedulingRoom& scheduling, EndingsRoom& endings)
      : table(jobs.table),
        connecting(context, jobs.table, jobs.accounts, scheduling.queue, table),
        feeding(context, jobs.table, jobs.accounts, jobs.journal, jobs.changes, scheduling.plans,
                scheduling.decider, scheduling.returns, endings.cancelling, table),
        reviving(jobs.table, jobs.changes, scheduling.plans, endings.endings, table) {}

  EdgeTable table;
  Connecting connecting;
  Feeding feeding;
  Reviving reviving;
};

struct NestingRoom {
  NestingRoom(Context& context, SessionsRoom& sessions, WorkersRoom& workers, JobsRoom& jobs,
              SchedulingRoom& scheduling, EndingsRoom& endings)
      : nesting(context, workers.leases, jobs.table, jobs.families, scheduling.queue,
                endings.endings),
        waiting(context, sessions.conduct, workers.leases, jobs.table, jobs.families,
                scheduling.queue, scheduling.pools) {}

  Nesting nesting;
  Waiting waiting;
};

struct SchedulesRoom {
  SchedulesRoom(Context& context, DurabilityRoom& durability)
      : table(context, durability.commits) {}

  ScheduleTable table;
};

struct StatusRoom {
  StatusRoom(Context& context, DurabilityRoom& durability, SessionsRoom& sessions,
             WorkersRoom& workers, JobsRoom& jobs, SchedulingRoom& scheduling, EdgesRoom& edges)
      : estimator(workers.table, jobs.table, scheduling.queue, scheduling.plans),
        reasons(durability.commits, workers.offers, workers.table, jobs.table, jobs.eviction,
                edges.table),
        statuses(context, sessions.table, workers.table, workers.leases, jobs.table, jobs.accounts,
                 jobs.kept, jobs.families, edges.table, estimator, reasons),
        explainer(workers.table, jobs.table, jobs.eviction, scheduling.queue, scheduling.plans,
                  scheduling.fitness, jobs.families, edges.table, estimator, statuses),
        notes(workers.table, workers.leases) {}

  Estimator estimator;
  Reasons reasons;
  Statuses statuses;
  Explainer explainer;
  TaskNotes notes;
};

struct ClientsRoom {
  ClientsRoom(Context& context, DurabilityRoom& durability, AccessRoom& access,
              SessionsRoom& sessions, WorkersRoom& workers, JobsRoom& jobs,
              SchedulingRoom& scheduling, EndingsRoom& endings, EdgesRoom& edges,
              SchedulesRoom& planned, StatusRoom& status)
      : delivery(context, durability.commits, sessions.table, sessions.outbox, jobs.followers,
                 status.statuses),
        intake(context, sessions.outbox, sessions.conduct, access.quotas, jobs.table, jobs.accounts,
               jobs.journal, jobs.changes, scheduling.plans, scheduling.pools, scheduling.costs,
               scheduling.decider, endings.endings, status.statuses),
        refusals(context, durability.commits, access.quotas, jobs.table, jobs.accounts,
                 endings.blobs),
        factory(context, jobs.table, jobs.journal, jobs.changes, scheduling.queue,
                scheduling.decider, endings.blobs, edges.connecting, jobs.start_times,
                jobs.families),
        submissions(context, sessions.outbox, sessions.conduct, access.quotas, jobs.table,
                    jobs.accounts, jobs.followers, scheduling.decider, endings.blobs,
                    endings.endings, endings.forgetting, delivery, intake, refusals, factory),
        schedules(context, durability.commits, sessions.outbox, sessions.conduct, access.quotas,
                  planned.table, refusals),
        due_runs(context, durability.commits, access.control, jobs.table, endings.blobs,
                 planned.table, submissions),
        nested(access.control, sessions.outbox, sessions.conduct, workers.leases, jobs.table,
               jobs.families, jobs.followers, submissions),
        requests(context, sessions.table, sessions.outbox, access.quotas, jobs.table, jobs.accounts,
                 jobs.changes, jobs.followers, endings.endings, endings.cancelling, endings.pausing,
                 edges.table, edges.reviving, status.statuses, delivery),
        drains(sessions.outbox, workers.table, scheduling.pools),
        questions(access.control, sessions.table, sessions.outbox, sessions.conduct, workers.table,
                  workers.leases, jobs.table, jobs.followers, durability.commits, planned.table,
                  status.statuses, status.explainer, status.notes) {}

  Delivery delivery;
  Intake intake;
  Refusals refusals;
  JobFactory factory;
  Submissions submissions;
  ScheduleRequests schedules;
  DueRuns due_runs;
  NestedSubmissions nested;
  Requests requests;
  DrainRequests drains;
  Questions questions;
};

struct MembershipRoom {
  MembershipRoom(Context& context, DurabilityRoom& durability, AccessRoom& access,
                 SessionsRoom& sessions, WorkersRoom& workers, JobsRoom& jobs,
                 SchedulingRoom& scheduling, EndingsRoom& endings, EdgesRoom& edges,
                 ClientsRoom& clients)
      : leaving(context, sessions.table, sessions.conduct, workers.table, workers.leases,
                jobs.table, jobs.eviction, jobs.kept, scheduling.plans, scheduling.pools,
                scheduling.returns),
        recovery(context, durability.numbers, workers.leases, jobs.table, jobs.accounts,
                 jobs.journal, jobs.kept, scheduling.queue, scheduling.pools, scheduling.returns,
                 scheduling.decider, endings.blobs, edges.table, edges.connecting, jobs.families),
        joining(context, durability.commits, access.control, sessions.table, sessions.outbox,
                workers.table, workers.leases, jobs.table, scheduling.pools, scheduling.fitness,
                scheduling.returns, recovery, leaving),
        heartbeats(context, sessions.table, sessions.outbox, workers.table, jobs.followers,
                   scheduling.pools),
        gate(context, access.control, sessions.table, sessions.outbox, sessions.conduct, jobs.table,
             endings.blobs),
        key_changes(context, access.control, access.quotas, sessions.table, sessions.outbox,
                    sessions.conduct, workers.table, jobs.table, jobs.followers, scheduling.pools,
                    leaving),
        store_replies(context, durability.commits, sessions.table, sessions.outbox, jobs.table,
                      jobs.accounts, jobs.eviction, scheduling.decider, endings.endings,
                      endings.forgetting, clients.requests),
        upkeep(context, sessions.table, workers.table, jobs.table, jobs.accounts, endings.blobs,
               edges.table, scheduling.returns, endings.endings, endings.forgetting, leaving) {}

  Leaving leaving;
  Recovery recovery;
  Joining joining;
  Heartbeats heartbeats;
  Gate gate;
  KeyChanges key_changes;
  StoreReplies store_replies;
  Upkeep upkeep;
};

}  // namespace quern::broker
