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
#include "quern/status.hpp"
#include "wire/batch.hpp"
#include "wire/intervals.hpp"
#include "wire/limits.hpp"

namespace quern::wire {

/// Number of a session, given in WELCOME; 0 before there is one.
enum class SessionId : std::uint64_t {};

enum class Role : std::uint8_t { client, worker };

/// Id of a lease. `incarnation` is new for every start of a broker and grows, so an old lease can
/// never be taken for a new one.
struct LeaseId {
  std::uint64_t incarnation = 0;
  std::uint64_t counter = 0;
  auto operator<=>(const LeaseId&) const = default;
};

/// item, range, whole: run the function so. merge: fold the payloads left to right with reducer
/// `function`. finish: run the finishing step of `function` on the one payload.
enum class LeaseKind : std::uint8_t { item, range, whole, merge, finish };

// ---- session (both roles)

/// A lease that a worker still knows about when it says HELLO.
struct HeldLease {
  LeaseId lease;
  Uuid job;
  Intervals tasks;        ///< not yet reported ones
  bool finished = false;  ///< its results wait in the worker's outbox
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
  std::uint64_t credit_bytes = kWorkerCredit;  ///< payload bytes it accepts to hold
  std::vector<HeldLease> held;
  bool draining = false;
  std::vector<std::string>
      plugins;  ///< libraries it has loaded: a name and a hash each, for the record
  bool operator==(const WorkerOffer&) const = default;
};

/// A job a client wants to go on with; part of its HELLO.
struct HeldJob {
  Uuid job;
  std::uint64_t cursor = 0;  ///< it has received result entries [0, cursor)
  bool operator==(const HeldJob&) const = default;
};

/// HELLO, peer -> broker: first message of a session.
struct Hello {
  std::uint32_t protocol_min = kProtocolOldest;
  std::uint32_t protocol_max = kProtocolVersion;
  Role role = Role::client;
  Uuid identity;                      ///< of this peer, the same over reconnects
  std::string name;                   ///< for people; a worker's unique name
  std::string software;               ///< "quern 0.1.0"
  std::optional<WorkerOffer> worker;  ///< exactly when role is worker
  std::vector<HeldJob> jobs;          ///< clients only
  bool operator==(const Hello&) const = default;
};

/// The broker's knowledge of a job named in HELLO.
struct KnownJob {
  Uuid job;
  bool known = false;
  JobNumber number{};
  std::uint64_t accepted_to = 0;  ///< tasks [0, accepted_to) are in
  std::uint64_t credit_to = 0;    ///< see Accepted
  bool operator==(const KnownJob&) const = default;
};

/// WELCOME, broker -> peer: the session is open; its id is in the header of this message.
struct Welcome {
  std::uint32_t protocol = kProtocolVersion;
  std::uint64_t incarnation = 0;
  std::string software;
  std::uint32_t beat_busy_ms =
      1000;  ///< a worker with leases (and a client) is heard at least this often
  std::uint32_t beat_idle_ms = 5000;
  std::uint32_t lost_busy_ms = 3000;  ///< silence after which a worker with leases is given up
  std::uint32_t lost_idle_ms = 15000;
  std::uint64_t item_bytes_max = kItemBytesMax;
  std::uint64_t report_window = kReportWindow;
  bool store = false;            ///< jobs of automatic durability are durable here
  std::vector<LeaseId> dropped;  ///< workers: held leases that are no longer theirs; forget them
  std::vector<KnownJob> jobs;    ///< clients: one per HeldJob
  bool operator==(const Welcome&) const = default;
};

/// REFUSED, broker -> peer: no session. The peer closes its socket.
struct Refused {
  ErrorCode code = ErrorCode::refused;
  std::string text;
  std::uint32_t protocol_min = kProtocolOldest;
  std::uint32_t protocol_max = kProtocolVersion;
  bool operator==(const Refused&) const = default;
};

/// HELLO_AGAIN, broker -> peer: the session in the message just received is old or unknown; open a
/// new socket and say HELLO.
struct HelloAgain {
  bool operator==(const HelloAgain&) const = default;
};

/// ERROR, both ways: something just sent was not accepted. With `fatal` the session is over.
struct ErrorMessage {
  ErrorCode code = ErrorCode::malformed;
  std::string text;
  std::optional<Uuid> job;  ///< when it answers SUBMIT, APPEND or ATTACH
  std::uint64_t token = 0;  ///< when it answers a message with a token
  bool fatal = false;
  bool operator==(const ErrorMessage&) const = default;
};

/// BEAT, both ways: a sign of life. A worker's carries its capacity. A beat with `reply` false is
/// answered by one with it true.
struct Beat {
  bool reply = false;
  std::optional<Capacity> capacity;
  std::vector<FunctionRate> work;  ///< workers: work done per function since start
  bool operator==(const Beat&) const = default;
};

/// BYE, both ways: an orderly end of the session. What the sender held goes to others at once.
struct Bye {
  ErrorCode code = ErrorCode::shutdown;
  std::string text;
  bool operator==(const Bye&) const = default;
};

/// ENROL, peer -> broker: the first and only message of a peer whose key is not known yet, but
/// which was invited. Answered by ENROLLED or REFUSED; then the peer opens a new socket.
struct Enrol {
  std::string name;  ///< wanted for the principal
  Bytes secret;      ///< of the invitation
  bool operator==(const Enrol&) const = default;
};

/// ENROLLED, broker -> peer: your key is known from now on.
struct Enrolled {
  std::string name;   ///< of the principal
  std::string roles;  ///< for people
  bool operator==(const Enrolled&) const = default;
};

// ---- client -> broker

/// Options of a job; every one has a default.
struct JobOptions {
  std::string name;
  std::int32_t priority = 0;  ///< higher first
  double weight = 1;          ///< share within one priority, > 0
  std::uint32_t attempts = 3;
  std::uint32_t backoff_ms =
      100;  ///< before a failed task's second attempt; doubled for each further one, at most 10 s
  std::uint64_t timeout_ms = 0;  ///< per task; 0: none
  bool detach = false;           ///< lives on without its client
  Durability durability = Durability::automatic;
  std::string unique;  ///< a key: the same key attaches to the job that exists
  std::string reduce;  ///< reducer; empty: the function's default for ranges, none otherwise
  double cost = 0;     ///< cost of one task in units of the function's rate; 0: 1
  std::map<std::string, std::string> require;  ///< labels a worker must have
  std::map<std::string, double> resources;     ///< counted resources a task takes
  std::vector<std::string>
      blobs;  ///< what its workers must have (blob.hpp); each is there before the job
  bool idempotent =
      false;  ///< a slow task may be started a second time, whatever its function declares
  bool at_most_once =
      false;  ///< no task is ever started twice: lost with its worker, it ends as lost_worker
  bool unique_any = false;  ///< `unique` names the job that exists also when its input is another
  std::uint64_t ttl_s =
      0;  ///< seconds for which the ended job is kept; 0: as long as the broker keeps others
  bool operator==(const JobOptions&) const = default;
};

/// SUBMIT: a new job (or, with a known UUID, the same one again). Parts: [common] [sizes bytes
/// [costs]].
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
      kResultWindow;  ///< result bytes the client takes before it acknowledges; 0: send no results
  std::uint32_t watch_ms = 0;  ///< send JOB at most this often while it runs; 0: only at the end
  bool has_common = false;
  Buffer common;
  Batch batch;               ///< first payloads: tasks [0, count)
  std::vector<float> costs;  ///< empty or one per task of the batch
  bool operator==(const Submit&) const = default;
};

