#include "broker/core/jobs/shares.hpp"

#include <algorithm>

namespace quern::broker {
namespace {

// The size of one share in a message, without the worker's name.
constexpr std::size_t kShareBytes = 90;

bool did_more(const WorkerShare* a, const WorkerShare* b) {
  return a->tasks != b->tasks ? a->tasks > b->tasks : a->worker < b->worker;
}

}  // namespace

std::vector<WorkerShare> Shares::most(std::size_t at_most, std::size_t bytes) const {
  const std::size_t count = std::min({size(), at_most, bytes / kShareBytes});
  std::vector<const WorkerShare*> chosen;  // a heap with the smallest share in front
  for (const WorkerShare& share : all_->shares) {
    if (chosen.size() == count) {
      if (count == 0 || !did_more(&share, chosen.front())) continue;
      std::pop_heap(chosen.begin(), chosen.end(), did_more);
      chosen.pop_back();
    }
    chosen.push_back(&share);
    std::push_heap(chosen.begin(), chosen.end(), did_more);
  }
  std::sort_heap(chosen.begin(), chosen.end(), did_more);
  std::vector<WorkerShare> out;
  std::size_t taken = 0;
  for (const WorkerShare* share : chosen) {
    taken += kShareBytes + share->worker.size();
    if (taken > bytes) break;
    out.push_back(*share);
  }
  return out;
}

}  // namespace quern::broker
