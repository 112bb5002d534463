#include "broker/core/scheduling/planner.hpp"

#include <algorithm>

#include "broker/core/base/seconds.hpp"
#include "broker/core/scheduling/sizing.hpp"

namespace quern::broker {
namespace {

using std::chrono::milliseconds;

// Larger plans take too long and matter less, because many tasks remain to correct errors.
constexpr std::size_t kRowsMost = 2048;

constexpr std::size_t kCellsMost = 1u << 20;

// Planning takes about 20 ms while the tasks wait, so there must be at least this many seconds of
// work.
constexpr double kWorthFrom = 0.5;  // seconds
// A plan is wrong when the end of a worker deviates by this share of the remaining time.
constexpr double kOff = 0.1;

constexpr double kOffFrom = 0.1;

constexpr milliseconds kCheckEvery{50};

constexpr std::uint64_t kLoadPlanned = 1u << 20;

constexpr std::int64_t kPlannedCosts = 50;  // in units of the budget of a settle()

}  // namespace

void Planner::plan_ahead(Time now) {
  go_on_planning(now);
  if (plan_.stale && !plan_.next) return context_.retry_dispatch_at(now);
  if (plan_.next || plan_.waiting.empty()) return;
  // A plan can go wrong without any event, when a worker stops making progress.
  double next_s = Plan::kNever;
  for (const auto& [session, rows] : plan_.waiting)
    if (Worker* worker = workers_.find(session); worker)
      next_s = std::min(next_s, pools_.ready_s(*worker, now));
  if (next_s < Plan::kNever)
    context_.retry_dispatch_at(
        now + duration(next_s + std::max(kOffFrom, kOff * seconds(plan_.ends - now))));
}

void Planner::go_on_planning(Time now) {
  check_plan(now);
  if (plan_.look_after > 0 && context_.counters.leases >= plan_.look_after) plan_.stale = true;
  if (plan_.stale && !plan_.next) {
    begin_plan(now);
    if (plan_.next) context_.retry_dispatch_at(now);
    return;
  }
  if (!plan_.next) return;
  ++context_.counters.plan_slices;
  if (plan_.next->improve(context_.config.plan_slice))
    adopt_plan(now);
  else
    context_.retry_dispatch_at(now);
}

bool Planner::choose_for_plan(std::vector<Job*>& jobs) {
  Level* top = nullptr;
  for (auto& [falling, level] : queue_.levels()) {
    const bool planned =
        std::any_of(plan_.jobs.begin(), plan_.jobs.end(), [&level = level, this](JobNumber number) {
          Job* it = jobs_.find(number);
          return it && it->run.place.level == &level && it->run.planned > 0;
        });
    if (level.turns.empty() && !planned) continue;
    top = &level;
    break;
  }
  if (!top) return false;
  std::size_t rows = 0, looked = 0;
  bool alike = true;
  const auto take = [&](Job& job) {
    if (job.run.pool) pools_.refresh(job);
    if (!plans_.worth_planning(job)) return true;
    if (job.tasks.pending.size() > kRowsMost - rows) {
      plan_.look_after = context_.counters.leases +
                         std::max<std::uint64_t>(1, job.tasks.pending.size() + rows - kRowsMost);
      return false;
    }
    rows += job.tasks.pending.size();
    alike = alike && job.intake.costs->empty() &&
            (jobs.empty() ||
             (job.run.pool == jobs.front()->run.pool && job.unit() == jobs.front()->unit()));
    jobs.push_back(&job);
    return true;
  };
  for (JobNumber number : plan_.jobs)
    if (Job* it = jobs_.find(number);
        it && it->run.place.level == top && it->run.planned > 0 && !take(*it))
      return false;
  for (const auto& party : top->turns) {
    if (!party.party->each_job([&](Job& job) { return ++looked <= 2 * kRowsMost && take(job); }))
      return false;
  }
  std::sort(jobs.begin(), jobs.end(),
            [](const Job* a, const Job* b) { return FairQueue::before(*a, *b); });
  return rows > 1 && !alike;
}

void Planner::begin_plan(Time now) {
  plan_.stale = false;
  plan_.look_after = 0;
  std::vector<Job*> jobs;
  if (!choose_for_plan(jobs)) return plans_.drop();
  std::size_t rows = 0, slots = 0;
  std::vector<const Pool*> pools;
  std::set<const Pool*> known;
  for (const Job* job : jobs) {
    rows += job->tasks.pending.size();
    if (!known.insert(job->run.pool).second) continue;
    pools.push_back(job->run.pool);
    slots = std::max<std::size_t>(slots, job->run.pool->slots());
  }
  if (rows * slots > kCellsMost || pools.size() * slots > kCellsMost) return plans_.drop();
  std::map<const Worker*, std::size_t> column;  // the first of its slots
  plan_.rows.clear();
  plan_.places.clear();
  std::vector<double> ready;
  for (const Pool* pool : pools) {
    for (const auto& member : pool->members()) {
      if (member.worker->slots() == 0 || !member.worker->connection->reachable ||
          !column.try_emplace(member.worker, plan_.places.size()).second)
        continue;
      for (double free : plans_.slots_ready(*member.worker, now)) {
        plan_.places.push_back(member.worker->session);
        ready.push_back(free);
      }
    }
  }
  for (const Job* job : jobs) {
    for (const auto& tasks : job->tasks.pending.list())
      for (std::uint64_t task = tasks.begin; task < tasks.end; ++task)
        plan_.rows.push_back({job->number, task});
  }
  if (plan_.places.empty() || plan_.rows.size() * plan_.places.size() > kCellsMost)
    return plans_.drop();
  const std::size_t places = plan_.places.size();
  std::vector<double> times(plan_.rows.size() * places, Plan::kNever);
  double work = 0, longest = 0;
  struct Column {
    std::size_t first, slots;
    double rate;
  };
  std::map<const Pool*, std::vector<Column>> columns;
  for (const Pool* pool : pools)
    for (const auto& member : pool->members())
      if (const auto first = column.find(member.worker); first != column.end())
        columns[pool].push_back(
            {first->second, member.worker->slots(), fitness_.cautious_rate(*pool, member)});
  for (std::size_t row = 0; row < plan_.rows.size(); ++row) {
    const Job& job = jobs_.at(plan_.rows[row].job);
    double least = Plan::kNever;
    for (const Column& of : columns[job.run.pool]) {
      const double time = job.work_of(plan_.rows[row].task) / of.rate;
      least = std::min(least, time);
      std::fill_n(times.begin() + static_cast<std::ptrdiff_t>(row * places + of.first), of.slots,
                  time);
    }
    work += least;
    longest = std::max(longest, least);
  }
  // Less work than this is not worth the wait for a plan.
  if (std::max(longest, work / static_cast<double>(places)) < kWorthFrom) return plans_.drop();
  std::vector<std::size_t> start = as_planned(times);
  plan_.falling = -std::int64_t{jobs.front()->spec.options->priority};
  plan_.holds = false;
  for (Job* job : jobs) {
    // A job whose tasks are in the current plan follows that plan; other jobs wait for the new one.
    job->run.planning = job->run.planned == 0;
    plan_.holds = plan_.holds || job->run.planning;
    queue_.update(*job);
  }
  ++context_.counters.plans;
  plan_.next = std::make_unique<Plan>(std::move(times), std::move(ready), context_.counters.plans,
                                      std::move(start));
}

std::vector<std::size_t> Planner::as_planned(const std::vector<double>& times) const {
  std::map<std::pair<JobNumber, std::uint64_t>, wire::SessionId> before;
  for (const auto& [worker, rows] : plan_.waiting)
    for (const auto& row : rows) before.emplace(std::pair(row.job, row.task), worker);
  std::vector<std::size_t> start(plan_.rows.size(), Plan::kNowhere);
  if (before.empty()) return start;
  std::vector<double> load(plan_.places.size(), 0);
  for (std::size_t row = 0; row < start.size(); ++row) {
    const auto it = before.find({plan_.rows[row].job, plan_.rows[row].task});
    if (it == before.end()) continue;
    for (std::size_t place = 0; place < load.size(); ++place) {
      if (plan_.places[place] == it->second &&
          (start[row] == Plan::kNowhere || load[place] < load[start[row]]))
        start[row] = place;
    }
    if (start[row] != Plan::kNowhere) load[start[row]] += times[row * load.size() + start[row]];
  }
  return start;
}

void Planner::adopt_plan(Time now) {
  const std::unique_ptr<Plan> plan = std::move(plan_.next);
  plans_.drop();
  for (std::size_t i = 0; i < plan_.rows.size(); ++i) {
    Job* it = jobs_.find(plan_.rows[i].job);
    if (!it) continue;
    Job& job = *it;
    job.run.planning = false;
    const std::size_t place = plan->place_of(i);
    if (job.final() || job.phase.paused || place == Plan::kNowhere ||
        !job.tasks.pending.contains(plan_.rows[i].task))
      continue;
    Worker* worker = workers_.find(plan_.places[place]);
    if (!worker || !worker->connection->reachable || !job.run.pool || !job.run.pool->of(*worker)) {
      plan_.stale = true;  // the worker has left meanwhile
      continue;
    }
    plan_.waiting[plan_.places[place]].push_back(plan_.rows[i]);
    plan_.jobs.insert(job.number);
    ++job.run.planned;
  }
  for (const auto& row : plan_.rows)
    if (Job* it = jobs_.find(row.job); it && !it->final()) queue_.update(*it);
  plan_.ends = now;
  for (const wire::SessionId worker : plan_.places)
    if (plan_.shares.empty() || plan_.shares.back().worker != worker)
      plan_.shares.push_back({worker, {}});
  for (auto& share : plan_.shares) {
    share.ends = now + duration(plans_.planned_end_s(share.worker, now));
    plan_.ends = std::max(plan_.ends, share.ends);
  }
  plan_.checked = now;
}

void Planner::check_plan(Time now) {
  if (plan_.shares.empty() || plan_.next || plan_.stale ||
      (plan_.checked && now - *plan_.checked < kCheckEvery))
    return;
  plan_.checked = now;
  const double left = std::max(0.0, seconds(plan_.ends - now));
  for (const auto& share : plan_.shares) {
    const double off = std::abs(plans_.planned_end_s(share.worker, now) -
                                std::max(0.0, seconds(share.ends - now)));
    if (off > std::max(kOffFrom, kOff * left)) plan_.stale = true;
  }
}

bool Planner::grant_planned(const Level& level, const Job* rival, Time now) {
  if (plan_.waiting.empty()) return false;
  round_.budget -= static_cast<std::int64_t>(pools_.may_have_room().size());
  Worker* chosen = nullptr;
  Job* best = nullptr;
  for (Worker* worker : pools_.may_have_room()) {
    const auto waiting = plan_.waiting.find(worker->session);
    if (waiting == plan_.waiting.end() || !pools_.has_room(*worker)) continue;
    auto& rows = waiting->second;
    Job* job = nullptr;
    for (; !rows.empty(); rows.pop_front()) {
      Job* it = jobs_.find(rows.front().job);
      // A job without room for results must not hold back those behind it in the plan, which may
      // be the ones that take its results.
      if (it && it->run.planned > 0 && !it->phase.paused && !eviction_.over_result_share(*it) &&
          it->tasks.pending.contains(rows.front().task)) {
        job = it;
        break;
      }
      plans_.unplan(rows.front());
    }
    if (rows.empty()) plan_.waiting.erase(waiting);
    if (!job || job->run.place.level != &level || (rival && FairQueue::before(*rival, *job)) ||
        (best && FairQueue::before(*best, *job)))
      continue;
    if (!job->run.pool || !job->run.pool->of(*worker) || !job->run.pool->need().free_on(*worker))
      continue;
    if (job->has_payloads() && !job->intake.payloads.resident(rows.front().task)) {
      while (auto stretch = job->intake.payloads.wanted(rows.front().task, kLoadPlanned))
        context_.effects.push_back(Load{job->number, *stretch});
      continue;  // on_loaded() continues
    }
    chosen = worker;
    best = job;
  }
  if (!best) return false;
  auto& rows = plan_.waiting.at(chosen->session);
  const PlanInUse::Row row = rows.front();
  rows.pop_front();
  const std::uint32_t attempt = best->attempts.failures.at(row.task) + 1;
  best->tasks.pending.remove({row.task, row.task + 1});
  journal_.advance_frontier(*best, row.task + 1);
  round_.budget -= kPlannedCosts;
  queue_.serve(*best);
  grants_.send_tasks(*best, *best->run.pool->of(*chosen), {{row.task, row.task + 1}}, attempt, now);
  plans_.unplan(row);
  return true;
}

}  // namespace quern::broker