/// APPEND: more payloads of an open job; idempotent. Parts: [sizes bytes [costs]].
struct Append {
  Uuid job;
  std::uint64_t first = 0;  ///< index of the first task of the batch
  bool close = false;       ///< no more will follow
  Batch batch;
  std::vector<float> costs;
  bool operator==(const Append&) const = default;
};

/// ATTACH: follow a job by UUID or number.
struct Attach {
  std::uint64_t token = 0;  ///< chosen by the client, repeated in ERROR
  Uuid job;                 ///< nil: by number
  JobNumber number{};
  std::uint64_t cursor = 0;  ///< first result entry wanted
  std::uint64_t window = kResultWindow;
  std::uint32_t watch_ms = 0;
  bool own = false;  ///< resume as its owner: an attached job lives as long as its owner's session
  std::uint64_t input_digest = 0;  ///< of the payloads that the job must have; 0: whatever it has
  std::uint64_t input_count = 0;   ///< with `input_digest`: how many they are
  bool operator==(const Attach&) const = default;
};

/// ACK: result entries [0, cursor) of a job were consumed; `release`: the owner will never ask for
/// them again.
struct Ack {
  Uuid job;
  std::uint64_t cursor = 0;
  bool release = false;
  bool operator==(const Ack&) const = default;
};

