// The messages' types, words and keys: the one table that the encoder, the decoder and PROTOCOL.md
// ("Messages") share. describe(v, Of<T>) names every field of T to a visitor, in the order in which
// they are sent; parts are in the same order. Rule for changing: a new field gets a new key and
// a default that means "as before"; a key or a type number is never reused.
#pragma once

#include "wire/messages.hpp"

namespace quern::wire {

template <typename T>
struct Of {};

/// Type number and name of a message.
struct TypeInfo {
  std::uint32_t number;
  std::string_view name;
};

constexpr TypeInfo info(Of<Hello>) { return {1, "HELLO"}; }
constexpr TypeInfo info(Of<Welcome>) { return {2, "WELCOME"}; }
constexpr TypeInfo info(Of<Refused>) { return {3, "REFUSED"}; }
constexpr TypeInfo info(Of<HelloAgain>) { return {4, "HELLO_AGAIN"}; }
constexpr TypeInfo info(Of<ErrorMessage>) { return {5, "ERROR"}; }
constexpr TypeInfo info(Of<Beat>) { return {6, "BEAT"}; }
constexpr TypeInfo info(Of<Bye>) { return {7, "BYE"}; }
constexpr TypeInfo info(Of<Enrol>) { return {8, "ENROL"}; }
constexpr TypeInfo info(Of<Enrolled>) { return {9, "ENROLLED"}; }
constexpr TypeInfo info(Of<Submit>) { return {16, "SUBMIT"}; }
constexpr TypeInfo info(Of<Append>) { return {17, "APPEND"}; }
constexpr TypeInfo info(Of<Attach>) { return {18, "ATTACH"}; }
constexpr TypeInfo info(Of<Ack>) { return {19, "ACK"}; }
constexpr TypeInfo info(Of<Cancel>) { return {20, "CANCEL"}; }
constexpr TypeInfo info(Of<Query>) { return {21, "QUERY"}; }
constexpr TypeInfo info(Of<Drain>) { return {22, "DRAIN"}; }
constexpr TypeInfo info(Of<Retry>) { return {23, "RETRY"}; }
constexpr TypeInfo info(Of<Pause>) { return {24, "PAUSE"}; }
constexpr TypeInfo info(Of<Schedule>) { return {25, "SCHEDULE"}; }
constexpr TypeInfo info(Of<Accepted>) { return {32, "ACCEPTED"}; }
constexpr TypeInfo info(Of<Results>) { return {33, "RESULTS"}; }
constexpr TypeInfo info(Of<JobUpdate>) { return {34, "JOB"}; }
constexpr TypeInfo info(Of<Answer>) { return {35, "ANSWER"}; }
constexpr TypeInfo info(Of<Lease>) { return {48, "LEASE"}; }
constexpr TypeInfo info(Of<Common>) { return {49, "COMMON"}; }
constexpr TypeInfo info(Of<Forget>) { return {50, "FORGET"}; }
constexpr TypeInfo info(Of<Reported>) { return {51, "REPORTED"}; }
constexpr TypeInfo info(Of<Reclaim>) { return {52, "RECLAIM"}; }
constexpr TypeInfo info(Of<Revoke>) { return {53, "REVOKE"}; }
constexpr TypeInfo info(Of<Blob>) { return {54, "BLOB"}; }
constexpr TypeInfo info(Of<Report>) { return {64, "REPORT"}; }
constexpr TypeInfo info(Of<Reclaimed>) { return {65, "RECLAIMED"}; }
constexpr TypeInfo info(Of<Draining>) { return {66, "DRAINING"}; }
constexpr TypeInfo info(Of<Fetch>) { return {67, "FETCH"}; }
constexpr TypeInfo info(Of<Notes>) { return {68, "NOTES"}; }
constexpr TypeInfo info(Of<Wait>) { return {69, "WAIT"}; }

/// Which values a field of type double accepts; NaN and infinities are never accepted.
enum class Sign { any, not_negative, positive };

/// Inclusive bounds of an integer field, if they are narrower than its type.
struct Bounds {
  std::uint64_t least = 0;
  std::uint64_t most = ~0ULL;
};

inline constexpr Bounds kTaskCount{0, kTasksMax};

// ---- nested maps

template <typename V>
void describe(V& v, Of<TaskError>) {
  v.number("first", &TaskError::first, kTaskCount);
  v.number("count", &TaskError::count, Bounds{1, kTasksMax});
  v.code("code", &TaskError::code);
  v.text("text", &TaskError::text);
}

template <typename V>
void describe(V& v, Of<ErrorGroup>) {
  v.code("code", &ErrorGroup::code);
  v.text("text", &ErrorGroup::text);
  v.number("count", &ErrorGroup::count);
  v.number("first", &ErrorGroup::first);
  v.number("last", &ErrorGroup::last);
  v.text("example", &ErrorGroup::example);
}

template <typename V>
void describe(V& v, Of<TaskSpan>) {
  v.number("first", &TaskSpan::first, kTaskCount);
  v.number("count", &TaskSpan::count, Bounds{1, kTasksMax});
  v.word("state", &TaskSpan::state);
  v.name("worker", &TaskSpan::worker);
  v.number("attempt", &TaskSpan::attempt);
}

template <typename V>
void describe(V& v, Of<TaskNote>) {
  v.number("task", &TaskNote::task, kTaskCount);
  v.real("progress", &TaskNote::progress, Sign::any);
  v.text("text", &TaskNote::text);
  v.name("worker", &TaskNote::worker);
  v.number("age_us", &TaskNote::age_us);
}

template <typename V>
void describe(V& v, Of<ScheduleRun>) {
  v.number("due_ms", &ScheduleRun::due_ms);
  v.number("at_ms", &ScheduleRun::at_ms);
  v.number("job", &ScheduleRun::job);
  v.word("outcome", &ScheduleRun::outcome);
  v.text("text", &ScheduleRun::text);
}

template <typename V>
void describe(V& v, Of<ScheduleStatus>) {
  v.name("name", &ScheduleStatus::name);
  v.name("owner", &ScheduleStatus::owner);
  v.name("cron", &ScheduleStatus::cron);
  v.name("zone", &ScheduleStatus::zone);
  v.word("missed", &ScheduleStatus::missed);
  v.word("overlap", &ScheduleStatus::overlap);
  v.name("function", &ScheduleStatus::function);
  v.flag("paused", &ScheduleStatus::paused);
  v.number("next_ms", &ScheduleStatus::next_ms);
  v.list("runs", &ScheduleStatus::runs);
}

template <typename V>
void describe(V& v, Of<WorkerShare>) {
  v.name("worker", &WorkerShare::worker);
  v.number("leases", &WorkerShare::leases);
  v.number("tasks", &WorkerShare::tasks);
  v.number("busy_us", &WorkerShare::busy_us);
  v.real("rate", &WorkerShare::rate, Sign::not_negative);
  v.number("slots", &WorkerShare::slots);
}

template <typename V>
void describe(V& v, Of<LeaseSpan>) {
  v.name("worker", &LeaseSpan::worker);
  v.number("lane", &LeaseSpan::lane);
  v.number("begin_us", &LeaseSpan::begin_us);
  v.number("end_us", &LeaseSpan::end_us);
  v.number("first", &LeaseSpan::first);
  v.number("tasks", &LeaseSpan::tasks);
  v.name("outcome", &LeaseSpan::outcome);
}

template <typename V>
void describe(V& v, Of<JobEdge>) {
  v.uuid("job", &JobEdge::uuid);
  v.number("number", &JobEdge::number);
  v.word("pattern", &JobEdge::pattern);
  v.number("width", &JobEdge::width, Bounds{1, kTasksMax});
  v.number("step", &JobEdge::step, Bounds{1, kTasksMax});
  v.flag("ended", &JobEdge::ended);
}

template <typename V>
void describe(V& v, Of<JobStatus>) {
  v.uuid("uuid", &JobStatus::uuid);
  v.number("number", &JobStatus::number);
  v.name("name", &JobStatus::name);
  v.name("function", &JobStatus::function);
  v.name("owner", &JobStatus::owner);
  v.word("input", &JobStatus::input);
  v.text("decision", &JobStatus::decision);
  v.flag("divisible", &JobStatus::divisible);
  v.name("reduce", &JobStatus::reduce);
  v.word("encoding", &JobStatus::encoding);
  v.word("state", &JobStatus::state);
  v.text("reason", &JobStatus::reason);
  v.code("failure", &JobStatus::failure);
  v.flag("open", &JobStatus::open);
  v.number("total", &JobStatus::total);
  v.number("pending", &JobStatus::pending);
  v.number("leased", &JobStatus::leased);
  v.number("done", &JobStatus::done);
  v.number("failed", &JobStatus::failed);
  v.number("cancelled", &JobStatus::cancelled);
  v.number("priority", &JobStatus::priority);
  v.real("weight", &JobStatus::weight, Sign::positive);
  v.word("durability", &JobStatus::durability);
  v.flag("detached", &JobStatus::detached);
  v.number("attempts", &JobStatus::attempts);
  v.flag("idempotent", &JobStatus::idempotent);
  v.flag("at_most_once", &JobStatus::at_most_once);
  v.number("kept_us", &JobStatus::kept_us);
  v.number("retried", &JobStatus::retried);
  v.number("age_us", &JobStatus::age_us);
  v.number("run_us", &JobStatus::run_us);
  v.real("rate", &JobStatus::rate, Sign::not_negative);
  v.real("eta_s", &JobStatus::eta_s, Sign::any);
  v.real("eta_error_s", &JobStatus::eta_error_s, Sign::any);
  v.number("copies", &JobStatus::copies);
  v.real("wasted_s", &JobStatus::wasted_s, Sign::not_negative);
  v.number("queued_bytes", &JobStatus::queued_bytes);
  v.number("result_bytes", &JobStatus::result_bytes);
  v.number("workers", &JobStatus::workers);
  v.list("shares", &JobStatus::shares);
  v.list("spans", &JobStatus::spans);
  v.flag("paused", &JobStatus::paused);
  v.number("blocked", &JobStatus::blocked);
  v.list("edges", &JobStatus::edges);
  v.numbers("consumers", &JobStatus::consumers);
  v.number("deadline_ms", &JobStatus::deadline_ms);
  v.names("metadata", &JobStatus::metadata);
  v.number("start_at_ms", &JobStatus::start_at_ms);
  v.flag("nested", &JobStatus::nested);
  v.number("parent", &JobStatus::parent);
  v.number("parent_task", &JobStatus::parent_task);
  v.numbers("children", &JobStatus::children);
  v.number("waiting_tasks", &JobStatus::waiting_tasks);
}

template <typename V>
void describe(V& v, Of<Capacity>) {
  v.number("slots", &Capacity::slots, Bounds{1, kSlotsMax});
  v.real("cores", &Capacity::cores, Sign::not_negative);
  v.real("idle", &Capacity::idle, Sign::not_negative);
  v.real("load", &Capacity::load, Sign::not_negative);
  v.number("memory_free", &Capacity::memory_free);
  v.number("busy", &Capacity::busy, Bounds{0, kSlotsMax});
  v.number("stuck", &Capacity::stuck, Bounds{0, kSlotsMax});
}

template <typename V>
void describe(V& v, Of<FunctionDecl>) {
  v.name("name", &FunctionDecl::name);
  v.word("takes", &FunctionDecl::takes);
  v.word("encoding", &FunctionDecl::encoding);
  v.name("reduce", &FunctionDecl::reduce);
  v.flag("finish", &FunctionDecl::finish);
  v.real("rate", &FunctionDecl::rate, Sign::not_negative);
  v.flag("idempotent", &FunctionDecl::idempotent);
  v.number("max_lease", &FunctionDecl::max_lease);
  v.flag("people", &FunctionDecl::people);
}

template <typename V>
void describe(V& v, Of<ReducerDecl>) {
  v.name("name", &ReducerDecl::name);
  v.word("encoding", &ReducerDecl::encoding);
  v.flag("has_identity", &ReducerDecl::has_identity);
  v.bytes("identity", &ReducerDecl::identity);
}

template <typename V>
void describe(V& v, Of<FunctionRate>) {
  v.name("function", &FunctionRate::function);
  v.real("rate", &FunctionRate::rate, Sign::not_negative);
  v.real("uncertainty", &FunctionRate::uncertainty, Sign::not_negative);
  v.number("leases", &FunctionRate::leases);
  v.number("tasks", &FunctionRate::tasks);
  v.number("busy_us", &FunctionRate::busy_us);
}

template <typename V>
void describe(V& v, Of<WorkerStatus>) {
  v.number("id", &WorkerStatus::id);
  v.name("name", &WorkerStatus::name);
  v.name("state", &WorkerStatus::state);
  v.text("reason", &WorkerStatus::reason);
  v.object("capacity", &WorkerStatus::capacity);
  v.list("functions", &WorkerStatus::functions);
  v.list("rates", &WorkerStatus::rates);
  v.names("labels", &WorkerStatus::labels);
  v.reals("resources", &WorkerStatus::resources);
  v.number("leases", &WorkerStatus::leases);
  v.number("tasks_done", &WorkerStatus::tasks_done);
  v.number("silent_us", &WorkerStatus::silent_us);
  v.number("connected_us", &WorkerStatus::connected_us);
  v.name("principal", &WorkerStatus::principal);
}

template <typename V>
void describe(V& v, Of<Histogram>) {
  v.numbers("counts", &Histogram::counts);
  v.real("sum_s", &Histogram::sum_s, Sign::not_negative);
}

template <typename V>
void describe(V& v, Of<FunctionCounters>) {
  v.name("function", &FunctionCounters::function);
  v.number("tasks_done", &FunctionCounters::tasks_done);
  v.number("tasks_failed", &FunctionCounters::tasks_failed);
  v.number("tasks_cancelled", &FunctionCounters::tasks_cancelled);
  v.number("leases", &FunctionCounters::leases);
  v.number("leases_lost", &FunctionCounters::leases_lost);
  v.number("retries", &FunctionCounters::retries);
}

template <typename V>
void describe(V& v, Of<BrokerStatus>) {
  v.name("software", &BrokerStatus::software);
  v.number("uptime_us", &BrokerStatus::uptime_us);
  v.number("clients", &BrokerStatus::clients);
  v.number("workers", &BrokerStatus::workers);
  v.number("jobs", &BrokerStatus::jobs);
  v.number("memory_used", &BrokerStatus::memory_used);
  v.number("memory_limit", &BrokerStatus::memory_limit);
  v.number("malformed", &BrokerStatus::malformed);
  v.number("refused", &BrokerStatus::refused);
  v.number("late", &BrokerStatus::late);
  v.number("tasks_pending", &BrokerStatus::tasks_pending);
  v.number("tasks_leased", &BrokerStatus::tasks_leased);
  v.number("jobs_waiting", &BrokerStatus::jobs_waiting);
  v.number("jobs_running", &BrokerStatus::jobs_running);
  v.number("jobs_paused", &BrokerStatus::jobs_paused);
  v.number("jobs_done", &BrokerStatus::jobs_done);
  v.number("jobs_failed", &BrokerStatus::jobs_failed);
  v.number("jobs_cancelled", &BrokerStatus::jobs_cancelled);
  v.number("workers_idle", &BrokerStatus::workers_idle);
  v.number("workers_busy", &BrokerStatus::workers_busy);
  v.number("workers_draining", &BrokerStatus::workers_draining);
  v.number("workers_stuck", &BrokerStatus::workers_stuck);
  v.number("workers_lost", &BrokerStatus::workers_lost);
  v.list("functions", &BrokerStatus::functions);
  v.object("lease_seconds", &BrokerStatus::lease_seconds);
  v.object("wait_seconds", &BrokerStatus::wait_seconds);
}

template <typename V>
void describe(V& v, Of<HeldLease>) {
  v.id("lease", &HeldLease::lease);
  v.uuid("job", &HeldLease::job);
  v.intervals("tasks", &HeldLease::tasks);
  v.flag("finished", &HeldLease::finished);
  v.word("kind", &HeldLease::kind);
  v.number("attempt", &HeldLease::attempt, Bounds{1, kAttemptsMax});
}

template <typename V>
void describe(V& v, Of<WorkerOffer>) {
  v.list("functions", &WorkerOffer::functions);
  v.list("reducers", &WorkerOffer::reducers);
  v.names("labels", &WorkerOffer::labels);
  v.reals("resources", &WorkerOffer::resources);
  v.object("capacity", &WorkerOffer::capacity);
  v.always("credit_bytes", &WorkerOffer::credit_bytes);
  v.list("held", &WorkerOffer::held);
  v.flag("draining", &WorkerOffer::draining);
  v.list("plugins", &WorkerOffer::plugins);
}

template <typename V>
void describe(V& v, Of<HeldJob>) {
  v.uuid("job", &HeldJob::job);
  v.number("cursor", &HeldJob::cursor);
}

template <typename V>
void describe(V& v, Of<KnownJob>) {
  v.uuid("job", &KnownJob::job);
  v.flag("known", &KnownJob::known);
  v.number("number", &KnownJob::number);
  v.number("accepted_to", &KnownJob::accepted_to, kTaskCount);
  v.number("credit_to", &KnownJob::credit_to);
}

template <typename V>
void describe(V& v, Of<JobOptions>) {
  v.name("name", &JobOptions::name);
  v.number("priority", &JobOptions::priority);
  v.real("weight", &JobOptions::weight, Sign::positive);
  v.number("attempts", &JobOptions::attempts, Bounds{1, kAttemptsMax});
  v.number("backoff_ms", &JobOptions::backoff_ms);
  v.number("timeout_ms", &JobOptions::timeout_ms, Bounds{0, kTimeoutMsMax});
  v.flag("detach", &JobOptions::detach);
  v.word("durability", &JobOptions::durability);
  v.name("unique", &JobOptions::unique);
  v.name("reduce", &JobOptions::reduce);
  v.real("cost", &JobOptions::cost, Sign::not_negative);
  v.names("require", &JobOptions::require);
  v.reals("resources", &JobOptions::resources);
  v.list("blobs", &JobOptions::blobs);
  v.flag("idempotent", &JobOptions::idempotent);
  v.flag("at_most_once", &JobOptions::at_most_once);
  v.flag("unique_any", &JobOptions::unique_any);
  v.number("ttl_s", &JobOptions::ttl_s, Bounds{0, kTtlMax});
  v.flag("intermediate", &JobOptions::intermediate);
  v.number("deadline_ms", &JobOptions::deadline_ms, Bounds{0, kTimeoutMsMax});
  v.names("metadata", &JobOptions::metadata);
  v.number("start_at_ms", &JobOptions::start_at_ms, Bounds{0, kWallMsMax});
  v.number("start_in_ms", &JobOptions::start_in_ms, Bounds{0, kTimeoutMsMax});
  v.flag("nested", &JobOptions::nested);
}

// ---- session

template <typename V>
void describe(V& v, Of<Hello>) {
  v.always("protocol_min", &Hello::protocol_min);
  v.always("protocol_max", &Hello::protocol_max);
  v.word("role", &Hello::role);
  v.uuid("identity", &Hello::identity);
  v.name("name", &Hello::name);
  v.name("software", &Hello::software);
  v.object("worker", &Hello::worker);
  v.list("jobs", &Hello::jobs);
}

template <typename V>
void describe(V& v, Of<Welcome>) {
  v.always("protocol", &Welcome::protocol);
  v.number("incarnation", &Welcome::incarnation);
  v.name("software", &Welcome::software);
  v.number("beat_busy_ms", &Welcome::beat_busy_ms);
  v.number("beat_idle_ms", &Welcome::beat_idle_ms);
  v.number("lost_busy_ms", &Welcome::lost_busy_ms);
  v.number("lost_idle_ms", &Welcome::lost_idle_ms);
  v.always("item_bytes_max", &Welcome::item_bytes_max);
  v.always("report_window", &Welcome::report_window);
  v.flag("store", &Welcome::store);
  v.list("dropped", &Welcome::dropped);
  v.list("jobs", &Welcome::jobs);
}

template <typename V>
void describe(V& v, Of<Refused>) {
  v.code("code", &Refused::code);
  v.text("text", &Refused::text);
  v.always("protocol_min", &Refused::protocol_min);
  v.always("protocol_max", &Refused::protocol_max);
}

template <typename V>
void describe(V&, Of<HelloAgain>) {}

template <typename V>
void describe(V& v, Of<ErrorMessage>) {
  v.code("code", &ErrorMessage::code);
  v.text("text", &ErrorMessage::text);
  v.uuid("job", &ErrorMessage::job);
  v.number("token", &ErrorMessage::token);
  v.flag("fatal", &ErrorMessage::fatal);
}

template <typename V>
void describe(V& v, Of<Beat>) {
  v.flag("reply", &Beat::reply);
  v.object("capacity", &Beat::capacity);
  v.list("work", &Beat::work);
}

template <typename V>
void describe(V& v, Of<Bye>) {
  v.code("code", &Bye::code);
  v.text("text", &Bye::text);
}

template <typename V>
void describe(V& v, Of<Enrol>) {
  v.name("name", &Enrol::name);
  v.bytes("secret", &Enrol::secret);
}

template <typename V>
void describe(V& v, Of<Enrolled>) {
  v.name("name", &Enrolled::name);
  v.name("roles", &Enrolled::roles);
}

// ---- client -> broker

template <typename V>
void describe(V& v, Of<Submit>) {
  v.uuid("job", &Submit::job);
  v.name("function", &Submit::function);
  v.word("input", &Submit::input);
  v.word("encoding", &Submit::encoding);
  v.number("range_begin", &Submit::range_begin);
  v.number("range_end", &Submit::range_end);
  v.flag("open", &Submit::open);
  v.object("options", &Submit::options);
  v.always("window", &Submit::window);
  v.number("watch_ms", &Submit::watch_ms);
  v.part("has_common", &Submit::has_common, &Submit::common);
  v.batch(&Submit::batch);
  v.costs(&Submit::costs);
  v.list("edges", &Submit::edges);
  v.word("join", &Submit::join);
  v.part("has_links", &Submit::has_links, &Submit::links);
  v.id("lease", &Submit::lease);
  v.number("task", &Submit::task, kTaskCount);
}

template <typename V>
void describe(V& v, Of<Append>) {
  v.number("token", &Append::token);
  v.uuid("job", &Append::job);
  v.number("number", &Append::number);
  v.number("first", &Append::first, kTaskCount);
  v.flag("close", &Append::close);
  v.batch(&Append::batch);
  v.costs(&Append::costs);
}

template <typename V>
void describe(V& v, Of<Attach>) {
  v.number("token", &Attach::token);
  v.uuid("job", &Attach::job);
  v.number("number", &Attach::number);
  v.number("cursor", &Attach::cursor);
  v.always("window", &Attach::window);
  v.number("watch_ms", &Attach::watch_ms);
  v.flag("own", &Attach::own);
  v.number("input_digest", &Attach::input_digest);
  v.number("input_count", &Attach::input_count, kTaskCount);
}

template <typename V>
void describe(V& v, Of<Ack>) {
  v.uuid("job", &Ack::job);
  v.number("cursor", &Ack::cursor);
  v.flag("release", &Ack::release);
}

template <typename V>
void describe(V& v, Of<Cancel>) {
  v.number("token", &Cancel::token);
  v.uuid("job", &Cancel::job);
  v.number("number", &Cancel::number);
  v.intervals("tasks", &Cancel::tasks);
  v.flag("waiting", &Cancel::waiting);
  v.flag("tree", &Cancel::tree);
  v.flag("dry_run", &Cancel::dry_run);
}

template <typename V>
void describe(V& v, Of<Retry>) {
  v.number("token", &Retry::token);
  v.uuid("job", &Retry::job);
  v.number("number", &Retry::number);
  v.intervals("tasks", &Retry::tasks);
  v.code("code", &Retry::code);
  v.text("text", &Retry::text);
  v.flag("dry_run", &Retry::dry_run);
}

template <typename V>
void describe(V& v, Of<Pause>) {
  v.number("token", &Pause::token);
  v.uuid("job", &Pause::job);
  v.number("number", &Pause::number);
  v.flag("resume", &Pause::resume);
}

template <typename V>
void describe(V& v, Of<Query>) {
  v.number("token", &Query::token);
  v.word("what", &Query::what);
  v.uuid("job", &Query::job);
  v.number("number", &Query::number);
  v.number("limit", &Query::limit);
  v.number("before", &Query::before);
  v.name("after", &Query::after);
  v.words("states", &Query::states);
  v.name("function", &Query::function);
  v.name("owner", &Query::owner);
  v.name("name", &Query::name);
  v.name("text", &Query::text);
  v.number("cursor", &Query::cursor);
  v.number("skip", &Query::skip);
}

template <typename V>
void describe(V& v, Of<Schedule>) {
  v.number("token", &Schedule::token);
  v.word("action", &Schedule::action);
  v.name("name", &Schedule::name);
  v.name("owner", &Schedule::owner);
  v.name("cron", &Schedule::cron);
  v.name("zone", &Schedule::zone);
  v.word("missed", &Schedule::missed);
  v.word("overlap", &Schedule::overlap);
  v.object("job", &Schedule::job);
}

template <typename V>
void describe(V& v, Of<Drain>) {
  v.number("token", &Drain::token);
  v.name("worker", &Drain::worker);
}

// ---- broker -> client

template <typename V>
void describe(V& v, Of<Accepted>) {
  v.uuid("job", &Accepted::job);
  v.number("number", &Accepted::number);
  v.number("accepted_to", &Accepted::accepted_to, kTaskCount);
  v.number("credit_to", &Accepted::credit_to);
  v.flag("existing", &Accepted::existing);
  v.uuid("submitted", &Accepted::submitted);
  v.flag("compare", &Accepted::compare);
}

template <typename V>
void describe(V& v, Of<Results>) {
  v.uuid("job", &Results::job);
  v.number("seq", &Results::seq);
  v.word("encoding", &Results::encoding);
  v.intervals("tasks", &Results::tasks);
  v.list("errors", &Results::errors);
  v.intervals("written", &Results::written);
  v.batch(&Results::batch);
}

template <typename V>
void describe(V& v, Of<JobUpdate>) {
  v.number("token", &JobUpdate::token);
  v.object("status", &JobUpdate::status);
  v.number("entries", &JobUpdate::entries);
  v.flag("reduced", &JobUpdate::reduced);
  v.part("has_value", &JobUpdate::has_value, &JobUpdate::value);
  v.number("touched", &JobUpdate::touched);
}

template <typename V>
void describe(V& v, Of<Answer>) {
  v.number("token", &Answer::token);
  v.list("jobs", &Answer::jobs);
  v.list("workers", &Answer::workers);
  v.list("text", &Answer::text);
  v.object("broker", &Answer::broker);
  v.number("before", &Answer::before);
  v.name("after", &Answer::after);
  v.list("errors", &Answer::errors);
  v.number("cursor", &Answer::cursor);
  v.number("skip", &Answer::skip);
  v.list("tasks", &Answer::tasks);
  v.list("notes", &Answer::notes);
  v.list("schedules", &Answer::schedules);
}

// ---- broker -> worker

template <typename V>
void describe(V& v, Of<Lease>) {
  v.id("lease", &Lease::lease);
  v.uuid("job", &Lease::job);
  v.number("number", &Lease::number);
  v.name("function", &Lease::function);
  v.word("kind", &Lease::kind);
  v.word("encoding", &Lease::encoding);
  v.name("reduce", &Lease::reduce);
  v.intervals("tasks", &Lease::tasks);
  v.flag("indexed", &Lease::indexed);
  v.number("base", &Lease::base);
  v.number("total", &Lease::total, kTaskCount);
  v.number("attempt", &Lease::attempt);
  v.number("attempts", &Lease::attempts);
  v.number("timeout_ms", &Lease::timeout_ms, Bounds{0, kTimeoutMsMax});
  v.flag("once", &Lease::once);
  v.flag("nested", &Lease::nested);
  v.flag("common", &Lease::common);
  v.batch(&Lease::batch);
}

template <typename V>
void describe(V& v, Of<Common>) {
  v.uuid("job", &Common::job);
  v.list("blobs", &Common::blobs);
  v.names("metadata", &Common::metadata);
  v.body(&Common::bytes);
}

template <typename V>
void describe(V& v, Of<Blob>) {
  v.name("blob", &Blob::blob);
  v.number("chunk", &Blob::chunk, kTaskCount);
  v.number("chunks", &Blob::chunks, kTaskCount);
  v.text("why", &Blob::why);
  v.number("token", &Blob::token);
  v.uuid("job", &Blob::job);
  v.body(&Blob::bytes);
}

template <typename V>
void describe(V& v, Of<Forget>) {
  v.list("jobs", &Forget::jobs);
}

template <typename V>
void describe(V& v, Of<Reported>) {
  v.list("reports", &Reported::reports);
}

template <typename V>
void describe(V& v, Of<Reclaim>) {
  v.id("lease", &Reclaim::lease);
  v.number("want", &Reclaim::want);
}

template <typename V>
void describe(V& v, Of<Revoke>) {
  v.list("leases", &Revoke::leases);
}

// ---- worker -> broker

template <typename V>
void describe(V& v, Of<Report>) {
  v.id("id", &Report::id);
  v.flag("last", &Report::last);
  v.flag("partial", &Report::partial);
  v.intervals("tasks", &Report::tasks);
  v.list("errors", &Report::errors);
  v.intervals("written", &Report::written);
  v.number("busy_us", &Report::busy_us);
  v.batch(&Report::batch);
}

template <typename V>
void describe(V& v, Of<Reclaimed>) {
  v.id("lease", &Reclaimed::lease);
  v.intervals("tasks", &Reclaimed::tasks);
}

template <typename V>
void describe(V& v, Of<Fetch>) {
  v.uuid("job", &Fetch::job);
  v.name("blob", &Fetch::blob);
  v.number("chunk", &Fetch::chunk, kTaskCount);
  v.number("token", &Fetch::token);
}

template <typename V>
void describe(V&, Of<Draining>) {}

template <typename V>
void describe(V& v, Of<Notes>) {
  v.id("lease", &Notes::lease);
  v.list("notes", &Notes::notes);
}

template <typename V>
void describe(V& v, Of<Wait>) {
  v.id("lease", &Wait::lease);
  v.uuid("job", &Wait::job);
}

}  // namespace quern::wire
