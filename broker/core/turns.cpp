#include "broker/core/turns.hpp"

#include <algorithm>

#include "broker/core/job.hpp"

namespace quern::broker {

namespace {

// Where a newcomer begins: level with who was served last, but not behind all others. Keys hold what leases were expected to take, and fall when they took less.
template <typename L>
double start_in(const L& all) {
  return all.turns.empty() ? all.served : std::min(all.served, all.turns.begin()->key);
}

}  // namespace

void Turns::enter(Job& job) {
  Level& level = levels_[-std::int64_t{job.options.priority}];
  const auto [it, fresh] = level.parties.try_emplace(job.principal);
  Party& party = it->second;
  if (fresh) {
    party.name = job.principal;
    party.used = start_in(level);
  }
  party.weight = job.principal_weight;
  ++party.live;
  job.place = {&level, &party, {}, nullptr, {}};
  job.used = std::max(job.used, start_in(party));
}

void Turns::leave(Job& job) {
  if (!job.place.party) return;
  take_out(job);
  std::erase(aside_, &job);
  Level& level = *job.place.level;
  if (--job.place.party->live == 0) level.parties.erase(job.place.party->name);
  if (level.parties.empty()) levels_.erase(-std::int64_t{job.options.priority});
  job.place = {};
}

void Turns::take_out(Job& job) {
  auto& [level, party, key, wants, counted] = job.place;
  want(job, nullptr);
  if (!key) return;
  party->turns.erase({*key, job.number, &job});
  key.reset();
  if (party->turns.empty()) level->turns.erase({party->key, party});
}

void Turns::update(Job& job) {
  auto& [level, party, key, wants, counted] = job.place;
  if (!party) return;
  if (!job.wants_turn()) return take_out(job);
  want(job, job.pending.empty() ? nullptr : job.pool);
  party->weight = job.principal_weight;
  if (key) {  // it moves up or down
    auto turn = party->turns.extract({*key, job.number, &job});
    turn.value().key = *(key = job.turn_key());
    party->turns.insert(std::move(turn));
    return move(*level, *party);
  }
  job.used = std::max(job.used, start_in(*party) - job.expected_out / job.weight());
  key = job.turn_key();
  const bool alone = party->turns.empty();
  party->turns.insert({*key, job.number, &job});
  if (!alone) return move(*level, *party);
  party->used = std::max(party->used, start_in(*level) - party->expected / party->weight);
  party->key = party->key_now();
  level->turns.insert({party->key, party});
}

void Turns::want(Job& job, const Pool* pool) {
  auto& [level, party, key, wants, counted] = job.place;
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
    counted = {1, job.pending.size(), static_cast<double>(job.pending.size()) * job.unit()};
    now.tasks += counted.tasks;
    now.work = std::max(0.0, now.work) + counted.work;
    if (wants != pool && ++now.jobs == 1) level->kinds = ++kinds_;
  }
  wants = pool;
}

void Turns::move(Level& level, Party& party) {
  auto turn = level.turns.extract({party.key, &party});
  turn.value().key = party.key = party.key_now();
  level.turns.insert(std::move(turn));
}

void Turns::charge(Job& job, double slot_s) {
  job.used += slot_s / job.weight();
  if (Party* party = job.place.party) party->used += slot_s / party->weight;
}

void Turns::expect(Job& job, double slot_s) {
  job.expected_out = std::max(0.0, job.expected_out + slot_s);
  if (Party* party = job.place.party) party->expected = std::max(0.0, party->expected + slot_s);
}

void Turns::serve(Job& job) {
  auto& [level, party, key, wants, counted] = job.place;
  if (!party) return;
  party->served = std::max(party->served, key.value_or(job.turn_key()));
  level->served = std::max(level->served, party->turns.empty() ? party->key_now() : party->key);
}

void Turns::moved(Job& job) {
  auto& [level, party, key, wants, counted] = job.place;
  if (party && !party->turns.empty()) move(*level, *party);
}

Job* Turns::next(const Level& level) const {
  return level.turns.empty() ? nullptr : level.turns.begin()->party->turns.begin()->job;
}

bool Turns::before(const Job& a, const Job& b) {
  const Party &mine = *a.place.party, &other = *b.place.party;
  if (&mine != &other) {
    const double key = mine.key_now(), other_key = other.key_now();
    return key != other_key ? key < other_key : mine.name < other.name;
  }
  const double key = a.turn_key(), other_key = b.turn_key();
  return key != other_key ? key < other_key : a.number < b.number;
}

void Turns::set_aside(Job& job) {
  const auto wants = job.place.wants;
  job.place.wants = nullptr;  // it wants what it wants while others are served
  take_out(job);
  job.place.wants = wants;
  aside_.push_back(&job);
}

void Turns::restore() {
  for (Job* job : aside_) {
    auto& [level, party, key, wants, counted] = job->place;
    if (key) continue;  // something happened to it meanwhile
    key = job->turn_key();
    if (party->turns.empty()) {
      party->key = party->key_now();
      level->turns.insert({party->key, party});
    }
    party->turns.insert({*key, job->number, job});
  }
  aside_.clear();
}

}  // namespace quern::broker
