// Every message of the protocol as plain data. PROTOCOL.md is normative; a field here is a key
// there of the same name. Rule for changing: add fields with a default that means "as before";
// never change the meaning or the type of one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "quern/error.hpp"
#include "quern/ids.hpp"
#include "quern/schedule.hpp"
#include "quern/status.hpp"
#include "wire/batch.hpp"
#include "wire/intervals.hpp"
#include "wire/limits.hpp"
#include "wire/questions.hpp"

namespace quern::wire {

/// Number of a session, given in WELCOME; 0 before there is one.
enum class SessionId : std::uint64_t {};

enum class Role : std::uint8_t { client, worker };

/// Id of a lease. `incarnation` grows with every start of a broker, so an old lease can never be
/// mistaken for a new one.
struct LeaseId {
  std::uint64_t incarnation = 0;
  std::uint64_t counter = 0;
  auto operator<=>(const LeaseId&) const = default;
};

/// item, range, whole: how to run the function. merge: fold the payloads left to right with reducer
/// `function`. finish: run the finishing step of `function` on the one payload.
enum class LeaseKind : std::uint8_t { item, range, whole, merge, finish };

// ---- session (both roles)

/// A lease that a worker still holds when it sends HELLO.
struct HeldLease {
  LeaseId lease;
  Uuid job;
  Intervals tasks;        ///< those not reported yet
  bool finished = false;  ///< all results are in the worker's outbox
  LeaseKind kind = LeaseKind::item;
  std::uint32_t attempt = 1;
  bool operator==(const HeldLease&) const = default;
};

/// What a worker offers; part of its HELLO.
struct WorkerOffer {
  std::vector<FunctionDecl> functions;
  std::vector<ReducerDecl> reducers;
  std::map<std::string, std::string> labels;
  std::map<std::string, double> resources;  ///< counted resources, e.g. gpu = 2
  Capacity capacity;
  std::uint64_t credit_bytes = kWorkerCredit;  ///< limit of the payload bytes it holds
  std::vector<HeldLease> held;
  bool draining = false;
  std::vector<std::string>
      plugins;  ///< libraries it has loaded, with name and hash, for the audit log
  bool operator==(const WorkerOffer&) const = default;
};

/// A job that a client wants to continue; part of its HELLO.
struct HeldJob {
  Uuid job;
  std::uint64_t cursor = 0;  ///< the client has received result entries [0, cursor)
  bool operator==(const HeldJob&) const = default;
};

/// HELLO, peer -> broker: the first message of a session.
struct Hello {
  std::uint32_t protocol_min = kProtocolOldest;
  std::uint32_t protocol_max = kProtocolVersion;
  Role role = Role::client;
  Uuid identity;                      ///< of this peer; it does not change when the peer reconnects
  std::string name;                   ///< for people; a worker's unique name
  std::string software;               ///< "quern 0.1.0"
  std::optional<WorkerOffer> worker;  ///< present if and only if `role` is worker
  std::vector<HeldJob> jobs;          ///< clients only
  bool operator==(const Hello&) const = default;
};

/// What the broker knows of a job named in HELLO.
struct KnownJob {
  Uuid job;
  bool known = false;
  JobNumber number{};
  std::uint64_t accepted_to = 0;  ///< the broker has tasks [0, accepted_to)
  std::uint64_t credit_to = 0;    ///< see Accepted
  bool operator==(const KnownJob&) const = default;
};

/// WELCOME, broker -> peer: the session is open; its id is in the header of this message.
struct Welcome {
  std::uint32_t protocol = kProtocolVersion;
  std::uint64_t incarnation = 0;
  std::string software;
  std::uint32_t beat_busy_ms = 1000;  ///< heartbeat interval of peers with leases or live jobs
  std::uint32_t beat_idle_ms = 5000;
  std::uint32_t lost_busy_ms =
      3000;  ///< a worker with leases is considered lost after this silence
  std::uint32_t lost_idle_ms = 15000;
  std::uint64_t item_bytes_max = kItemBytesMax;
  std::uint64_t report_window = kReportWindow;
  bool store = false;            ///< jobs of automatic durability are durable here
  std::vector<LeaseId> dropped;  ///< workers: held leases that the worker has lost and must drop
  std::vector<KnownJob> jobs;    ///< clients: one per HeldJob
  bool operator==(const Welcome&) const = default;
};

/// REFUSED, broker -> peer: the broker opens no session. The peer closes its socket.
struct Refused {
  ErrorCode code = ErrorCode::refused;
  std::string text;
  std::uint32_t protocol_min = kProtocolOldest;
  std::uint32_t protocol_max = kProtocolVersion;
  bool operator==(const Refused&) const = default;
};

/// HELLO_AGAIN, broker -> peer: the session in the message just received is old or unknown. The
/// peer opens a new socket and sends HELLO.
struct HelloAgain {
  bool operator==(const HelloAgain&) const = default;
};

/// ERROR, both ways: something that was sent was not accepted. If `fatal`, the session is over.
struct ErrorMessage {
  ErrorCode code = ErrorCode::malformed;
  std::string text;
  std::optional<Uuid> job;  ///< set if it answers SUBMIT, APPEND or ATTACH
  std::uint64_t token = 0;  ///< set if it answers a message with a token
  bool fatal = false;
  bool operator==(const ErrorMessage&) const = default;
};

/// BEAT, both ways: a heartbeat. A worker's heartbeat carries its capacity. A BEAT with `reply`
/// false is answered by a BEAT with `reply` true.
struct Beat {
  bool reply = false;
  std::optional<Capacity> capacity;
  std::vector<FunctionRate> work;  ///< workers: work done per function since the start
  bool operator==(const Beat&) const = default;
};

/// BYE, both ways: an orderly end of the session. Others get at once what the sender
/// held.
struct Bye {
  ErrorCode code = ErrorCode::shutdown;
  std::string text;
  bool operator==(const Bye&) const = default;
};

/// ENROL, peer -> broker: the only message of a peer that was invited but whose key is not known
/// yet. Answered by ENROLLED or REFUSED; then the peer opens a new socket.
struct Enrol {
  std::string name;  ///< requested name of the principal
  Bytes secret;      ///< of the invitation
  bool operator==(const Enrol&) const = default;
};

/// ENROLLED, broker -> peer: the broker has added the peer's key.
struct Enrolled {
  std::string name;   ///< of the principal
  std::string roles;  ///< for display only
  bool operator==(const Enrolled&) const = default;
};

// ---- client -> broker

/// Options of a job. Every option has a default.
struct JobOptions {
  std::string name;
  std::int32_t priority = 0;  ///< higher first
  double weight = 1;          ///< share within one priority, > 0
  std::uint32_t attempts = 3;
  std::uint32_t backoff_ms =
      100;  ///< delay before the second attempt of a failed task; doubled each time, at most 10 s
  std::uint64_t timeout_ms = 0;  ///< per task; 0: none
  bool detach = false;           ///< the job continues without its client
  Durability durability = Durability::automatic;
  std::string unique;  ///< idempotency key: SUBMIT with the same key attaches to the existing job
  std::string reduce;  ///< reducer; empty: the function's default for ranges, none otherwise
  double cost = 0;     ///< cost of one task in units of the function's rate; 0: 1
  std::map<std::string, std::string> require;  ///< labels that a worker must have
  std::map<std::string, double> resources;     ///< counted resources that a task uses
  std::vector<std::string>
      blobs;  ///< blobs that its workers need (blob.hpp); each must exist before the job
  bool idempotent = false;  ///< allows speculative attempts, whatever the function declares
  bool at_most_once =
      false;  ///< no task is started twice; if its worker is lost, it ends as lost_worker
  bool unique_any = false;  ///< `unique` also matches an existing job with a different input
  std::uint64_t ttl_s = 0;  ///< seconds for which the ended job is kept; 0: the broker's default
  bool intermediate =
      false;  ///< its results are only for the jobs that take them, and are dropped after the last
  std::uint64_t deadline_ms = 0;  ///< from its acceptance, after which it ends as failed; 0: none
  std::map<std::string, std::string> metadata;  ///< for functions and people
  bool nested = false;                          ///< its tasks may submit jobs
  std::uint64_t start_at_ms = 0;  ///< not before this time, in ms since 1970 (UTC); 0: at once
  std::uint64_t start_in_ms = 0;  ///< instead: so long after its acceptance
  bool operator==(const JobOptions&) const = default;
};

/// SUBMIT: a new job, or a known UUID again (idempotent). Parts: [common] [sizes bytes
/// [costs]] [links].
struct Submit {
  Uuid job;
  std::string function;
  InputKind input = InputKind::whole;
  Encoding encoding = Encoding::raw;  ///< of the payloads
  std::int64_t range_begin = 0;       ///< range only
  std::int64_t range_end = 0;
  bool open = false;  ///< more payloads follow in APPEND
  JobOptions options;
  std::uint64_t window =
      kResultWindow;           ///< result bytes sent without acknowledgement; 0: send no results
  std::uint32_t watch_ms = 0;  ///< minimum interval of JOB while the job runs; 0: only at the end
  bool has_common = false;
  Buffer common;
  Batch batch;               ///< first payloads: tasks [0, count)
  std::vector<float> costs;  ///< empty or one per task of the batch
  /// Where the input comes from, and what the job waits for. At most one of `each`, `group` and
  /// `all`, or any number of `list`; and any number of `after`.
  std::vector<JobEdge> edges;
  Join join = Join::automatic;
  bool has_links = false;  ///< the pattern `list`: see TaskGraph
  Buffer links;
  LeaseId lease{};         ///< of a worker: the lease of the task that submits the job
  std::uint64_t task = 0;  ///< and the index of that task
  bool operator==(const Submit&) const = default;
};

/// APPEND: more payloads of an open job; idempotent. Parts: [sizes bytes [costs]].
struct Append {
  Uuid job;                 ///< nil, with a token: by number
  std::uint64_t first = 0;  ///< index of the first task of the batch
  bool close = false;       ///< no more payloads will follow
  Batch batch;
  std::vector<float> costs;
  std::uint64_t token = 0;  ///< 0: part of the stream of the job's client, within its credit
  JobNumber number{};
  bool operator==(const Append&) const = default;
};

/// ATTACH: follow a job by UUID or number.
struct Attach {
  std::uint64_t token = 0;  ///< chosen by the client, returned in ERROR
  Uuid job;                 ///< nil: by number
  JobNumber number{};
  std::uint64_t cursor = 0;  ///< first requested result entry
  std::uint64_t window = kResultWindow;
  std::uint32_t watch_ms = 0;
  bool own = false;  ///< resume as its owner; an attached job ends with the session of its owner
  std::uint64_t input_digest = 0;  ///< digest of the payloads that the job must have; 0: any
  std::uint64_t input_count = 0;   ///< with `input_digest`: the number of payloads
  bool operator==(const Attach&) const = default;
};

/// ACK: result entries [0, cursor) of a job were consumed. `release`: the owner will never request
/// them again.
struct Ack {
  Uuid job;
  std::uint64_t cursor = 0;
  bool release = false;
  bool operator==(const Ack&) const = default;
};

/// CANCEL: cancels the whole job or some of its tasks. Answered by JOB.
struct Cancel {
  std::uint64_t token = 0;
  Uuid job{};  ///< nil: by number
  JobNumber number{};
  Intervals tasks{};     ///< empty: all
  bool waiting = false;  ///< instead: those that no worker has begun; the job ends after the others
  bool tree = false;     ///< and all jobs that depend on it, directly or through others
  bool dry_run = false;  ///< change nothing; tell how many tasks it would be
  bool operator==(const Cancel&) const = default;
};

/// RETRY: runs again failed tasks of an ended job, and no others. Answered by JOB.
struct Retry {
  std::uint64_t token = 0;
  Uuid job{};  ///< nil: by number
  JobNumber number{};
  Intervals tasks{};                 ///< only these; empty: all
  ErrorCode code = ErrorCode::none;  ///< only those that failed with this code; none: any
  std::string text{};                ///< only those that failed with this text; empty: any
  bool dry_run = false;              ///< change nothing; tell how many tasks it would be
  bool operator==(const Retry&) const = default;
};

/// PAUSE: no more leases of a job are granted, or they are again. Answered by JOB.
struct Pause {
  std::uint64_t token = 0;
  Uuid job{};  ///< nil: by number
  JobNumber number{};
  bool resume = false;  ///< the job goes on
  bool operator==(const Pause&) const = default;
};

enum class ScheduleAction : std::uint8_t { add, replace, remove, pause, resume };

/// SCHEDULE: adds or changes a schedule: a job that the broker submits at each due time. Answered
/// by ANSWER with the schedule. Parts: those of `job`.
struct Schedule {
  std::uint64_t token = 0;
  ScheduleAction action = ScheduleAction::add;
  std::string name;
  std::string owner{};  ///< empty: the sender
  // add and replace:
  std::string cron{};
  std::string zone{};  ///< empty: UTC
  Missed missed = Missed::run_once;
  Overlap overlap = Overlap::skip;
  std::optional<Submit> job{};  ///< its UUID is that of the schedule; see job_uuid()
  bool operator==(const Schedule&) const = default;
};

/// DRAIN, client -> broker, and then broker -> worker: the worker must finish what it runs and
/// leave.
struct Drain {
  std::uint64_t token = 0;
  std::string worker;  ///< its name; empty when sent to the worker itself
  bool operator==(const Drain&) const = default;
};

// ---- broker -> client

/// ACCEPTED: answers SUBMIT and APPEND; also sent when credit grows.
struct Accepted {
  Uuid job;
  JobNumber number{};
  std::uint64_t accepted_to = 0;  ///< the broker has tasks [0, accepted_to)
  std::uint64_t credit_to =
      0;  ///< payload bytes that may be sent for this job in total, including sizes columns
  bool existing = false;  ///< `unique` matched an existing job: `job` is its UUID
  Uuid submitted;         ///< with `existing`: the UUID that was submitted
  bool compare = false;   ///< with `existing`: the payloads were not compared; ATTACH compares them
  bool operator==(const Accepted&) const = default;
};

/// RESULTS: result entry `seq` of a job. Parts: sizes, bytes. The batch has one payload per task of
/// `tasks`, ascending, then one per task of `written`.
struct Results {
  Uuid job;
  std::uint64_t seq = 0;
  Encoding encoding = Encoding::raw;
  Intervals tasks;
  std::vector<TaskError> errors;  ///< tasks that ended with an error; disjoint from `tasks`
  Intervals written{};            ///< failed tasks that had written output
  Batch batch;
  bool operator==(const Results&) const = default;
};

/// JOB: a job's state. When it is final, `entries` is the total number of result entries. Part
/// (with `has_value`): the reduced result.
struct JobUpdate {
  std::uint64_t token = 0;
  JobStatus status;
  std::uint64_t entries = 0;
  bool reduced = false;    ///< the job has a reducer: its result is `value`, not entries
  bool has_value = false;  ///< false: not final, or a reduction of nothing without an identity
  Buffer value;
  std::uint64_t touched = 0;  ///< tasks that the CANCEL or RETRY concerns which it answers
  bool operator==(const JobUpdate&) const = default;
};

// ---- broker -> worker

/// LEASE: run these tasks. Parts: [sizes bytes].
struct Lease {
  LeaseId lease;
  Uuid job;
  JobNumber number{};
  std::string function;
  LeaseKind kind = LeaseKind::item;
  Encoding encoding = Encoding::raw;  ///< of the payloads
  std::string reduce;  ///< reducer that folds the results of each interval into one partial before
                       ///< they are reported; empty: none
  Intervals tasks;
  bool indexed = false;     ///< no payloads: task i's input is the integer base + i
  std::int64_t base = 0;    ///< value of index 0 (range jobs)
  std::uint64_t total = 0;  ///< N of the job, for finish
  std::uint32_t attempt = 1;
  std::uint32_t attempts =
      0;  ///< maximum number; a failure of the last attempt is final. 0: unknown
  std::uint64_t timeout_ms = 0;
  bool common =
      false;          ///< needs the common input and the blobs of `job`, which COMMON has announced
  Batch batch;        ///< one payload per task, ascending; merge: the partials; finish: one payload
  bool once = false;  ///< none of its tasks may be started twice, not even by this worker
  bool nested = false;  ///< its tasks may submit jobs
  bool operator==(const Lease&) const = default;
};

/// COMMON: what all tasks of a job share; sent once per worker and job. Part: the common input's
/// bytes.
struct Common {
  Uuid job;
  Buffer bytes;
  std::vector<std::string>
      blobs{};  ///< blobs that the worker needs before it runs a task; it fetches missing ones
  std::map<std::string, std::string> metadata{};  ///< of the job's options
  bool operator==(const Common&) const = default;
};

/// BLOB, also to clients: answers FETCH. Part: the chunk.
struct Blob {
  std::string blob;
  std::uint64_t chunk = 0;
  std::uint64_t chunks = 0;  ///< total number of chunks of the blob
  std::string why;           ///< a sentence why the chunk is unavailable; empty: it is in `bytes`
  Buffer bytes;
  std::uint64_t token = 0;  ///< that of the FETCH, if a client sent it
  Uuid job{};               ///< with `token`: the job that uploaded the blob, for the next FETCH
  bool operator==(const Blob&) const = default;
};

/// FORGET: these jobs are over; the worker can drop their common inputs.
struct Forget {
  std::vector<Uuid> jobs;
  bool operator==(const Forget&) const = default;
};

struct ReportId {
  LeaseId lease;
  std::uint32_t part = 0;
  auto operator<=>(const ReportId&) const = default;
};

/// REPORTED: these reports were accepted, or were too late and dropped. The worker removes them
/// from its outbox.
struct Reported {
  std::vector<ReportId> reports;
  bool operator==(const Reported&) const = default;
};

/// RECLAIM: give back up to `want` tasks that have not started, from the end of the lease. Answered
/// by RECLAIMED.
struct Reclaim {
  LeaseId lease;
  std::uint64_t want = 0;
  bool operator==(const Reclaim&) const = default;
};

/// REVOKE: withdraws these leases; the worker stops them and reports nothing.
struct Revoke {
  std::vector<LeaseId> leases;
  bool operator==(const Revoke&) const = default;
};

// ---- worker -> broker

/// REPORT: results of some tasks of a lease. Parts: sizes, bytes. If `last`, tasks of the lease
/// that are in none of its reports did not run and return to the broker.
struct Report {
  ReportId id;  ///< `part` counts from 0 within a lease
  bool last = false;
  bool partial = false;  ///< one payload per interval of `tasks` (folded), not one per task
  Intervals tasks;       ///< tasks with a result
  std::vector<TaskError> errors;
  Intervals written{};  ///< tasks of `errors` that had written output; their payloads follow those
                        ///< of `tasks`
  std::uint64_t busy_us = 0;  ///< slot time spent on these tasks
  Batch batch;
  bool operator==(const Report&) const = default;
};

/// RECLAIMED: these tasks of the lease (possibly none) will not run on this worker.
struct Reclaimed {
  LeaseId lease;
  Intervals tasks;
  bool operator==(const Reclaimed&) const = default;
};

/// FETCH, also from clients: a chunk of a blob. Answered by BLOB.
struct Fetch {
  Uuid job{};  ///< of a worker: a job that needs the blob; of a client: the upload, or nil
  std::string blob;
  std::uint64_t chunk = 0;
  std::uint64_t token = 0;  ///< clients only, never 0; returned in BLOB or ERROR
  bool operator==(const Fetch&) const = default;
};

/// NOTES: what tasks of a lease say about themselves: log lines and progress. Not acknowledged.
struct Notes {
  LeaseId lease;
  std::vector<TaskNote> notes;  ///< `worker` and `age_us` are set by the broker
  bool operator==(const Notes&) const = default;
};

/// WAIT: the task of a lease waits for a job that it has submitted, and gives its slot back; or it
/// goes on. Not answered.
struct Wait {
  LeaseId lease;
  Uuid job{};  ///< nil: it goes on
  bool operator==(const Wait&) const = default;
};

/// DRAINING: the worker accepts no more leases and leaves when the last one is reported.
struct Draining {
  bool operator==(const Draining&) const = default;
};

using Message =
    std::variant<Hello, Welcome, Refused, HelloAgain, ErrorMessage, Beat, Bye, Enrol, Enrolled,
                 Submit, Append, Attach, Ack, Cancel, Query, Drain, Retry, Pause, Schedule,
                 Accepted, Results, JobUpdate, Answer, Lease, Common, Blob, Forget, Reported,
                 Reclaim, Revoke, Report, Reclaimed, Fetch, Draining, Notes, Wait>;

/// A message and the session it belongs to, as sent.
struct Envelope {
  SessionId session{};
  Message message;
  bool operator==(const Envelope&) const = default;
};

}  // namespace quern::wire
