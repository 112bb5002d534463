#include "broker/core/scheduling/fair_queue.hpp"

#include <algorithm>
#include <limits>

#include "broker/core/jobs/job.hpp"

namespace quern::broker {

namespace {

// Where a newcomer starts: level with the next in turn or the last one served, whichever has
// received less. Only received slot time counts, not what running leases are expected to take: for
// an unknown function that is a guess, which may be a thousand times too high.
double start_of(const Level& level) {
  return level.turns.empty() ? level.served
                             : std::min(level.served, level.turns.begin()->party->used);
}
double start_of(const Party& party) {
  return party.heads.empty() ? party.served
                             : std::min(party.served, party.heads.begin()->job->run.used);
}

}  // namespace

void FairQueue::enter(Job& job) {
  Level& level = levels_[-std::int64_t{job.spec.options->priority}];
  const auto [it, fresh] = level.parties.try_emplace(job.spec.principal);
  Party& party = it->second;
  if (fresh) {
    party.name = job.spec.principal;
    party.used = start_of(level);
  }
  party.weight = job.owner.weight;
  ++party.live;
  job.run.place = {&level, &party, {}, nullptr, {}, nullptr};
  job.run.used = std::max(job.run.used, start_of(party));
}

double Party::last_key() const {
  double last = -std::numeric_limits<double>::infinity();
  for (const auto& [pool, queue] : queues) last = std::max(last, queue.turns.rbegin()->key);
  return last;
}

void FairQueue::leave(Job& job) {
  if (!job.run.place.party) return;
  withdraw(job);
  std::erase(aside_, &job);
  Level& level = *job.run.place.level;
  if (--job.run.place.party->live == 0) {
    std::erase_if(queues_aside_,
                  [&](const AsideQueue& aside) { return aside.party == job.run.place.party; });
    level.parties.erase(job.run.place.party->name);
  }
  if (level.parties.empty()) levels_.erase(-std::int64_t{job.spec.options->priority});
  job.run.place = {};
}

/// The first turn of a queue represents it among the queues of its principal; the first of those
/// represents the principal in the priority.
void FairQueue::list(Level& level, Party& party, Party::Queue& queue) {
  if (queue.aside || queue.turns.empty()) return;
  if (party.heads.empty()) {
    party.key = party.key_now();
    level.turns.insert({party.key, &party});
  }
  party.heads.insert(*queue.turns.begin());
}

void FairQueue::unlist(Level& level, Party& party, Party::Queue& queue) {
  if (queue.aside || queue.turns.empty()) return;
  party.heads.erase(*queue.turns.begin());
  if (party.heads.empty()) level.turns.erase({party.key, &party});
}

void FairQueue::put_in(Job& job) {
  auto& [level, party, key, wants, counted, queued] = job.run.place;
  Party::Queue& queue = party->queues[queued = job.wants_merge() ? nullptr : job.run.pool];
  key = job.queue_key();
  const Party::Turn turn{*key, job.number, &job};
  ++party->wanting;
  merging_ += queued ? 0 : 1;
  const bool first = queue.turns.empty() || turn < *queue.turns.begin();
  if (first) unlist(*level, *party, queue);
  queue.turns.insert(turn);
  if (first) list(*level, *party, queue);
}

void FairQueue::take_out(Job& job) {
  auto& [level, party, key, wants, counted, queued] = job.run.place;
  if (!key) return;
  const auto at = party->queues.find(queued);
  Party::Queue& queue = at->second;
  const Party::Turn turn{*key, job.number, &job};
  key.reset();
  --party->wanting;
  merging_ -= queued ? 0 : 1;
  const bool first = queue.turns.begin()->job == &job;
  if (first) unlist(*level, *party, queue);
  queue.turns.erase(turn);
  if (first) list(*level, *party, queue);
  if (queue.turns.empty()) party->queues.erase(at);
}

void FairQueue::withdraw(Job& job) {
  want(job, nullptr);
  take_out(job);
}

void FairQueue::update(Job& job) {
  auto& [level, party, key, wants, counted, queued] = job.run.place;
  if (!party) return;
  if (!job.wants_to_queue()) return withdraw(job);
  want(job, job.tasks.pending.empty() ? nullptr : job.run.pool);
  party->weight = job.owner.weight;
  if (key) {  // its key may have changed
    take_out(job);
    put_in(job);
    return move(*level, *party);
  }
  // A principal or job that wanted nothing for a while starts level, so that it has not saved up a
  // claim.
  if (party->wanting == 0)
    party->used = std::max(party->used, start_of(*level) - party->expected / party->weight);
  job.run.used = std::max(job.run.used, start_of(*party) - job.run.expected_s / job.weight());
  put_in(job);
  move(*level, *party);
}

void FairQueue::want(Job& job, const Pool* pool) {
  auto& [level, party, key, wants, counted, queued] = job.run.place;
  if (wants != pool) {
    if (wants && --wanted_[wants] == 0) wanted_.erase(wants);
    if (pool) ++wanted_[pool];
  }
  if (wants) {
    Wanted& before = level->wanted[wants];
    before.tasks -= counted.tasks;
    before.work -= counted.work;
    if (wants != pool && --before.jobs == 0) {
      level->wanted.erase(wants);
      level->kinds = ++kinds_;
    }
  }
  if (pool) {
    Wanted& now = level->wanted[pool];
    counted = {1, job.tasks.pending.size(),
               static_cast<double>(job.tasks.pending.size()) * job.unit()};
    now.tasks += counted.tasks;
    now.work = std::max(0.0, now.work) + counted.work;
    if (wants != pool && ++now.jobs == 1) level->kinds = ++kinds_;
  }
  wants = pool;
}

void FairQueue::move(Level& level, Party& party) {
  if (party.heads.empty() || party.key == party.key_now()) return;
  auto turn = level.turns.extract({party.key, &party});
  turn.value().key = party.key = party.key_now();
  level.turns.insert(std::move(turn));
}

void FairQueue::charge(Job& job, double slot_s) {
  job.run.used += slot_s / job.weight();
  Party* party = job.run.place.party;
  if (!party) return;
  party->used += slot_s / party->weight;
  move(*job.run.place.level, *party);
}

void FairQueue::expect(Job& job, double slot_s) {
  job.run.expected_s = std::max(0.0, job.run.expected_s + slot_s);
  Party* party = job.run.place.party;
  if (!party) return;
  party->expected = std::max(0.0, party->expected + slot_s);
  move(*job.run.place.level, *party);
}

void FairQueue::serve(Job& job) {
  auto& [level, party, key, wants, counted, queued] = job.run.place;
  if (!party) return;
  party->served = std::max(party->served, job.run.used);
  level->served = std::max(level->served, party->used);
}

Job* FairQueue::next(const Level& level) const {
  return level.turns.empty() ? nullptr : level.turns.begin()->party->heads.begin()->job;
}

bool FairQueue::before(const Job& a, const Job& b) {
  const Party &mine = *a.run.place.party, &other = *b.run.place.party;
  if (&mine != &other) {
    const double key = mine.key_now(), other_key = other.key_now();
    return key != other_key ? key < other_key : mine.name < other.name;
  }
  const double key = a.queue_key(), other_key = b.queue_key();
  return key != other_key ? key < other_key : a.number < b.number;
}

void FairQueue::set_aside(Job& job) {
  take_out(job);  // what it wants stays counted while others are served
  aside_.push_back(&job);
}

void FairQueue::set_queue_aside(Job& job) {
  auto& [level, party, key, wants, counted, queued] = job.run.place;
  Party::Queue& queue = party->queues.at(queued);
  unlist(*level, *party, queue);
  queue.aside = true;
  queues_aside_.push_back({level, party, queued});
}

void FairQueue::restore() {
  for (const AsideQueue& aside : queues_aside_) {
    const auto at = aside.party->queues.find(aside.pool);
    if (at == aside.party->queues.end() || !std::exchange(at->second.aside, false)) continue;
    list(*aside.level, *aside.party, at->second);
  }
  queues_aside_.clear();
  for (Job* job : aside_)
    if (!job->run.place.key) put_in(*job);  // otherwise it was put in again meanwhile
  aside_.clear();
}

}  // namespace quern::broker