/// CANCEL: the whole job, or some tasks of it. Answered by JOB.
struct Cancel {
  std::uint64_t token = 0;
  Uuid job{};  ///< nil: by number
  JobNumber number{};
  Intervals tasks{};     ///< empty: all
  bool waiting = false;  ///< instead: what no worker has begun; the job ends with what runs
  bool dry_run = false;  ///< change nothing; tell how many tasks it would be
  bool operator==(const Cancel&) const = default;
};

/// RETRY: failed tasks of a job that has ended are run again, nothing else. Answered by JOB.
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

enum class QueryWhat : std::uint8_t { jobs, job, workers, explain, broker, timeline, errors };

/// QUERY: answered by ANSWER with the same token (or ERROR).
struct Query {
  std::uint64_t token = 0;
  QueryWhat what = QueryWhat::jobs;
  Uuid job{};  ///< nil: by number
  JobNumber number{};
  std::uint64_t limit = 100;  ///< jobs, workers: at most so many in one answer
  JobNumber before{};         ///< jobs: with numbers below this one; 0: the newest
  std::string after{};        ///< workers: whose names sort after this one; empty: from the first
  std::vector<JobState> states{};  ///< in one of these states; empty: in any
  std::string function{};          ///< of this function
  std::string owner{};             ///< of this principal
  std::string name{};              ///< whose names match this pattern (wire/glob.hpp)
  std::string text{};              ///< with this text in name, function or reason, in any case
  std::uint64_t cursor = 0;        ///< errors: from this result entry on
  std::uint64_t skip = 0;          ///< errors: and from this error of that entry on
  bool operator==(const Query&) const = default;
};

/// DRAIN: client -> broker: a worker is to finish what it runs and leave; broker -> worker: you are
/// to.
struct Drain {
  std::uint64_t token = 0;
  std::string worker;  ///< its name; empty towards the worker itself
  bool operator==(const Drain&) const = default;
};

// ---- broker -> client

/// ACCEPTED: answers SUBMIT and APPEND; also sent when credit grows.
struct Accepted {
  Uuid job;
  JobNumber number{};
  std::uint64_t accepted_to = 0;  ///< tasks [0, accepted_to) are in
  std::uint64_t credit_to =
      0;  ///< payload bytes (sizes columns counted) that may be sent for this job in all
  bool existing = false;  ///< `unique` named a job that exists: `job` is its UUID
  Uuid submitted;         ///< with `existing`: the UUID that was submitted
  bool compare = false;   ///< with `existing`: the payloads were not compared; ATTACH does it
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
  Intervals written{};            ///< tasks that failed and had written something by then
  Batch batch;
  bool operator==(const Results&) const = default;
};

/// JOB: a job's state. When `status.state` is final, `entries` is the number of result entries
/// there will ever be. Part (with `has_value`): the reduced result.
struct JobUpdate {
  std::uint64_t token = 0;
  JobStatus status;
  std::uint64_t entries = 0;
  bool reduced = false;    ///< the job has a reducer: its result is the value below, not entries
  bool has_value = false;  ///< false: reduced over nothing and no identity, or not final
  Buffer value;
  std::uint64_t touched = 0;  ///< tasks that the CANCEL or RETRY concerns which it answers
  bool operator==(const JobUpdate&) const = default;
};

