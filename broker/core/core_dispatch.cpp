// Where leases go. dispatch() takes the jobs in their order of priority and fair share; dispatch_job() gives one lease of a job to the
// worker that place() chooses: min over workers of (ready_j + T_i / R_j); lease_size() says how large it is.
#include <algorithm>
#include <limits>

#include "broker/core/core.hpp"
#include "broker/core/placement.hpp"
#include "broker/core/sizing.hpp"

namespace quern::broker {
namespace {

using std::chrono::milliseconds;
using wire::Interval;
using wire::Intervals;

// A lease of unknown duration is assumed to take this long, so that nothing is queued behind it before it was measured.
constexpr double kUnknownLease = 1.0;
// A worker gets work beyond its slots while what it holds is expected to end within this time per slot: it hides the round trip. Longer
// tasks wait at the broker, where any worker can take them.
constexpr double kPrefetch = 1.5 * kLeaseMax;
// Very short leases need more than one in the queue to hide the same round trip.
constexpr double kPrefetchShort = 0.005;
constexpr std::size_t kPrefetchShortLeases = 4;
// Payload bytes of one lease: small enough that broker, wire and worker work on different leases of a job at the same time.
constexpr std::uint64_t kLeaseBytes = 256u << 10;
constexpr std::size_t kLeaseIntervals = 16;
// Partials that are merged at once, and how many must have gathered before it is worth a lease.
constexpr std::size_t kMergeAtMost = 64;
constexpr std::size_t kMergeFrom = 8;
constexpr std::uint64_t kMergeBytes = 768u << 10;
// Fewer tasks than this per slot: the choice of the worker matters, so busy ones are weighed too.
constexpr std::uint64_t kPlentyPerSlot = 4;
constexpr milliseconds kRetryHeldBack{20};
constexpr milliseconds kRetryReclaim{50};
// Work that ends sooner than this is not worth moving.
constexpr double kReclaimFrom = 0.020;

double seconds(wire::Duration d) { return std::chrono::duration<double>(d).count(); }

}  // namespace

bool Core::has_room(const Worker& worker) const {
  const Session* session = sessions_.find(worker.session);
  const std::size_t slots = worker.slots();
  if (worker.draining || slots == 0 || !session || !session->reachable) return false;
  if (worker.bytes_out >= worker.offer.credit_bytes) return false;
  if (worker.leases.size() < slots) return true;
  const double per_slot = worker.expected_s / static_cast<double>(slots);
  if (per_slot <= kPrefetchShort) return worker.leases.size() < kPrefetchShortLeases * slots;
  return per_slot <= kPrefetch && worker.leases.size() < 2 * slots;
}

bool Core::can_run(const Worker& worker, const Job& job) const {
  if (worker.draining || worker.slots() == 0) return false;
  if (!has_labels(worker, job)) return false;
  return !job.decision || worker.offers(job.function, job.decision->takes, job.decision->encoding);
}

bool Core::has_labels(const Worker& worker, const Job& job) {
  for (const auto& [label, wanted] : job.options.require) {
    auto it = worker.offer.labels.find(label);
    if (it == worker.offer.labels.end() || it->second != wanted) return false;
  }
  for (const auto& [resource, amount] : job.options.resources) {
    auto it = worker.offer.resources.find(resource);
    if (it == worker.offer.resources.end() || it->second < amount) return false;
  }
  return true;
}

double Core::ready_s(const Worker& worker, Time now) const {
  const std::size_t slots = worker.slots();
  if (worker.leases.size() < slots) return 0;
  double left = 0;
  std::size_t n = 0;
  for (wire::LeaseId id : worker.leases) {
    const Lease& lease = leases_.at(id);
    const double elapsed = n++ < slots ? seconds(now - lease.granted) : 0;
    // Overdue: assume it needs as long again as it is late.
    left += elapsed < lease.expected_s ? lease.expected_s - elapsed : elapsed - lease.expected_s;
  }
  return left / static_cast<double>(slots);
}

void Core::release_backing_off(Time now) {
  while (!backing_off_.empty() && backing_off_.begin()->first <= now) {
    auto it = jobs_.find(backing_off_.begin()->second);
    backing_off_.erase(backing_off_.begin());
    if (it == jobs_.end()) continue;
    Job& job = it->second;
    while (!job.backing_off.empty() && job.backing_off.begin()->first <= now) {
      job.pending.add(job.backing_off.begin()->second);
      job.backing_off.erase(job.backing_off.begin());
    }
    touch(job);
    dispatch_needed_ = true;
  }
}

void Core::reorder(Job& job) {
  if (job.order) order_.erase(*job.order);
  job.order.reset();
  if (job.wants_leases()) {
    job.order = job.order_key();
    order_.insert(*job.order);
  }
}

void Core::dispatch(Time now, Effects& effects) {
  release_backing_off(now);
  if (offers_changed_) decide_waiting(now, effects);
  for (JobNumber number : dirty_)
    if (auto it = jobs_.find(number); it != jobs_.end()) reorder(it->second);
  if (retry_dispatch_ && now >= *retry_dispatch_) dispatch_needed_ = true;
  if (!dispatch_needed_) return;
  dispatch_needed_ = false;
  retry_dispatch_.reset();

  const auto any_room = [&] { return std::any_of(workers_.begin(), workers_.end(), [&](const auto& w) { return has_room(w.second); }); };
  // A job that could not be served is passed over for the rest of this round; one that was served has a new place in the order.
  OrderKey passed{std::numeric_limits<std::int64_t>::min(), 0, {}};
  for (auto it = order_.begin(); it != order_.end() && any_room(); it = order_.upper_bound(passed)) {
    const OrderKey key = *it;
    Job& job = jobs_.at(key.job);
    if (dispatch_job(job, now, effects)) reorder(job);
    else passed = key;
  }
  rebalance(now, effects);
}

bool Core::over_result_share(const Job& job) const { return job.results.bytes() > result_share(); }

bool Core::dispatch_job(Job& job, Time now, Effects& effects) {
  if (grant_merge(job, now, effects)) return true;
  if (job.pending.empty()) return false;
  if (over_result_share(job)) return false;
  if (!ready_to_carve(job, effects)) return false;  // on_loaded() goes on

  std::vector<Candidate> candidates;
  std::vector<Worker*> able;
  double known_sum = 0, known = 0;
  std::uint64_t slots = 0;
  for (auto& [id, worker] : workers_) {
    if (!can_run(worker, job)) continue;
    const double rate = worker.rate_of(job.function);
    candidates.push_back({able.size(), 0, rate, worker.slots(), has_room(worker)});
    able.push_back(&worker);
    slots += worker.slots();
    if (rate > 0) {
      known_sum += rate;
      ++known;
    }
  }
  if (able.empty()) return false;
  // A worker that has not run the function yet is taken for an average one.
  const double prior = known > 0 ? known_sum / known : 1;
  const bool plenty = job.pending.size() > kPlentyPerSlot * slots;
  double total_rate = 0;
  bool room = false;
  for (auto& c : candidates) {
    if (c.rate <= 0) c.rate = prior;
    total_rate += c.rate * c.slots;
    room = room || c.room;
  }
  if (!room) return false;
  if (plenty) std::erase_if(candidates, [](const Candidate& c) { return !c.room; });
  for (auto& c : candidates) c.ready_s = ready_s(*able[c.worker], now);
  const auto chosen = place(candidates, job.pending.size());
  if (!chosen) {
    retry_dispatch_ = now + kRetryHeldBack;
    return false;
  }
  Worker& worker = *able[*chosen];
  grant_tasks(job, worker, worker.rate_of(job.function) > 0 || known == 0 ? worker.rate_of(job.function) : prior, total_rate, now,
              effects);
  return true;
}

Intervals Core::carve(Job& job, std::uint64_t size, std::uint64_t bytes_max) {
  Intervals tasks;
  const std::uint32_t attempt = job.attempts.at(job.pending.front());
  std::uint64_t taken = 0;
  while (taken < size && !job.pending.empty() && tasks.size() < kLeaseIntervals) {
    const Interval first = job.pending.first();
    if (job.attempts.at(first.begin) != attempt) break;
    if (!tasks.empty() && job.has_payloads() && !job.payloads.resident(first.begin)) break;
    std::uint64_t end = job.attempts.run_end(first.begin, std::min(first.end, first.begin + (size - taken)));
    bool alone = false;
    if (auto it = job.suspects.upper_bound(first.begin); it != job.suspects.begin()) {
      const auto& [begin, suspects] = *std::prev(it);
      if (first.begin < suspects.end) {
        if (!tasks.empty()) break;
        end = std::min({end, suspects.end, first.begin + suspects.lease_max});
        alone = true;
      }
    }
    if (auto it = job.suspects.upper_bound(first.begin); it != job.suspects.end()) end = std::min(end, it->first);
    if (job.has_payloads()) {
      end = first.begin + job.payloads.fitting(first.begin, end - first.begin, bytes_max);
    }
    const Interval piece = job.pending.take_front(end - first.begin);
    if (!tasks.empty() && tasks.back().end == piece.begin) tasks.back().end = piece.end;
    else tasks.push_back(piece);
    taken += piece.size();
    advance_frontier(job, piece.end);
    if (alone || piece.end != first.end || (job.has_payloads() && taken * 2 >= size)) break;
  }
  return tasks;
}

void Core::grant_tasks(Job& job, Worker& worker, double rate, double total_rate, Time now, Effects& effects) {
  const Decision& decision = *job.decision;
  const bool range = decision.takes == Takes::range;
  auto record = worker.records.find(job.function);
  const double seen = record == worker.records.end() ? 0 : record->second.rate.tasks_seen();
  std::uint64_t size = lease_size({rate, seen, total_rate, job.pending.size()});
  if (!range) size = std::min(size, wire::kBatchTasksMax);

  wire::Lease lease;
  lease.attempt = job.attempts.at(job.pending.front()) + 1;
  lease.tasks = carve(job, size, kLeaseBytes);
  lease.function = job.function;
  lease.kind = range ? wire::LeaseKind::range : decision.takes == Takes::whole ? wire::LeaseKind::whole : wire::LeaseKind::item;
  lease.encoding = job.encoding;
  if (job.partials && (wire::builtin_reducer(decision.reduce) || worker.reducer(decision.reduce))) lease.reduce = decision.reduce;
  if (job.has_payloads()) lease.batch = job.payloads.gather(lease.tasks);
  lease.indexed = !job.has_payloads();
  lease.base = job.base;
  lease.timeout_ms = job.options.timeout_ms;
  const std::uint64_t n = wire::size(lease.tasks);
  job.leased += n;
  grant(job, worker, std::move(lease), rate > 0 ? static_cast<double>(n) / rate : kUnknownLease, now, effects);
}

bool Core::grant_merge(Job& job, Time now, Effects& effects) {
  if (!job.partials || job.finishing) return false;
  const std::string& reduce = job.decision->reduce;
  const bool named = !wire::builtin_reducer(reduce);
  const bool ended = job.all_ended() && job.partials->out() == 0;
  const bool finish = ended && job.decision->finish && job.partials->count() == 1 && job.failed + job.cancelled == 0 && !job.value;
  if (!finish && (!named || job.partials->count() - job.partials->out() < 2)) return false;
  if (!finish && !job.all_ended() && job.partials->count() - job.partials->out() < kMergeFrom) return false;

  Worker* best = nullptr;
  double soonest = std::numeric_limits<double>::infinity();
  for (auto& [id, worker] : workers_) {
    if (!has_room(worker) || (finish ? !can_run(worker, job) : !worker.reducer(reduce))) continue;
    const double ready = ready_s(worker, now);
    if (ready < soonest) {
      soonest = ready;
      best = &worker;
    }
  }
  if (!best) return false;

  wire::Lease lease;
  lease.total = job.total;
  lease.encoding = Encoding::value;
  if (finish) {
    lease.kind = wire::LeaseKind::finish;
    lease.function = job.function;
    lease.tasks = {{0, job.total}};
    wire::BatchBuilder builder;
    builder.add(*job.partials->value());
    lease.batch = builder.take();
    job.finishing = true;
  } else {
    auto run = job.partials->take_run(job.all_ended() ? 2 : kMergeFrom, kMergeAtMost, kMergeBytes);
    if (!run) return false;
    lease.kind = wire::LeaseKind::merge;
    lease.function = reduce;
    lease.tasks = {run->tasks};
    lease.batch = std::move(run->values);
  }
  grant(job, *best, std::move(lease), kLeaseMin, now, effects);
  return true;
}

void Core::grant(Job& job, Worker& worker, wire::Lease&& lease, double expected_s, Time now, Effects& effects) {
  ++counters_.leases;
  lease.lease = {config_.incarnation, ++last_lease_};
  lease.job = job.uuid;
  lease.number = job.number;
  // A second attempt reveals that the first one failed. What comes before an earlier message of the job must not wait longer than it.
  if (lease.attempt > 1) job.lease_ticket = std::max(job.lease_ticket, job.ticket);
  const std::uint64_t after = job.lease_ticket;
  if (job.common && lease.kind != wire::LeaseKind::merge) {
    lease.common = true;
    if (worker.commons.insert(job.uuid).second) send(worker.session, wire::Common{job.uuid, *job.common}, effects, after);
  }
  Lease& record = leases_[lease.lease];
  record.id = lease.lease;
  record.job = job.number;
  record.worker = worker.session;
  record.kind = lease.kind;
  record.attempt = lease.attempt;
  record.open = wire::IntervalSet(lease.tasks);
  record.granted_tasks = record.open.size();
  record.bytes = lease.batch.weight();
  record.granted = now;
  record.expected_s = expected_s;
  worker.leases.insert(lease.lease);
  worker.expected_s += expected_s;
  worker.bytes_out += record.bytes;
  job.expected_out += expected_s;
  if (job.state == JobState::waiting) {
    job.state = JobState::running;
    job.started = now;
    save(job);
  }
  touch(job);
  send(worker.session, std::move(lease), effects, after);
}

void Core::rebalance(Time now, Effects& effects) {
  for (const auto& [id, worker] : workers_) {
    if (worker.leases.size() >= worker.slots() || !has_room(worker)) continue;
    if (!ask_back(worker, now, effects)) break;
  }
}

bool Core::ask_back(const Worker& idle, Time now, Effects& effects) {
  Lease* worst = nullptr;
  double worst_s = kReclaimFrom;
  std::uint64_t want = 0;
  bool candidates = false;
  for (auto& [id, busy] : workers_) {
    if (busy.session == idle.session) continue;
    std::size_t n = 0;
    double before_s = 0;  // until a queued lease starts
    for (wire::LeaseId lease_id : busy.leases) {
      Lease& lease = leases_.at(lease_id);
      const bool running = n++ < busy.slots();
      const Job& job = jobs_.at(lease.job);
      const bool task_lease = lease.kind != wire::LeaseKind::merge && lease.kind != wire::LeaseKind::finish;
      const std::uint64_t open = lease.open.size();
      const double rate = std::max(1e-9, busy.rate_of(job.function));
      double left = static_cast<double>(open);
      double left_s = left / rate;
      if (running) {
        const double elapsed_s = seconds(now - lease.granted);
        const double late_s = elapsed_s - static_cast<double>(lease.granted_tasks) / rate;
        // Overdue: the rate was wrong for these tasks. Half of what was not reported may still be to do, and take as long
        // again as it is late.
        left = late_s < 0 ? std::min(left, -late_s * rate) : left / 2;
        left_s = std::max(left / rate, late_s);
        before_s += left_s / busy.slots();
      }
      const double wait_s = running ? 0 : before_s;
      if (!task_lease || !can_run(idle, job) || (running && open < 2)) continue;
      candidates = true;
      const double ends_s = wait_s + left_s;
      if (lease.reclaiming || now < lease.reclaim_after || ends_s <= worst_s) continue;
      worst = &lease;
      worst_s = ends_s;
      const double idle_rate = idle.rate_of(job.function) > 0 ? idle.rate_of(job.function) : rate;
      // Both should end at the same time: what the idle one takes of the rest is its share of the two speeds.
      const double share = wait_s > 0 ? 1.0 : idle_rate / (idle_rate + rate);
      want = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(left * share));
    }
  }
  if (worst) {
    worst->reclaiming = true;
    worst->reclaim_after = now + std::chrono::duration_cast<wire::Duration>(std::chrono::duration<double>(std::max(0.05, worst_s / 4)));
    send(worst->worker, wire::Reclaim{worst->id, want}, effects, jobs_.at(worst->job).lease_ticket);
  }
  if (candidates) {
    const Time again = now + kRetryReclaim;
    if (!retry_dispatch_ || again < *retry_dispatch_) retry_dispatch_ = again;
  }
  return worst != nullptr;
}

}  // namespace quern::broker
