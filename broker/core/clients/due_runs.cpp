#include "broker/core/clients/due_runs.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "broker/core/access/access.hpp"
#include "broker/core/schedules/due_job.hpp"

namespace quern::broker {
namespace {

using std::chrono::seconds;

// A run that is not later than this is in time: a broker that was restarted has missed nothing.
constexpr std::int64_t kInTimeMs = 60'000;
// Due times that have passed are counted up to here.
constexpr std::uint64_t kCountedMost = 1000;
// So many due times are remembered at least, and all whose jobs have not ended.
constexpr std::size_t kRunsKept = 100;
// Jobs of one schedule that wait for each other.
constexpr std::size_t kQueuedMost = 100;
// Due times that are handled in one settle().
constexpr int kAtOnce = 100;
// The files of schedules are kept by asking for them more often than idle files are dropped.
constexpr seconds kFilesKept{60};

std::string number_of(const Job& job) { return std::to_string(value(job.number)); }

}  // namespace

std::optional<Time> DueRuns::next() const {
  const auto first = table_.first_due();
  if (!first) return std::nullopt;
  const Time look = context_.now + kWallClockLook;
  // What is due waits until the store can write.
  return commits_.trouble().empty() ? std::min(context_.time_of(first->first), look) : look;
}

void DueRuns::run() {
  if (table_.all().empty()) return;
  keep_files();
  if (!commits_.trouble().empty()) return;  // what comes due meanwhile is missed
  for (int n = 0; n < kAtOnce; ++n) {
    const auto first = table_.first_due();
    if (!first || first->first > context_.wall_ms()) return;
    handle(*table_.find(first->second));
  }
}

void DueRuns::keep_files() {
  if (files_kept_ && context_.now - *files_kept_ < kFilesKept) return;
  files_kept_ = context_.now;
  for (const auto& [id, entry] : table_.all())
    blobs_.want(entry.record.owner, entry.record.definition.job->options.blobs, context_.now);
}

DueRuns::Due DueRuns::due_of(const ScheduleEntry& entry) const {
  const std::int64_t wall = context_.wall_ms();
  const auto after = [&](std::int64_t ms) -> std::optional<std::int64_t> {
    const auto next = entry.cron.next(ms / 1000, *entry.zone);
    return next ? std::optional(*next * 1000) : std::nullopt;
  };
  Due due{*entry.next_ms, 0};
  while (due.earlier < kCountedMost) {
    const auto next = after(due.latest_ms);
    if (!next || *next > wall) return due;
    due.latest_ms = *next;
    ++due.earlier;
  }
  // Very many: the latest is found from behind.
  for (std::int64_t back = 60'000;; back *= 8) {
    std::int64_t from = std::max(due.latest_ms, wall - back);
    auto next = after(from);
    if (from > due.latest_ms && (!next || *next > wall)) continue;
    for (; next && *next <= wall; next = after(due.latest_ms)) due.latest_ms = *next;
    return due;
  }
}

bool DueRuns::is_live(const ScheduleRun& run) const {
  const Job* job = value(run.job) == 0 ? nullptr : jobs_.find(run.job);
  return job && !job->final();
}

void DueRuns::note(ScheduleEntry& entry, ScheduleRun run) {
  auto& runs = entry.record.progress.runs;
  runs.push_back(std::move(run));
  if (runs.size() <= kRunsKept + kQueuedMost) return;
  const auto over =
      std::find_if(runs.begin(), runs.end(), [this](const auto& each) { return !is_live(each); });
  if (over != runs.end()) runs.erase(over);
}

const Job* DueRuns::running(const ScheduleEntry& entry, std::size_t& live) const {
  const Job* latest = nullptr;
  live = 0;
  for (const ScheduleRun& run : entry.record.progress.runs) {
    if (!is_live(run)) continue;
    latest = jobs_.find(run.job);
    ++live;
  }
  return latest;
}

wire::Submit DueRuns::submit_of(const ScheduleEntry& entry, std::int64_t due_ms,
                                const Job* after) const {
  const ScheduleRecord& record = entry.record;
  wire::Submit submit = due_job(record.definition, due_ms);
  std::uint64_t attempt = 0;
  do submit.job = due_uuid(record.definition, record.id, due_ms, attempt++);
  while (jobs_.find(submit.job));
  if (after) {
    JobEdge edge;
    edge.number = after->number;
    edge.pattern = EdgePattern::after;
    edge.ended = true;
    submit.edges.push_back(edge);
  }
  return submit;
}

bool DueRuns::is_repeated(const ScheduleEntry& entry, std::int64_t due_ms) {
  const auto& runs = entry.record.progress.runs;
  return std::any_of(runs.begin(), runs.end(), [&](const ScheduleRun& run) {
    return run.due_ms == static_cast<std::uint64_t>(due_ms) && run.outcome != RunOutcome::missed;
  });
}

ScheduleRun DueRuns::run_of(ScheduleEntry& entry, std::int64_t due_ms) {
  const wire::Schedule& definition = entry.record.definition;
  ScheduleRun run;
  run.due_ms = static_cast<std::uint64_t>(due_ms);
  run.at_ms = static_cast<std::uint64_t>(context_.wall_ms());
  std::size_t live = 0;
  const Job* before = running(entry, live);
  if (before && (definition.overlap == Overlap::skip || live >= kQueuedMost)) {
    run.outcome = RunOutcome::skipped;
    run.text = definition.overlap == Overlap::skip
                   ? "job " + number_of(*before) + " of an earlier due time had not ended"
                   : std::to_string(live) + " jobs of earlier due times had not ended";
    return run;
  }
  run.outcome = RunOutcome::refused;
  const Principal* principal = access_.principal_named(entry.record.owner);
  if (!principal) {
    run.text = "the broker does not know the key of " + entry.record.owner + " any more";
    return run;
  }
  // A wall clock that was set is known before what it means for the keys.
  if (principal->expires && *principal->expires * 1000 <= context_.wall_ms()) {
    run.text = "the key of " + entry.record.owner + " has expired";
    return run;
  }
  wire::Message message = submit_of(entry, due_ms, before);
  const Verdict verdict = decide(*principal, message, std::nullopt);
  if (!verdict.allowed) {
    run.text = verdict.reason;
    return run;
  }
  Session owner;  // nobody's session: the owner need not be connected
  owner.principal = entry.record.owner;
  const Submitter submitter{owner.principal, principal->weight,
                            principal->may(Right::admin) ? kNoWeightMax : 1};
  auto created = submissions_.create(owner, submitter, std::move(std::get<wire::Submit>(message)),
                                     context_.now);
  if (auto* refusal = std::get_if<Refusal>(&created)) {
    run.text = std::move(refusal->text);
    return run;
  }
  run.outcome = RunOutcome::ran;
  run.job = std::get<Job*>(created)->number;
  return run;
}

void DueRuns::handle(ScheduleEntry& entry) {
  const Due due = due_of(entry);
  const bool late = context_.wall_ms() - due.latest_ms > kInTimeMs;
  const bool runs = !late || entry.record.definition.missed == Missed::run_once;
  if (const std::uint64_t missed = due.earlier + (runs ? 0 : 1); missed > 0) {
    ScheduleRun run;
    run.due_ms = static_cast<std::uint64_t>(*entry.next_ms);
    run.at_ms = static_cast<std::uint64_t>(context_.wall_ms());
    run.outcome = RunOutcome::missed;
    run.text = (missed >= kCountedMost
                    ? "1000 or more due times"
                    : std::to_string(missed) + (missed == 1 ? " due time" : " due times")) +
               " from this one on passed while the broker did not run, its store could not write, "
               "or its clock was set";
    note(entry, std::move(run));
  }
  if (runs && !is_repeated(entry, due.latest_ms)) {
    ScheduleRun run = run_of(entry, due.latest_ms);
    if (run.outcome == RunOutcome::refused)
      context_.warn("schedule " + entry.record.definition.name + " of " + entry.record.owner +
                    ": its job was not accepted: " + run.text);
    if (run.outcome != RunOutcome::skipped)  // nothing was asked for
      access_.record(
          {}, entry.record.owner, "submit as scheduled",
          "function " + entry.record.definition.job->function, run.outcome == RunOutcome::ran,
          "schedule " + entry.record.definition.name + (run.text.empty() ? "" : ": " + run.text));
    note(entry, std::move(run));
  }
  table_.pass(entry, due.latest_ms);
}

}  // namespace quern::broker