/// ANSWER to QUERY and DRAIN.
struct Answer {
  std::uint64_t token = 0;
  std::vector<JobStatus> jobs;
  std::vector<WorkerStatus> workers;
  std::vector<std::string> text;  ///< sentences for people
  std::optional<BrokerStatus> broker;
  JobNumber before{};  ///< jobs: there may be more, with numbers below this one; 0: these were all
  std::string after;   ///< workers: there are more, with names that sort after this one; empty:
                       ///< these were all
  std::vector<ErrorGroup> errors;  ///< errors: of the part that was examined
  std::uint64_t cursor = 0;        ///< errors: where to continue; 0 with `skip` 0: this was all
  std::uint64_t skip = 0;
  bool operator==(const Answer&) const = default;
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
  std::string reduce;  ///< fold the results of each interval into one partial before reporting;
                       ///< empty: do not
  Intervals tasks;
  bool indexed = false;     ///< no payloads: task i's input is the integer base + i
  std::int64_t base = 0;    ///< value of index 0 (range jobs)
  std::uint64_t total = 0;  ///< N of the job, for finish
  std::uint32_t attempt = 1;
  std::uint32_t attempts = 0;  ///< allowed; a failure of the last one is final. 0: not said
  std::uint64_t timeout_ms = 0;
  bool common =
      false;          ///< refers to the common input of `job` and its blobs, named before in COMMON
  Batch batch;        ///< one payload per task, ascending; merge: the partials; finish: one
  bool once = false;  ///< no task of it may be started twice, not even here
  bool operator==(const Lease&) const = default;
};

/// COMMON: what all tasks of a job share, once per worker and job. Part: the common input's bytes.
struct Common {
  Uuid job;
  Buffer bytes;
  std::vector<std::string>
      blobs{};  ///< that the worker must have before it runs a task; it fetches what it has not
  bool operator==(const Common&) const = default;
};

/// BLOB: answers FETCH. Part: the chunk.
struct Blob {
  std::string blob;
  std::uint64_t chunk = 0;
  std::uint64_t chunks = 0;  ///< the blob has in all
  std::string why;           ///< it cannot be had: a sentence; empty: here it is
  Buffer bytes;
  bool operator==(const Blob&) const = default;
};

/// FORGET: these jobs are over; their common inputs may go.
struct Forget {
  std::vector<Uuid> jobs;
  bool operator==(const Forget&) const = default;
};

struct ReportId {
  LeaseId lease;
  std::uint32_t part = 0;
  auto operator<=>(const ReportId&) const = default;
};

/// REPORTED: these reports were taken (or recognised as late and dropped); remove them from the
/// outbox.
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

/// REVOKE: these leases are no longer yours: stop them, report nothing.
struct Revoke {
  std::vector<LeaseId> leases;
  bool operator==(const Revoke&) const = default;
};

// ---- worker -> broker

/// REPORT: results of some tasks of a lease. Parts: sizes, bytes. With `last`, tasks of the lease
/// that are in no report of it did not run and go back to the broker.
struct Report {
  ReportId id;  ///< parts of one lease count from 0
  bool last = false;
  bool partial = false;  ///< one payload per interval of `tasks` (folded), not one per task
  Intervals tasks;       ///< with a result
  std::vector<TaskError> errors;
  Intervals written{};  ///< those of `errors` that had written something: their payloads follow
                        ///< those of `tasks`
  std::uint64_t busy_us = 0;  ///< slot time spent on these tasks
  Batch batch;
  bool operator==(const Report&) const = default;
};

/// RECLAIMED: these tasks of the lease will not run here (possibly none).
struct Reclaimed {
  LeaseId lease;
  Intervals tasks;
  bool operator==(const Reclaimed&) const = default;
};

/// FETCH: a chunk of a blob that a job needs. Answered by BLOB.
struct Fetch {
  Uuid job;
  std::string blob;
  std::uint64_t chunk = 0;
  bool operator==(const Fetch&) const = default;
};

/// DRAINING: grant me no more leases; I leave when the last is reported.
struct Draining {
  bool operator==(const Draining&) const = default;
};

using Message = std::variant<Hello, Welcome, Refused, HelloAgain, ErrorMessage, Beat, Bye, Enrol,
                             Enrolled, Submit, Append, Attach, Ack, Cancel, Query, Drain, Retry,
                             Pause, Accepted, Results, JobUpdate, Answer, Lease, Common, Blob,
                             Forget, Reported, Reclaim, Revoke, Report, Reclaimed, Fetch, Draining>;

/// A message and the session it belongs to, as it travels.
struct Envelope {
  SessionId session{};
  Message message;
  bool operator==(const Envelope&) const = default;
};

}  // namespace quern::wire
