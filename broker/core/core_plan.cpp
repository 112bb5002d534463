// Planning ahead. When the tasks of the highest priority that wait are few, long and of known time,
// but not all alike, earliest completion in the order of arrival is far from the best that can be
// done: then all of them get their workers at once (plan.hpp). Everything else is dealt out
// (core_dispatch.cpp): a long queue, short tasks, tasks of unknown time.
//
// A plan is made in slices, one a settle(); the tasks it is about wait for it. It is made anew when
// jobs or workers come or go, or when what happens is no longer what was planned; until that is
// done the one at hand goes on.
#include <algorithm>

#include "broker/core/core.hpp"
#include "broker/core/seconds.hpp"
#include "broker/core/sizing.hpp"

namespace quern::broker {
namespace {

using std::chrono::milliseconds;

// Above this a plan takes too long, and matters less: much is left to even things out.
constexpr std::size_t kRowsMost = 2048;
constexpr std::size_t kCellsMost = 1u << 20;
// Planning takes some 20 ms, and the tasks wait for it: they must be worth it.
constexpr double kWorthFrom = 0.5;  // seconds
// A plan is off when a worker's end moves by this share of what is left of it.
constexpr double kOff = 0.1;
constexpr double kOffFrom = 0.1;
constexpr milliseconds kCheckEvery{50};
constexpr std::uint64_t kLoadPlanned = 1u << 20;
constexpr std::int64_t kPlannedCosts = 50;  // of the budget of a settle()

}  // namespace

void Core::plan_ahead(Time now) {
  go_on_planning(now);
  if (plan_.stale && !plan_.next) return retry_dispatch_at(now);
  if (plan_.next || plan_.waiting.empty()) return;
  // Nothing need happen for a plan to go wrong: somebody stands still.
  double next_s = Plan::kNever;
  for (const auto& [session, rows] : plan_.waiting)
    if (const auto worker = workers_.find(session); worker != workers_.end())
      next_s = std::min(next_s, ready_s(worker->second, now));
  if (next_s < Plan::kNever)
    retry_dispatch_at(now +
                      duration(next_s + std::max(kOffFrom, kOff * seconds(plan_.ends - now))));
}

void Core::go_on_planning(Time now) {
  check_plan(now);
  if (plan_.look_after > 0 && counters_.leases >= plan_.look_after) plan_.stale = true;
  if (plan_.stale && !plan_.next) {
    begin_plan(now);
    if (plan_.next) retry_dispatch_at(now);
    return;
  }
  if (!plan_.next) return;
  ++counters_.plan_slices;
  if (plan_.next->improve(config_.plan_slice))
    adopt_plan(now);
  else
    retry_dispatch_at(now);
}

bool Core::worth_planning(const Job& job) const {
  // Which of a worker's slots can work at once on tasks that take of a resource, a plan does not
  // know.
  if (!job.pool || job.pool->empty() || job.pending.empty() || job.options->at_most_once ||
      job.pool->need().counts_on(*job.pool->members().front().worker))
    return false;
  if (2 * job.pool->known() < job.pool->members().size()) return false;  // a guess is not a plan
  const double best = job.pool->best_rate();
  return best > 0 && job.unit() / best >= kLeaseMax;
}

void Core::changed_for_plan(const Job& job) {
  plan_.stale = plan_.stale || job.planned > 0 || worth_planning(job);
}

void Core::drop_plan() {
  plan_.waiting.clear();
  plan_.shares.clear();
  for (JobNumber number : std::exchange(plan_.jobs, {})) {
    const auto it = jobs_.find(number);
    if (it == jobs_.end()) continue;
    it->second.planned = 0;
    if (!it->second.final()) turns_.update(it->second);
  }
}

void Core::drop_planned(const Worker& worker) {
  const auto it = plan_.waiting.find(worker.session);
  if (it == plan_.waiting.end()) return;
  for (const auto& row : it->second) unplan(row);
  plan_.waiting.erase(it);
}

void Core::unplan(const PlanInUse::Row& row) {
  const auto it = jobs_.find(row.job);
  if (it == jobs_.end() || it->second.planned == 0) return;
  if (--it->second.planned == 0 && !it->second.final()) turns_.update(it->second);
}

bool Core::choose_for_plan(std::vector<Job*>& jobs) {
  Level* top = nullptr;
  for (auto& [falling, level] : turns_.levels()) {
    const bool planned =
        std::any_of(plan_.jobs.begin(), plan_.jobs.end(), [&level = level, this](JobNumber number) {
          const auto it = jobs_.find(number);
          return it != jobs_.end() && it->second.place.level == &level && it->second.planned > 0;
        });
    if (level.turns.empty() && !planned) continue;
    top = &level;
    break;
  }
  if (!top) return false;
  std::size_t rows = 0, looked = 0;
  bool alike = true;
  const auto take = [&](Job& job) {
    if (job.pool) job.pool->refresh(rates_told_);
    if (!worth_planning(job)) return true;
    if (job.pending.size() > kRowsMost - rows) {
      plan_.look_after =
          counters_.leases + std::max<std::uint64_t>(1, job.pending.size() + rows - kRowsMost);
      return false;
    }
    rows += job.pending.size();
    alike =
        alike && job.costs->empty() &&
        (jobs.empty() || (job.pool == jobs.front()->pool && job.unit() == jobs.front()->unit()));
    jobs.push_back(&job);
    return true;
  };
  for (JobNumber number : plan_.jobs)
    if (const auto it = jobs_.find(number); it != jobs_.end() && it->second.place.level == top &&
                                            it->second.planned > 0 && !take(it->second))
      return false;
  for (const auto& party : top->turns) {
    if (!party.party->each_job([&](Job& job) { return ++looked <= 2 * kRowsMost && take(job); }))
      return false;
  }
  std::sort(jobs.begin(), jobs.end(),
            [](const Job* a, const Job* b) { return Turns::before(*a, *b); });
  return rows > 1 && !alike;
}

void Core::begin_plan(Time now) {
  plan_.stale = false;
  plan_.look_after = 0;
  std::vector<Job*> jobs;
  if (!choose_for_plan(jobs)) return drop_plan();
  std::size_t rows = 0, slots = 0;
  std::vector<const Pool*> pools;
  std::set<const Pool*> known;
  for (const Job* job : jobs) {
    rows += job->pending.size();
    if (!known.insert(job->pool).second) continue;
    pools.push_back(job->pool);
    slots = std::max<std::size_t>(slots, job->pool->slots());
  }
  if (rows * slots > kCellsMost || pools.size() * slots > kCellsMost) return drop_plan();
  std::map<const Worker*, std::size_t> column;  // the first of its slots
  plan_.rows.clear();
  plan_.places.clear();
  std::vector<double> ready;
  for (const Pool* pool : pools) {
    for (const auto& member : pool->members()) {
      if (member.worker->slots() == 0 || !member.worker->connection->reachable ||
          !column.try_emplace(member.worker, plan_.places.size()).second)
        continue;
      for (double free : slots_ready(*member.worker, now)) {
        plan_.places.push_back(member.worker->session);
        ready.push_back(free);
      }
    }
  }
  for (const Job* job : jobs) {
    for (const auto& tasks : job->pending.list())
      for (std::uint64_t task = tasks.begin; task < tasks.end; ++task)
        plan_.rows.push_back({job->number, task});
  }
  if (plan_.places.empty() || plan_.rows.size() * plan_.places.size() > kCellsMost)
    return drop_plan();
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
            {first->second, member.worker->slots(), cautious_rate(*pool, member)});
  for (std::size_t row = 0; row < plan_.rows.size(); ++row) {
    const Job& job = jobs_.at(plan_.rows[row].job);
    double least = Plan::kNever;
    for (const Column& of : columns[job.pool]) {
      const double time = job.work_of(plan_.rows[row].task) / of.rate;
      least = std::min(least, time);
      std::fill_n(times.begin() + static_cast<std::ptrdiff_t>(row * places + of.first), of.slots,
                  time);
    }
    work += least;
    longest = std::max(longest, least);
  }
  if (std::max(longest, work / static_cast<double>(places)) < kWorthFrom) return drop_plan();
  std::vector<std::size_t> start = as_planned(times);
  plan_.falling = -std::int64_t{jobs.front()->options->priority};
  plan_.holds = false;
  for (Job* job : jobs) {
    job->planning = job->planned == 0;
    plan_.holds = plan_.holds || job->planning;
    turns_.update(*job);
  }
  ++counters_.plans;
  plan_.next =
      std::make_unique<Plan>(std::move(times), std::move(ready), counters_.plans, std::move(start));
}

