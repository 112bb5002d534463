// Reading a store's jobs back.
#include <algorithm>
#include <ctime>
#include <map>

#include "broker/actors/checksum.hpp"
#include "broker/actors/sqlite_store.hpp"
#include "broker/actors/store_columns.hpp"
#include "wire/words.hpp"

namespace quern::broker {
namespace {

[[noreturn]] void corrupt(const Database& database, std::uint64_t job, const char* what) {
  throw StoreError(StoreError::Kind::corrupt,
                   database.path() + ": job " + std::to_string(job) + ": " + what +
                       " is invalid; run `quern-broker --check-store`, and restore a backup");
}

/// Columns of one row, each checked.
class Row {
 public:
  Row(Database& database, Statement& statement) : database_(database), s_(statement) {}
  std::uint64_t job = 0;

  std::string text() { return std::string(s_.text()); }
  template <typename Enum>
  Enum word(const char* what) {
    const auto found = wire::from_word<Enum>(s_.text());
    if (!found) corrupt(database_, job, what);
    return *found;
  }
  template <typename T>
  T checked(std::optional<T> read, const char* what) {
    if (!read) corrupt(database_, job, what);
    return std::move(*read);
  }

 private:
  Database& database_;
  Statement& s_;
};

RecoveredJob read_job(Database& database, Statement& s) {
  Row row(database, s);
  RecoveredJob out;
  JobBirth& b = out.birth;
  JobProgress& p = out.progress;
  row.job = s.number();
  b.number = p.job = JobNumber{row.job};
  b.uuid = row.checked(uuid_in(s.text()), "uuid");
  b.options.name = row.text();
  b.function = row.text();
  b.input = row.word<InputKind>("input");
  b.range_begin = s.integer();
  b.range_end = s.integer();
  b.principal = row.text();
  b.options.priority = static_cast<std::int32_t>(s.integer());
  b.options.weight = s.real();
  b.options.attempts = static_cast<std::uint32_t>(s.number());
  b.options.backoff_ms = static_cast<std::uint32_t>(s.number());
  b.options.timeout_ms = s.number();
  b.options.detach = p.detach = s.number() != 0;
  b.options.unique = row.text();
  b.options.reduce = row.text();
  b.options.cost = s.real();
  b.options.durability = Durability::durable;
  p.state = row.word<JobState>("state");
  p.reason = row.text();
  p.failure = row.word<ErrorCode>("failure");
  p.paused = s.number() != 0;
  p.open = s.number() != 0;
  p.encoding = row.word<Encoding>("encoding");
  p.accepted = s.number();
  p.accepted_bytes = s.number();
  p.input_digest = s.number();
  p.total = s.number();
  p.frontier = s.number();
  p.ended = row.checked(intervals_in(s.text()), "ended");
  p.failed = row.checked(intervals_in(s.text()), "failed");
  p.done = s.number();
  p.cancelled = s.number();
  p.retried = s.number();
  p.attempts = row.checked(counted_in(s.text()), "failures");
  p.crashes = row.checked(counted_in(s.text()), "crashes");
  p.results_begin = s.number();
  p.results_end = s.number();
  p.waited_us = s.number();
  p.ran_us = s.number();
  // If the clock was set back, ages must not become negative.
  out.age = std::chrono::seconds(
      std::max<std::int64_t>(0, std::int64_t{std::time(nullptr)} - s.integer()));
  if (!s.is_null()) {
    Decision d;
    d.takes = row.word<Takes>("takes");
    d.encoding = row.word<Encoding>("result_encoding");
    d.divisible = s.number() != 0;
    d.finish = s.number() != 0;
    d.reduce = row.text();
    d.sentence = row.text();
    p.decision = std::move(d);
  } else {
    for (int i = 0; i < 6; ++i) s.skip();
  }
  if (!s.is_null()) p.value = wire::Buffer::copy(s.blob());
  return out;
}

}  // namespace

namespace {

void read_option(JobBirth& birth, const std::string& name, std::uint64_t number) {
  if (name == "idempotent") birth.options.idempotent = number != 0;
  if (name == "at_most_once") birth.options.at_most_once = number != 0;
  if (name == "unique_any") birth.options.unique_any = number != 0;
  if (name == "ttl_s") birth.options.ttl_s = number;
  if (name == "deadline_ms") birth.options.deadline_ms = number;
  if (name == "start_at_ms") birth.options.start_at_ms = number;
  if (name == "shape") birth.input_shape = number;
  if (name == "intermediate") birth.options.intermediate = number != 0;
  if (name == "nested") birth.options.nested = number != 0;
  if (name == "join") birth.join = static_cast<Join>(number);
  if (name == "values") birth.values = static_cast<Encoding>(number);
}

/// The rows of one job's edges come in any order.
void read_edge(Database& database, JobBirth& birth, const std::string& name,
               std::string_view column) {
  const std::size_t at = std::strtoull(name.c_str(), nullptr, 10);
  auto edge = edge_in(column);
  if (!edge || at >= wire::kListMax) corrupt(database, value(birth.number), "an edge");
  if (birth.edges.size() <= at) birth.edges.resize(at + 1);
  birth.edges[at] = *edge;
}

}  // namespace

std::vector<RecoveredJob> read_jobs(Database& database) {
  std::vector<RecoveredJob> jobs;
  std::map<std::uint64_t, std::size_t> at;
  Statement all(
      database,
      "SELECT number, uuid, name, function, input, range_begin, range_end, principal, priority, "
      "weight, attempts, backoff_ms, "
      "timeout_ms, detach, unique_key, reduce_asked, cost, state, reason, failure, paused, open, "
      "encoding, "
      "accepted, accepted_bytes, input_digest, "
      "total, frontier, ended, failed, done, cancelled, retried, failures, crashes, results_begin, "
      "results_end, waited_us, ran_us, created_at, takes, "
      "result_encoding, divisible, finish, reduce, decision, value FROM jobs ORDER BY number");
  while (all.step()) {
    jobs.push_back(read_job(database, all));
    at.emplace(value(jobs.back().birth.number), jobs.size() - 1);
  }
  // Rows of dropped jobs wait to be deleted, and are ignored.
  const auto owner = [&](std::uint64_t number) -> RecoveredJob* {
    auto it = at.find(number);
    return it == at.end() ? nullptr : &jobs[it->second];
  };

  Statement needs(database, "SELECT job, kind, name, value FROM needs");
  while (needs.step()) {
    RecoveredJob* job = owner(needs.number());
    if (!job) continue;
    const std::string kind(needs.text()), name(needs.text());
    if (kind == "label")
      job->birth.options.require[name] = std::string(needs.text());
    else if (kind == "metadata")
      job->birth.options.metadata[name] = std::string(needs.text());
    else if (kind == "blob")
      job->birth.options.blobs.push_back(name);
    else if (kind == "option")
      read_option(job->birth, name, needs.number());
    else if (kind == "edge")
      read_edge(database, job->birth, name, needs.text());
    else
      job->birth.options.resources[name] = needs.real();
  }
  Statement commons(database, "SELECT job, bytes, checksum FROM commons");
  while (commons.step()) {
    RecoveredJob* job = owner(commons.number());
    if (!job) continue;
    const std::string_view bytes = commons.blob();
    job->birth.common = wire::Buffer::copy(bytes);
    if (!commons.is_null() && commons.integer() != checksum_of({bytes}))
      corrupt(database, value(job->birth.number), "its common input");
  }
  Statement links(database, "SELECT job, bytes, checksum FROM links");
  while (links.step()) {
    RecoveredJob* job = owner(links.number());
    if (!job) continue;
    const std::string_view bytes = links.blob();
    job->birth.links = wire::Buffer::copy(bytes);
    if (links.integer() != checksum_of({bytes}))
      corrupt(database, value(job->birth.number), "the links between its tasks");
  }
  Statement parents(database, "SELECT job, parent, task, incarnation, lease, depth FROM parents");
  while (parents.step()) {
    RecoveredJob* job = owner(parents.number());
    if (!job) continue;
    ParentTask& parent = job->birth.parent.emplace();
    parent.job = JobNumber{parents.number()};
    parent.task = parents.number();
    parent.lease.incarnation = parents.number();
    parent.lease.counter = parents.number();
    parent.depth = static_cast<std::uint32_t>(parents.number());
    if (parent.depth == 0 || parent.depth > wire::kNestingDepthMax)
      corrupt(database, value(job->birth.number), "the task that submitted it");
  }
  Statement inputs(database,
                   "SELECT job, first, count, weight, costs FROM inputs WHERE job NOT IN (SELECT "
                   "job FROM dropped) ORDER BY job, first");
  while (inputs.step()) {
    RecoveredJob* job = owner(inputs.number());
    if (!job) continue;
    Row row(database, inputs);
    row.job = value(job->birth.number);
    StoredInput input;
    input.first = inputs.number();
    input.count = inputs.number();
    input.weight = inputs.number();
    if (!inputs.is_null()) {
      input.costs = row.checked(costs_in(inputs.blob()), "costs");
      if (input.costs.size() != input.count) corrupt(database, row.job, "the costs of its tasks");
    }
    job->inputs.push_back(std::move(input));
  }
  Statement results(database,
                    "SELECT job, seq, tasks, errors, count, length(sizes) + length(bytes) FROM "
                    "results ORDER BY job, seq");
  while (results.step()) {
    const std::uint64_t number = results.number();
    RecoveredJob* job = owner(number);
    if (!job) continue;
    Row row(database, results);
    row.job = number;
    RecoveredResult result;
    result.seq = results.number();
    if (!tasks_in(results.text(), result.entry)) corrupt(database, number, "the tasks of a result");
    result.entry.errors = row.checked(errors_in(results.blob()), "errors of a result");
    const std::uint64_t count = results.number();
    if (count != wire::size(result.entry.tasks) + wire::size(result.entry.written))
      corrupt(database, number, "a result");
    result.batch_weight = results.number();
    const std::uint64_t expected = job->progress.results_begin + job->results.size();
    if (result.seq != expected) corrupt(database, number, "the order of its results");
    job->results.push_back(std::move(result));
  }
  for (const RecoveredJob& job : jobs)
    if (job.progress.results_begin + job.results.size() != job.progress.results_end)
      corrupt(database, value(job.birth.number), "the number of its results");
  Statement partials(database,
                     "SELECT job, first, end, value, checksum FROM partials ORDER BY job, first");
  while (partials.step()) {
    RecoveredJob* job = owner(partials.number());
    if (!job) continue;
    const std::uint64_t first = partials.number(), end = partials.number();
    job->partials.push_back({{first, end}, Bytes(partials.blob())});
    if (!partials.is_null() && partials.integer() != checksum_of({job->partials.back().value}))
      corrupt(database, value(job->birth.number), "a partial result");
  }
  return jobs;
}

}  // namespace quern::broker
