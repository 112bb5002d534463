#include "broker/core/status/estimator.hpp"

#include <algorithm>
#include <cmath>

#include "broker/core/base/seconds.hpp"

namespace quern::broker {
namespace {

// The most jobs that are examined; with more, the estimate is rough anyway.
constexpr int kRivalsMost = 50;

constexpr int kRivalsLookedAt = 200;

// After the job has run for this long, what it has received recently is a better basis than its
// expected share.
constexpr double kMeasuredFrom = 1.0;

// Effects that nobody can foresee: a share of the remaining time, for a job that runs alone and for
// one among others.
constexpr double kUnforeseenAlone = 0.03;

constexpr double kUnforeseenShared = 0.15;

double square(double x) { return x * x; }

}  // namespace

double Estimator::left_s(const Job& job, Time now, bool exact) {
  const double rate = job.run.pool->total_rate() /
                      static_cast<double>(std::max<std::uint64_t>(1, job.run.pool->slots()));
  const std::uint64_t waiting = job.tasks.pending.size() + job.backing() + job.tasks.unsure->size();
  double left = job.intake.costs->empty() || !exact ? static_cast<double>(waiting) * job.unit()
                                                    : job.work_of(job.tasks.pending.list());
  left /= rate;
  if (!exact) return left + job.run.expected_s / 2;  // on average, leases are half done
  for (const auto& member : job.run.pool->members()) {
    std::size_t n = 0;
    for (const Lease* lease : member.worker->holds.leases) {
      const bool running = n++ < member.worker->slots();
      if (lease->job != job.number || lease->rival.speculative) continue;
      left += std::max(0.0, lease->expected_s - (running ? seconds(now - lease->granted) : 0));
    }
  }
  return left;
}

double Estimator::planned_end_s(const Job& job, Time now) const {
  double last = 0;
  for (const auto& [session, rows] : plans_.plan().waiting) {
    Worker* it = workers_.find(session);
    if (!it) continue;
    std::vector<double> slots = plans_.slots_ready(*it, now);
    for (const auto& row : rows) {
      Job* other = jobs_.find(row.job);
      const Pool::Member* member = !other || !other->run.pool ? nullptr : other->run.pool->of(*it);
      if (!member || member->rate <= 0 || slots.empty()) continue;
      auto first = std::min_element(slots.begin(), slots.end());
      *first += other->work_of(row.task) / member->rate;
      if (row.job == job.number) last = std::max(last, *first);
    }
  }
  return last;
}

Estimate Estimator::estimate(const Job& job, Time now, bool exact) const {
  if (job.final()) return {0, 0, false};
  if (job.intake.open || job.phase.paused || !job.run.pool || job.run.pool->empty() ||
      job.run.pool->total_rate() <= 0 || !job.run.place.level)
    return {};
  const Pool& pool = *job.run.pool;
  const auto slots = static_cast<double>(std::max<std::uint64_t>(1, pool.slots()));
  const double mine = left_s(job, now, exact);

  // Work of other jobs that runs until this one ends: all work of a higher priority; of each job of
  // the same priority, no more than what it gets until this one ends.
  double before = 0, shared = 0;
  int rivals = 0, looked = 0;
  const auto weight_of = [](const Job& one) {
    return one.run.place.party->weight * one.weight() /
           std::max<double>(1, static_cast<double>(one.run.place.party->wanting));
  };
  const double my_part = mine / weight_of(job);
  for (const auto& [falling, level] : queue_.levels()) {
    if (falling > -std::int64_t{job.spec.options->priority}) break;
    for (const auto& turn : level.turns) {
      const bool more = turn.party->each_job([&](const Job& other) {
        if (rivals >= kRivalsMost || ++looked > kRivalsLookedAt) return false;
        if (&other == &job || !other.run.pool || other.run.pool->total_rate() <= 0) return true;
        ++rivals;
        const double left = left_s(other, now, false);
        if (&level != job.run.place.level)
          before += left;
        else
          shared += std::min(left, my_part * weight_of(other));
        return true;
      });
      if (!more) break;
    }
    if (rivals >= kRivalsMost || looked > kRivalsLookedAt) break;
  }
  Estimate end;
  end.left_s = (mine + before + shared) / slots;
  const double run_s = job.phase.started == Time{} ? 0 : seconds(now - job.phase.started);
  if (rivals > 0 && before <= 0 && job.effort.pace->recent_work > 0 && run_s > kMeasuredFrom) {
    end.left_s = mine * pool.total_rate() / slots / job.effort.pace->recent_work;
    end.measured = true;
  }
  // The last task takes its time, regardless of the number of workers.
  double longest = 0, uncertain = 0;
  std::uint64_t known = 0;
  double variation = 0;
  for (const auto& member : pool.members()) {
    if (!member.known) continue;
    uncertain += square(member.rate * member.worker->slots() * member.record->rate.uncertainty());
    variation += member.record->rate.variation();
    ++known;
  }
  if (exact) {
    for (const auto& member : pool.members()) {
      std::size_t n = 0;
      for (const Lease* lease : member.worker->holds.leases)
        if (n++ < member.worker->slots() && lease->job == job.number && !lease->rival.speculative)
          longest = std::max(longest, lease->expected_s - seconds(now - lease->granted));
    }
  }
  if (job.run.planned > 0 && exact) longest = std::max(longest, planned_end_s(job, now));
  end.left_s = std::max(end.left_s, longest);

  const double tasks = std::max(1.0, static_cast<double>(job.tasks.total - job.tasks.ended.size()));
  const double rates = std::sqrt(uncertain) / pool.total_rate();
  const double vary =
      known > 0 ? 1.96 * variation / static_cast<double>(known) / std::sqrt(tasks) : 1;
  const double unforeseen = rivals > 0 ? kUnforeseenShared : kUnforeseenAlone;
  const double one_task = job.unit() / (pool.total_rate() / slots);
  end.error_s =
      end.left_s * std::min(1.0, std::sqrt(square(rates) + square(vary) + square(unforeseen))) +
      std::min(one_task, end.left_s);
  return end;
}

}  // namespace quern::broker
