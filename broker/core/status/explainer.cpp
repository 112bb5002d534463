#include "broker/core/status/explainer.hpp"

#include <algorithm>
#include <cstdio>

namespace quern::broker {
namespace {

constexpr std::size_t kWorkersNamed = 12;

// Of a job with very many edges, the first ones are explained.
constexpr std::size_t kLinesMost = 20;

std::string plural(std::uint64_t n, const std::string& noun) {
  return std::to_string(n) + " " + noun + (n == 1 ? "" : "s");
}

std::string number(double v) {
  char text[32];
  std::snprintf(text, sizeof text, v >= 1000 ? "%.0f" : "%.3g", v);
  return text;
}

std::string percent(double share) { return number(std::min(1.0, share) * 100) + " %"; }

std::string time(double s) {
  if (s < 0.0995) return number(s * 1000) + " ms";
  if (s < 120) return number(s) + " s";
  if (s < 2 * 3600) return number(s / 60) + " min";
  return number(s / 3600) + " h";
}

}  // namespace

void Explainer::explain_edges(const Job& job, Lines& lines) const {
  const Inflow* inflow = edges_.of(job);
  if (!inflow) return;
  for (const JobEdge& edge : inflow->edges) {
    if (lines.size() > kLinesMost) break;
    const Job* from = jobs_.find(edge.number);
    std::string line = "Job " + std::to_string(value(edge.number));
    line += from ? " is " + std::string(to_string(from->phase.state)) : " is forgotten";
    if (from && !from->final())
      line += ": " + std::to_string(from->tasks.done) + " of " + std::to_string(from->tasks.total) +
              " tasks are done";
    line += edge.pattern == EdgePattern::after
                ? "; this job starts after it has ended"
                : "; this job takes its results (`" + std::string(to_string(edge.pattern)) + "`)";
    lines.push_back(line + (edge.ended ? ", also if it fails." : "."));
  }
  if (inflow->blocked.empty()) return;
  std::string line = plural(inflow->blocked.size(), "task") + " wait" +
                     (inflow->blocked.size() == 1 ? "s" : "") + " for results";
  const std::uint64_t task = inflow->blocked.front();
  if (inflow->gather) {
    if (const auto missing = inflow->gather->missing(task)) {
      const auto source =
          std::find_if(inflow->sources.begin(), inflow->sources.end(),
                       [&](const auto& each) { return each.number == missing->source; });
      line += ": task " + std::to_string(task) + " waits for task " +
              std::to_string(missing->index) +
              (source == inflow->sources.end() || source->job == job.number
                   ? ""
                   : " of job " + std::to_string(value(source->job)));
    }
  } else if (!inflow->sources.empty()) {
    line += ": task " + std::to_string(task) + " waits for task " + std::to_string(task) +
            " of job " + std::to_string(value(inflow->sources.front().job));
  }
  lines.push_back(line + ".");
}

void Explainer::explain_nesting(const Job& job, Lines& lines) const {
  if (const ParentTask* who = families_.parent_of(job))
    lines.push_back("Task " + std::to_string(who->task) + " of job " +
                    std::to_string(value(who->job)) +
                    " submitted it; it ends with that job at the latest.");
  const Family* family = families_.of(job);
  if (!family) return;
  if (family->children > 0)
    lines.push_back("Its tasks have submitted " + plural(family->children, "job") + " that " +
                    (family->children == 1 ? "has" : "have") + " not ended.");
  std::size_t named = 0;
  for (const auto& [lease, child] : family->waiting) {
    if (++named > kWorkersNamed) break;
    const auto some = family->of_leases.find(lease);
    if (some == family->of_leases.end() || !some->second.contains(child)) continue;
    lines.push_back("Task " + std::to_string(some->second.at(child)) + " waits for job " +
                    std::to_string(value(child)) +
                    ", which it has submitted; it has given its slot back meanwhile.");
  }
  if (job.phase.nesting.crowded)
    lines.push_back("No further task of it starts while so many of them wait.");
}

void Explainer::explain_waiting(const Job& job, Time now, Lines& lines) const {
  const Pool& pool = *job.run.pool;
  std::uint64_t busy = 0, own = 0, higher = 0;
  for (const auto& member : pool.members()) {
    std::size_t n = 0;
    for (const Lease* lease : member.worker->holds.leases) {
      if (n++ >= member.worker->slots()) break;
      ++busy;
      own += lease->job == job.number ? 1 : 0;
      higher += jobs_.at(lease->job).spec.options->priority > job.spec.options->priority ? 1 : 0;
    }
  }
  if (job.tasks.pending.empty()) return;
  const std::string workers = plural(pool.members().size(), "worker") + " that can run it";
  if (busy >= pool.slots()) {
    lines.push_back(
        "Waiting for a slot: " +
        (pool.slots() == 1 ? "the only slot" : "all " + plural(pool.slots(), "slot")) + " of the " +
        workers + (pool.slots() == 1 ? " is" : " are") + " busy, " + std::to_string(own) +
        " with this job" +
        (higher > 0 ? " and " + std::to_string(higher) + " with jobs of higher priority" : "") +
        ".");
  } else if (!pool.need().plain() &&
             std::none_of(pool.members().begin(), pool.members().end(),
                          [&](const auto& m) { return pool.need().free_on(*m.worker); })) {
    lines.push_back("Waiting for a resource: what the job requires is in use on all of the " +
                    workers + ".");
  } else if (job.run.planning) {
    lines.push_back("Waiting a few milliseconds for a plan of all tasks of its priority.");
  } else if (eviction_.over_result_share(job)) {
    lines.push_back("Paused: too many of its results have not been read.");
  } else if (job.run.planned == 0 && job.tasks.pending.size() <= pool.slots()) {
    lines.push_back(
        "Some slots are free, but only on workers that are so slow at this that the job ends "
        "sooner if it waits for a faster, busy worker.");
  }
  const auto left =
      job.run.place.level && job.run.place.level->wanted.size() > 1
          ? std::count_if(pool.members().begin(), pool.members().end(),
                          [&](const auto& member) {
                            return fitness_.leaves(
                                job, member,
                                fitness_.outlook_of(*member.worker, *job.run.place.level));
                          })
          : 0;
  if (left > 0)
    lines.push_back(plural(static_cast<std::uint64_t>(left), "worker") +
                    (left == 1 ? " leaves" : " leave") +
                    " this job to the others while there is other work, because " +
                    (left == 1 ? "it is" : "they are") + " better at that work, or because " +
                    (left == 1 ? "its" : "their") + " speed at this one is not known yet.");
  explain_plan(job, now, lines);
}

void Explainer::explain_plan(const Job& job, Time now, Lines& lines) const {
  if (job.run.planned == 0) return;
  std::map<std::string, std::uint64_t> planned;
  for (const auto& [session, rows] : plans_.plan().waiting) {
    Worker* worker = workers_.find(session);
    const auto n = std::count_if(rows.begin(), rows.end(),
                                 [&](const auto& row) { return row.job == job.number; });
    if (worker && n > 0) planned[worker->name] += static_cast<std::uint64_t>(n);
  }
  std::string text;
  std::size_t named = 0;
  for (const auto& [name, n] : planned) {
    if (++named > kWorkersNamed) break;
    text += (text.empty() ? "" : ", ") + std::to_string(n) + " for " + name;
  }
  lines.push_back(
      "Its waiting tasks are assigned to workers by a plan that ends all tasks of this priority as "
      "early as possible (in " +
      time(std::max(0.0, std::chrono::duration<double>(plans_.plan().ends - now).count())) +
      "): " + text + (planned.size() > kWorkersNamed ? ", ..." : "") + ".");
}

void Explainer::explain_share(const Job& job, Lines& lines) const {
  std::uint64_t ahead = 0, beside = 0, parties = 0;
  for (const auto& [falling, level] : queue_.levels()) {
    if (falling > -std::int64_t{job.spec.options->priority}) break;
    for (const auto& turn : level.turns) {
      if (&level != job.run.place.level) {
        ahead += turn.party->wanting;
        continue;
      }
      ++parties;
      beside +=
          turn.party->wanting - (turn.party == job.run.place.party && job.run.place.key ? 1 : 0);
    }
  }
  if (ahead > 0)
    lines.push_back(plural(ahead, "job") + " of higher priority " + (ahead == 1 ? "goes" : "go") +
                    " first.");
  if (beside == 0) return;
  lines.push_back("It shares the workers with " + plural(beside, "job") +
                  " of the same priority that want" + (beside == 1 ? "s" : "") + " them too" +
                  (parties > 1 ? ", of " + plural(parties, "principal") + " in all" : "") +
                  "; the job with the least slot time for its weight (here " +
                  number(job.weight()) + ") is served next. So far this job has had " +
                  time(job.effort.busy_s) + " of slot time.");
}

void Explainer::explain_workers(const Job& job, Lines& lines) {
  const double mean = job.run.pool ? job.run.pool->mean_rate() : 0;
  for (const WorkerShare& share : job.effort.shares.most(kWorkersNamed)) {
    const double part = job.tasks.done + job.tasks.failed() > 0
                            ? static_cast<double>(share.tasks) /
                                  static_cast<double>(job.tasks.done + job.tasks.failed())
                            : 0;
    std::string line = "Worker " + share.worker + " finished " + plural(share.leases, "lease") +
                       " with " + plural(share.tasks, "task") + " (" + percent(part) +
                       "); one of its slots does " + number(share.rate) +
                       (job.spec.costed ? " units of cost/s" : " tasks/s");
    if (mean > 0 && job.effort.shares.size() > 1)
      line += ", " + number(share.rate / mean) + " times the mean";
    lines.push_back(line + ".");
  }
  if (job.effort.shares.size() > kWorkersNamed)
    lines.push_back("So did " + plural(job.effort.shares.size() - kWorkersNamed, "other worker") +
                    ".");
  if (job.tasks.leased > 0 && job.run.pool && job.run.pool->mean_rate() > 0 && !job.final())
    lines.push_back(
        "Work goes to the worker that should finish it first, given what it still holds and its "
        "measured speed. Leases take up to 100 ms (at least one task) and become shorter toward "
        "the end.");
}

std::vector<std::string> Explainer::explain(const Job& job, Time now) const {
  std::vector<std::string> lines;
  const JobStatus s = statuses_.status_of(job, now, true, true);
  lines.push_back("Job " + std::to_string(value(s.number)) + " runs `" + s.function + "` and is " +
                  std::string(to_string(s.state)) +
                  (s.reason.empty() ? "." : ": " + s.reason + "."));
  if (!s.decision.empty()) lines.push_back("It is " + s.decision + ".");
  if (!s.reduce.empty())
    lines.push_back("Its results are combined by the reducer `" + s.reduce + "`.");
  if (const auto& metadata = job.spec.options->metadata; metadata.contains("schedule"))
    lines.push_back("It was submitted by the schedule `" + metadata.at("schedule") +
                    "` (`quern schedule history` shows its runs).");
  if (!job.final()) {
    lines.push_back(plural(s.pending, "task") + " wait" + (s.pending == 1 ? "s" : "") + ", " +
                    std::to_string(s.leased) + " are out, " + std::to_string(s.done) + " of " +
                    std::to_string(s.total) + " are done.");
    explain_edges(job, lines);
    explain_nesting(job, lines);
    const bool waits = job.phase.paused || job.phase.hold.any();
    if (job.run.place.level && !waits) explain_share(job, lines);
    if (job.run.pool && !job.run.pool->empty() && !waits) explain_waiting(job, now, lines);
    if (!job.tasks.backing_off->empty())
      lines.push_back(plural(job.backing(), "failed task") + " will be retried shortly.");
  }
  explain_workers(job, lines);
  if (job.attempts.mishaps->copies > 0)
    lines.push_back(plural(job.attempts.mishaps->copies, "lease") +
                    (job.attempts.mishaps->copies == 1 ? " was" : " were") +
                    " overdue and started a second time on another worker; " +
                    time(job.attempts.mishaps->wasted_s) +
                    " of slot time was spent on the slower attempts.");
  if (job.final()) return lines;
  explain_end(job, s, now, lines);
  return lines;
}

void Explainer::explain_end(const Job& job, const JobStatus& status, Time now, Lines& lines) const {
  if (job.phase.paused) {
    lines.push_back("There is no estimate of when it ends, because it is paused.");
  } else if (job.phase.hold.time) {
    lines.push_back("There is no estimate of when it ends, because it has not started.");
  } else if (job.phase.hold.jobs) {
    lines.push_back("There is no estimate of when it ends, because it waits for other jobs.");
  } else if (job.intake.open && job.intake.from_jobs()) {
    lines.push_back(
        "There is no estimate of when it ends, because the results that it takes are still "
        "arriving.");
  } else if (job.intake.open) {
    lines.push_back("There is no estimate of when it ends, because its input is still arriving.");
  } else if (status.eta_s < 0) {
    lines.push_back(
        "There is no estimate of when it ends yet, because no worker has finished a lease of `" +
        status.function + "`.");
  } else {
    const Estimate end = estimator_.estimate(job, now, true);
    lines.push_back("It should end in about " + time(end.left_s) + ", plus or minus " +
                    time(end.error_s) +
                    ". This assumes that the remaining tasks are like the finished ones, that the "
                    "workers stay the same, and that " +
                    (end.measured ? "the job keeps its current share."
                                  : "no other job of the same or a higher priority arrives."));
  }
}

}  // namespace quern::broker
