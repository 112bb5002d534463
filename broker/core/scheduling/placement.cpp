#include "broker/core/scheduling/placement.hpp"

#include <algorithm>
#include <limits>

namespace quern::broker {
namespace {

/// Orders a heap with the best candidate on top; among equals, one with room.
bool worse(const Candidate& a, const Candidate& b) {
  const double ca = completion_s(a), cb = completion_s(b);
  if (ca != cb) return ca > cb;
  if (a.room != b.room) return a.room < b.room;
  return a.worker > b.worker;
}

}  // namespace

void Placer::begin(std::vector<Candidate>&& candidates) {
  heap_ = std::move(candidates);
  std::make_heap(heap_.begin(), heap_.end(), worse);
}

Placement Placer::next(std::uint64_t tasks) {
  double wait_s = std::numeric_limits<double>::infinity();
  std::uint64_t passed = 0;
  for (; passed < tasks && !heap_.empty(); ++passed) {
    if (heap_.front().room) return {heap_.front().worker, 0, passed};
    std::pop_heap(heap_.begin(), heap_.end(), worse);
    Candidate& best = heap_.back();
    wait_s = std::min(wait_s, best.ready_s);
    // It is assumed to take this task when it is free.
    best.ready_s += 1.0 / (best.rate * best.slots);
    std::push_heap(heap_.begin(), heap_.end(), worse);
  }
  return {std::nullopt, wait_s, passed};
}

void Placer::placed(double ready_s, bool room) {
  std::pop_heap(heap_.begin(), heap_.end(), worse);
  heap_.back().ready_s = ready_s;
  heap_.back().room = room;
  std::push_heap(heap_.begin(), heap_.end(), worse);
}

}  // namespace quern::broker
