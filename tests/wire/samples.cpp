#include "wire/samples.hpp"

#include <stdexcept>
#include <utility>

namespace quern::wire::test {
namespace {

constexpr SessionId kSession{0x1122334455667788};
constexpr LeaseId kLease{0xa1b2c3d4e5f60718, 42};

Capacity capacity() {
  return {.slots = 8,
          .cores = 3.5,
          .idle = 0.25,
          .load = 1.5,
          .memory_free = 8ULL << 30,
          .busy = 3,
          .stuck = 1};
}

FunctionDecl function_decl() {
  return {.name = "sum",
          .takes = Takes::range,
          .encoding = Encoding::value,
          .reduce = "sum",
          .finish = true,
          .rate = 1.5e6,
          .idempotent = true,
          .max_lease = 1000,
          .people = true};
}

TaskError failed_run() {
  return {.first = 7, .count = 2, .code = ErrorCode::timeout, .text = "over 5 s"};
}

JobStatus job_status() {
  JobStatus s;
  s.uuid = uuid_of(0x11);
  s.number = JobNumber{12};
  s.name = "squares";
  s.paused = true;
  s.function = "square";
  s.owner = "anonymous";
  s.input = InputKind::items;
  s.decision = "divisible: items, and square takes one item";
  s.divisible = true;
  s.reduce = "max";
  s.encoding = Encoding::value;
  s.state = JobState::running;
  s.reason = "no worker offers it";
  s.failure = ErrorCode::lost_worker;
  s.open = true;
  s.total = 1000;
  s.pending = 500;
  s.leased = 200;
  s.done = 250;
  s.failed = 49;
  s.cancelled = 1;
  s.priority = -2;
  s.weight = 2.5;
  s.durability = Durability::durable;
  s.detached = true;
  s.attempts = 5;
  s.idempotent = true;
  s.at_most_once = true;
  s.kept_us = 3'600'000'000;
  s.retried = 6;
  s.age_us = 7'000'000;
  s.run_us = 6'500'000;
  s.rate = 1234.5;
  s.eta_s = 12.25;
  s.eta_error_s = 1.5;
  s.copies = 3;
  s.wasted_s = 0.75;
  s.blocked = 4;
  s.edges = {JobEdge{{}, JobNumber{11}, EdgePattern::group, 2, 1, true}};
  s.consumers = {13, 14};
  s.queued_bytes = 8000;
  s.result_bytes = 9000;
  s.workers = 1;
  s.deadline_ms = 60'000;
  s.start_at_ms = 1'796'000'000'000;
  s.metadata = {{"experiment", "7"}};
  s.nested = true;
  s.parent = JobNumber{10};
  s.parent_task = 3;
  s.children = {15, 16};
  s.waiting_tasks = 2;
  s.shares = {
      {.worker = "left", .leases = 3, .tasks = 100, .busy_us = 90'000, .rate = 1111.5, .slots = 2}};
  s.spans = {{.worker = "left",
              .lane = 1,
              .begin_us = 1000,
              .end_us = 91'000,
              .first = 5,
              .tasks = 100,
              .outcome = "done"}};
  return s;
}

WorkerStatus worker_status() {
  WorkerStatus w;
  w.id = 99;
  w.name = "left";
  w.state = "busy";
  w.reason = "for a reason";
  w.capacity = capacity();
  w.functions = {function_decl()};
  w.rates = {{.function = "sum",
              .rate = 2e6,
              .uncertainty = 0.25,
              .leases = 4,
              .tasks = 4000,
              .busy_us = 2000}};
  w.labels = {{"os", "linux"}};
  w.resources = {{"gpu", 2}};
  w.leases = 2;
  w.tasks_done = 4000;
  w.silent_us = 250'000;
  w.connected_us = 60'000'000;
  w.principal = "lab3";
  return w;
}

BrokerStatus broker_status() {
  return {.software = "quern 0.1.0",
          .uptime_us = 5'000'000,
          .clients = 2,
          .workers = 3,
          .jobs = 4,
          .memory_used = 1 << 20,
          .memory_limit = 1 << 30,
          .malformed = 5,
          .refused = 6,
          .late = 7,
          .tasks_pending = 8,
          .tasks_leased = 9,
          .jobs_waiting = 10,
          .jobs_running = 11,
          .jobs_paused = 12,
          .jobs_done = 13,
          .jobs_failed = 14,
          .jobs_cancelled = 15,
          .workers_idle = 16,
          .workers_busy = 17,
          .workers_draining = 18,
          .workers_stuck = 19,
          .workers_lost = 20,
          .functions = {{"square", 21, 22, 23, 24, 25, 26}},
          .lease_seconds = {{1, 0, 300}, 2.5},
          .wait_seconds = {{4}, 0.5}};
}

Hello hello_client() {
  Hello m;
  m.protocol_max = 3;
  m.identity = uuid_of(0x01);
  m.name = "notebook";
  m.software = "quern 0.1.0";
  m.jobs = {{.job = uuid_of(0x11), .cursor = 5}};
  return m;
}

Hello hello_worker() {
  Hello m;
  m.role = Role::worker;
  m.identity = uuid_of(0x02);
  m.name = "left";
  m.software = "quern 0.1.0";
  WorkerOffer offer;
  FunctionDecl echo;
  echo.name = "echo";
  offer.functions = {function_decl(), echo};
  offer.reducers = {{.name = "merge_counts",
                     .encoding = Encoding::raw,
                     .has_identity = true,
                     .identity = Bytes("\x80", 1)}};
  offer.labels = {{"os", "linux"}, {"room", "b 12"}};
  offer.resources = {{"gpu", 2}};
  offer.capacity = capacity();
  offer.credit_bytes = 1 << 20;
  offer.held = {{.lease = kLease,
                 .job = uuid_of(0x11),
                 .tasks = {{3, 5}, {9, 10}},
                 .finished = true,
                 .kind = LeaseKind::range,
                 .attempt = 2}};
  offer.draining = true;
  offer.plugins = {"libcube.so blake2b:00"};
  m.worker = std::move(offer);
  return m;
}

/// An unknown protocol version, with nothing else in it that could fail.
Hello hello_foreign() {
  Hello m;
  m.protocol_min = 98;
  m.protocol_max = 99;
  return m;
}

Welcome welcome() {
  Welcome m;
  m.protocol = 2;
  m.incarnation = kLease.incarnation;
  m.software = "quern 0.1.0";
  m.beat_busy_ms = 500;
  m.beat_idle_ms = 2500;
  m.lost_busy_ms = 1500;
  m.lost_idle_ms = 7500;
  m.item_bytes_max = 1 << 25;
  m.report_window = 1 << 24;
  m.store = true;
  m.dropped = {kLease, {1, 2}};
  m.jobs = {{.job = uuid_of(0x11),
             .known = true,
             .number = JobNumber{12},
             .accepted_to = 1000,
             .credit_to = 1 << 20}};
  return m;
}

Submit submit_two_raw_items() {
  Submit m;
  m.job = uuid_of(0x11);
  m.function = "echo";
  m.input = InputKind::items;
  m.batch = batch_of({"hello", "quern!"});
  return m;
}

JobOptions options() {
  JobOptions o;
  o.name = "squares";
  o.priority = -1;
  o.weight = 2;
  o.attempts = 7;
  o.backoff_ms = 250;
  o.timeout_ms = 5000;
  o.detach = true;
  o.durability = Durability::durable;
  o.unique = "nightly";
  o.reduce = "sum";
  o.cost = 1.5;
  o.require = {{"os", "linux"}};
  o.resources = {{"gpu", 1}};
  o.blobs = {std::string(64, 'a')};
  o.idempotent = true;
  o.at_most_once = true;
  o.unique_any = true;
  o.ttl_s = 604'800;
  o.deadline_ms = 60'000;
  o.metadata = {{"experiment", "7"}};
  o.nested = true;
  return o;
}

Submit submit_full() {
  Submit m = submit_two_raw_items();
  m.function = "square";
  m.encoding = Encoding::value;
  m.open = true;
  m.options = options();
  m.window = 1 << 16;
  m.watch_ms = 200;
  m.has_common = true;
  m.common = Buffer::copy("model");
  m.batch = batch_of({"\x01", "\xcd\x01\x02", "\x03"});
  m.costs = {1, 0.5F, 2};
  return m;
}

Submit submit_links() {
  Submit m;
  m.job = uuid_of(0x13);
  m.function = "add";
  m.input = InputKind::items;
  m.encoding = Encoding::value;
  m.options.intermediate = true;
  JobEdge list;
  list.uuid = uuid_of(0x11);
  list.pattern = EdgePattern::list;
  JobEdge after;
  after.number = JobNumber{12};
  after.pattern = EdgePattern::after;
  after.ended = true;
  m.edges = {list, after};
  m.join = Join::array;
  m.has_links = true;
  m.links = Buffer::copy("links");
  return m;
}

Submit submit_nested() {
  Submit m;
  m.job = uuid_of(0x15);
  m.function = "fib";
  m.input = InputKind::items;
  m.encoding = Encoding::value;
  m.options.nested = true;
  m.batch = batch_of({"\x08", "\x07"});
  m.lease = kLease;
  m.task = 3;
  return m;
}

Submit submit_group() {
  Submit m;
  m.job = uuid_of(0x14);
  m.function = "echo";
  m.input = InputKind::items;
  JobEdge edge;
  edge.number = JobNumber{12};
  edge.pattern = EdgePattern::group;
  edge.width = 3;
  edge.step = 2;
  m.edges = {edge};
  return m;
}

Submit submit_range() {
  Submit m;
  m.job = uuid_of(0x12);
  m.function = "sum";
  m.input = InputKind::range;
  m.range_begin = -5;
  m.range_end = 1'000'000'000'000;
  return m;
}

Append append() {
  Append m;
  m.job = uuid_of(0x11);
  m.first = 1000;
  m.close = true;
  m.batch = batch_of({"", "abc"});
  m.costs = {0, 3};
  return m;
}

Append append_batch() {
  Append m;
  m.token = 9;
  m.number = JobNumber{12};
  m.first = 7;
  m.batch = batch_of({"abc"});
  return m;
}

Results results() {
  Results m;
  m.job = uuid_of(0x11);
  m.seq = 3;
  m.encoding = Encoding::value;
  m.tasks = {{0, 2}, {5, 6}};
  m.errors = {failed_run(),
              {.first = 9, .count = 1, .code = ErrorCode::failed, .text = "K\xc3\xa4se"}};
  m.written = {{9, 10}};
  m.batch = batch_of({"\x01", "\x02", "\x03", "grated"});
  return m;
}

JobUpdate job_update() {
  JobUpdate m;
  m.token = 4;
  m.status = job_status();
  m.entries = 17;
  m.reduced = true;
  m.has_value = true;
  m.value = Buffer::copy("\xcd\x13\xba");
  m.touched = 6;
  return m;
}

Answer answer_tasks() {
  Answer m;
  m.token = 4;
  m.tasks = {{0, 10, TaskState::done}, {10, 2, TaskState::leased, "left", 2}};
  m.cursor = 12;
  return m;
}

TaskNote note() {
  return {.task = 3, .progress = 0.25, .text = "epoch 2", .worker = "left", .age_us = 1500};
}

Answer answer_notes() {
  Answer m;
  m.token = 4;
  m.notes = {{.task = 3, .text = "started", .worker = "left", .age_us = 2500}, note()};
  return m;
}

Answer answer() {
  Answer m;
  m.token = 4;
  m.jobs = {job_status(), {}};
  m.workers = {worker_status()};
  m.text = {"2 workers are busy.", "1 is draining."};
  m.broker = broker_status();
  m.before = JobNumber{11};
  m.after = "left";
  m.errors = {{ErrorCode::failed, "line <n>", 3, 1, 9, "line 7"}};
  m.cursor = 3;
  m.skip = 4;
  return m;
}

Lease lease_items() {
  Lease m;
  m.lease = kLease;
  m.job = uuid_of(0x11);
  m.number = JobNumber{12};
  m.function = "square";
  m.kind = LeaseKind::whole;
  m.encoding = Encoding::value;
  m.reduce = "sum";
  m.tasks = {{3, 5}, {9, 10}};
  m.total = 1000;
  m.attempt = 2;
  m.attempts = 3;
  m.timeout_ms = 5000;
  m.once = true;
  m.common = true;
  m.batch = batch_of({"\x01", "\x02", "\x03"});
  return m;
}

Lease lease_range() {
  Lease m;
  m.lease = kLease;
  m.job = uuid_of(0x12);
  m.function = "sum";
  m.kind = LeaseKind::range;
  m.reduce = "sum";
  m.tasks = {{1000, 2000}};
  m.indexed = true;
  m.base = -5;
  m.nested = true;
  return m;
}

Lease lease_merge() {
  Lease m;
  m.lease = kLease;
  m.job = uuid_of(0x11);
  m.function = "merge_counts";
  m.kind = LeaseKind::merge;
  m.tasks = {{0, 9}};
  m.batch = batch_of({"left", "right"});
  return m;
}

Report report() {
  Report m;
  m.id = {kLease, 3};
  m.last = true;
  m.tasks = {{3, 5}};
  m.errors = {failed_run()};
  m.written = {{8, 9}};
  m.busy_us = 1234;
  m.batch = batch_of({"nine", "sixteen", "said before it failed"});
  return m;
}

Report report_partial() {
  Report m;
  m.id = {kLease, 0};
  m.partial = true;
  m.tasks = {{3, 5}, {9, 12}};
  m.batch = batch_of({"\x07", "\xcc\xff"});
  return m;
}

Query query() {
  Query m{4, QueryWhat::explain, uuid_of(0x11), JobNumber{12}, 10, JobNumber{9}, "left"};
  m.states = {JobState::running, JobState::failed};
  m.function = "square";
  m.owner = "lab3";
  m.name = "night*";
  m.text = "disk";
  m.cursor = 3;
  m.skip = 4;
  return m;
}

Submit submit_later() {
  Submit m;
  m.job = uuid_of(0x11);
  m.function = "echo";
  m.options.start_at_ms = 1'796'000'000'000;
  m.batch = batch_of({"a"});
  return m;
}

Submit submit_delayed() {
  Submit m = submit_later();
  m.options.start_in_ms = std::exchange(m.options.start_at_ms, 0) / 1'000'000;
  return m;
}

Schedule schedule() {
  Schedule m;
  m.token = 5;
  m.action = ScheduleAction::replace;
  m.name = "nightly";
  m.cron = "30 2 * * *";
  m.zone = "Europe/Zurich";
  m.missed = Missed::skip;
  m.overlap = Overlap::queue;
  m.job.emplace();
  m.job->job = uuid_of(0x11);
  m.job->function = "echo";
  m.job->input = InputKind::items;
  m.job->options.detach = true;
  m.job->has_common = true;
  m.job->common = Buffer::copy("model");
  m.job->batch = batch_of({"rye", "oat"});
  return m;
}

Answer answer_schedules() {
  Answer m;
  m.token = 5;
  ScheduleStatus one;
  one.name = "nightly";
  one.owner = "operator";
  one.cron = "30 2 * * *";
  one.zone = "Europe/Zurich";
  one.missed = Missed::skip;
  one.overlap = Overlap::queue;
  one.function = "echo";
  one.next_ms = 1'796'000'000'000;
  one.runs = {{1'795'000'000'000, 1'795'000'000'007, JobNumber{12}, RunOutcome::ran, ""},
              {1'794'000'000'000, 1'794'000'000'003, JobNumber{}, RunOutcome::skipped,
               "job 11 of an earlier due time had not ended"}};
  m.schedules.push_back(one);
  ScheduleStatus paused;
  paused.name = "hourly";
  paused.paused = true;
  m.schedules.push_back(paused);
  m.cursor = 9;
  return m;
}

std::vector<Sample> make_samples() {
  const auto open = [](std::string name, Message m) {
    return Sample{std::move(name), {SessionId{}, std::move(m)}};
  };
  const auto in = [](std::string name, Message m) {
    return Sample{std::move(name), {kSession, std::move(m)}};
  };
  return {
      open("hello_client", hello_client()),
      open("hello_worker", hello_worker()),
      open("hello_foreign", hello_foreign()),
      in("welcome", welcome()),
      open("refused", Refused{ErrorCode::version, "no common version", 2, 4}),
      open("hello_again", HelloAgain{}),
      in("error", ErrorMessage{ErrorCode::queue_full, "4 GiB are queued", uuid_of(0x11), 9, true}),
      in("beat",
         Beat{true,
              capacity(),
              {{.function = "sum", .rate = 2e6, .leases = 4, .tasks = 4000, .busy_us = 2000}}}),
      in("bye", Bye{ErrorCode::cancelled, "the user left"}),
      open("enrol", Enrol{"lab3", "secret"}),
      open("enrolled", Enrolled{"lab3", "work"}),
      in("submit_two_raw_items", submit_two_raw_items()),
      in("submit_full", submit_full()),
      in("submit_links", submit_links()),
      in("submit_group", submit_group()),
      in("submit_nested", submit_nested()),
      in("submit_range", submit_range()),
      in("append", append()),
      in("attach",
         Attach{4, uuid_of(0x11), JobNumber{12}, 5, 1 << 16, 200, true, 0xcbf29ce484222325, 3}),
      in("ack", Ack{uuid_of(0x11), 6, true}),
      in("retry",
         Retry{5, uuid_of(0x11), JobNumber{12}, {{0, 5}}, ErrorCode::timeout, "over 5 s", true}),
      in("append_batch", append_batch()),
      in("schedule", schedule()),
      in("schedule_remove", Schedule{6, ScheduleAction::remove, "nightly", "operator"}),
      in("pause", Pause{5, uuid_of(0x11), JobNumber{12}, true}),
      in("cancel", Cancel{4, uuid_of(0x11), JobNumber{12}, {{0, 5}, {100, 200}}, true, true, true}),
      in("query", query()),
      in("drain", Drain{4, "left"}),
      in("accepted",
         Accepted{uuid_of(0x11), JobNumber{12}, 1000, 1 << 20, true, uuid_of(0x12), true}),
      in("results", results()),
      in("job", job_update()),
      in("answer", answer()),
      in("answer_tasks", answer_tasks()),
      in("answer_notes", answer_notes()),
      in("answer_schedules", answer_schedules()),
      in("submit_later", submit_later()),
      in("submit_delayed", submit_delayed()),
      in("lease_items", lease_items()),
      in("lease_range", lease_range()),
      in("lease_merge", lease_merge()),
      in("common", Common{uuid_of(0x11),
                          Buffer::copy("model"),
                          {std::string(64, 'a'), std::string(64, '5')},
                          {{"experiment", "7"}}}),
      in("blob", Blob{std::string(64, 'a'), 3, 8, "", Buffer::copy("octets")}),
      in("blob_read",
         Blob{std::string(64, 'a'), 3, 8, "", Buffer::copy("octets"), 21, uuid_of(0x11)}),
      in("blob_gone", Blob{std::string(64, 'a'), 0, 0, "it was forgotten", {}}),
      in("forget", Forget{{uuid_of(0x11), uuid_of(0x12)}}),
      in("reported", Reported{{{kLease, 0}, {kLease, 1}}}),
      in("reclaim", Reclaim{kLease, 100}),
      in("revoke", Revoke{{kLease, {1, 2}}}),
      in("report", report()),
      in("report_partial", report_partial()),
      in("reclaimed", Reclaimed{kLease, {{90, 100}}}),
      in("draining", Draining{}),
      in("fetch", Fetch{uuid_of(0x11), std::string(64, 'a'), 3}),
      in("fetch_read", Fetch{{}, std::string(64, 'a'), 3, 21}),
      in("notes", Notes{kLease, {{.task = 3, .text = "started"}, {.task = 3, .progress = 0.25}}}),
      in("wait", Wait{kLease, uuid_of(0x15)}),
  };
}

}  // namespace

const std::vector<Sample>& samples() {
  static const std::vector<Sample> all = make_samples();
  return all;
}

const Envelope& sample(const std::string& name) {
  for (const auto& s : samples())
    if (s.name == name) return s.envelope;
  throw std::out_of_range("no sample " + name);
}

Uuid uuid_of(std::uint8_t byte) {
  Uuid uuid;
  uuid.bytes.fill(byte);
  return uuid;
}

Batch batch_of(std::initializer_list<BytesView> payloads) {
  BatchBuilder builder;
  for (const auto payload : payloads) builder.add(payload);
  return builder.take();
}

}  // namespace quern::wire::test