std::vector<std::size_t> Core::as_planned(const std::vector<double>& times) const {
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

std::vector<double> Core::slots_ready(const Worker& worker, Time now) const {
  std::vector<double> free(worker.slots(), 0);
  if (free.empty()) return free;  // all are stuck
  std::size_t n = 0;
  for (const Lease* lease : worker.leases) {
    const auto slot = std::min_element(free.begin(), free.end());
    const double elapsed = n++ < free.size() ? seconds(now - lease->granted) : 0;
    *slot += std::abs(lease->expected_s - elapsed);  // overdue: as long again as it is late
  }
  return free;
}

void Core::adopt_plan(Time now) {
  const std::unique_ptr<Plan> plan = std::move(plan_.next);
  drop_plan();
  for (std::size_t i = 0; i < plan_.rows.size(); ++i) {
    const auto it = jobs_.find(plan_.rows[i].job);
    if (it == jobs_.end()) continue;
    Job& job = it->second;
    job.planning = false;
    const std::size_t place = plan->place_of(i);
    if (job.final() || place == Plan::kNowhere || !job.pending.contains(plan_.rows[i].task))
      continue;
    const auto worker = workers_.find(plan_.places[place]);
    if (worker == workers_.end() || !worker->second.connection->reachable || !job.pool ||
        !job.pool->of(worker->second)) {
      plan_.stale = true;  // it has gone meanwhile
      continue;
    }
    plan_.waiting[plan_.places[place]].push_back(plan_.rows[i]);
    plan_.jobs.insert(job.number);
    ++job.planned;
  }
  for (const auto& row : plan_.rows)
    if (const auto it = jobs_.find(row.job); it != jobs_.end() && !it->second.final())
      turns_.update(it->second);
  plan_.ends = now;
  for (const wire::SessionId worker : plan_.places)
    if (plan_.shares.empty() || plan_.shares.back().worker != worker)
      plan_.shares.push_back({worker, {}});
  for (auto& share : plan_.shares) {
    share.ends = now + duration(planned_end_s(share.worker, now));
    plan_.ends = std::max(plan_.ends, share.ends);
  }
  plan_.checked = now;
}

double Core::planned_end_s(wire::SessionId session, Time now) const {
  const auto it = workers_.find(session);
  if (it == workers_.end() || it->second.slots() == 0) return 0;
  const Worker& worker = it->second;
  double work = 0;
  for (const double slot : slots_ready(worker, now)) work += slot;
  if (const auto rows = plan_.waiting.find(session); rows != plan_.waiting.end()) {
    for (const auto& row : rows->second) {
      const auto job = jobs_.find(row.job);
      const Pool::Member* member =
          job == jobs_.end() || !job->second.pool ? nullptr : job->second.pool->of(worker);
      if (member && member->rate > 0 && job->second.planned > 0)
        work += job->second.work_of(row.task) / member->rate;
    }
  }
  return work / worker.slots();
}

void Core::check_plan(Time now) {
  if (plan_.shares.empty() || plan_.next || plan_.stale ||
      (plan_.checked && now - *plan_.checked < kCheckEvery))
    return;
  plan_.checked = now;
  const double left = std::max(0.0, seconds(plan_.ends - now));
  for (const auto& share : plan_.shares) {
    const double off =
        std::abs(planned_end_s(share.worker, now) - std::max(0.0, seconds(share.ends - now)));
    if (off > std::max(kOffFrom, kOff * left)) plan_.stale = true;
  }
}

bool Core::grant_planned(const Level& level, const Job* rival, Time now) {
  if (plan_.waiting.empty()) return false;
  budget_ -= static_cast<std::int64_t>(roomy_.size());
  Worker* chosen = nullptr;
  Job* best = nullptr;
  for (Worker* worker : roomy_) {
    const auto waiting = plan_.waiting.find(worker->session);
    if (waiting == plan_.waiting.end() || !has_room(*worker)) continue;
    auto& rows = waiting->second;
    Job* job = nullptr;
    for (; !rows.empty(); rows.pop_front()) {
      const auto it = jobs_.find(rows.front().job);
      if (it != jobs_.end() && it->second.planned > 0 &&
          it->second.pending.contains(rows.front().task)) {
        job = &it->second;
        break;
      }
      unplan(rows.front());
    }
    if (rows.empty()) plan_.waiting.erase(waiting);
    if (!job || job->place.level != &level || (rival && Turns::before(*rival, *job)) ||
        (best && Turns::before(*best, *job)))
      continue;
    if (!job->pool || !job->pool->of(*worker) || !job->pool->need().free_on(*worker) ||
        over_result_share(*job))
      continue;
    if (job->has_payloads() && !job->payloads.resident(rows.front().task)) {
      while (auto stretch = job->payloads.wanted(rows.front().task, kLoadPlanned))
        effects_.push_back(Load{job->number, *stretch});
      continue;  // on_loaded() goes on
    }
    chosen = worker;
    best = job;
  }
  if (!best) return false;
  auto& rows = plan_.waiting.at(chosen->session);
  const PlanInUse::Row row = rows.front();
  rows.pop_front();
  const std::uint32_t attempt = best->attempts.at(row.task) + 1;
  best->pending.remove({row.task, row.task + 1});
  advance_frontier(*best, row.task + 1);
  budget_ -= kPlannedCosts;
  turns_.serve(*best);
  send_tasks(*best, *best->pool->of(*chosen), {{row.task, row.task + 1}}, attempt, now);
  unplan(row);
  return true;
}

}  // namespace quern::broker
