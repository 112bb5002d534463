#include "worker/core/lease_queue.hpp"

#include <algorithm>

namespace quern::worker {
namespace {

template <typename Deque>
auto find(Deque& leases, const wire::LeaseId& id) {
  return std::find_if(leases.begin(), leases.end(),
                      [&](const wire::Lease& lease) { return lease.lease == id; });
}

std::optional<wire::Lease> remove_from(std::deque<wire::Lease>& leases, const wire::LeaseId& id) {
  const auto at = find(leases, id);
  if (at == leases.end()) return std::nullopt;
  wire::Lease lease = std::move(*at);
  leases.erase(at);
  return lease;
}

}  // namespace

wire::Intervals cut_back(wire::Intervals& tasks, std::uint64_t want) {
  wire::Intervals cut;
  while (want > 0 && !tasks.empty()) {
    wire::Interval& last = tasks.back();
    const std::uint64_t n = std::min(want, last.size());
    cut.push_back({last.end - n, last.end});
    last.end -= n;
    want -= n;
    if (last.empty()) tasks.pop_back();
  }
  std::reverse(cut.begin(), cut.end());
  return cut;
}

void LeaseQueue::push(wire::Lease lease) {
  auto& leases = is_urgent(lease) ? urgent_ : ordinary_;
  leases.push_back(std::move(lease));
}

std::vector<wire::Lease> LeaseQueue::take(const Uuid& job) {
  std::vector<wire::Lease> taken;
  for (auto& lease : ordinary_)
    if (lease.job == job) taken.push_back(std::move(lease));
  // A moved-from lease still has its job: it is plain data.
  std::erase_if(ordinary_, [&](const wire::Lease& lease) { return lease.job == job; });
  return taken;
}

std::optional<wire::Lease> LeaseQueue::remove(const wire::LeaseId& id) {
  auto lease = remove_from(ordinary_, id);
  return lease ? std::move(lease) : remove_from(urgent_, id);
}

wire::Intervals LeaseQueue::cut(const wire::LeaseId& id, std::uint64_t want) {
  const auto at = find(ordinary_, id);  // urgent ones are indivisible
  if (at == ordinary_.end()) return {};
  wire::Intervals cut = cut_back(at->tasks, want);
  if (at->tasks.empty()) {
    ordinary_.erase(at);
  } else if (takes_payloads(*at) && !cut.empty()) {
    const std::uint64_t left = wire::size(at->tasks);
    at->batch.bytes = at->batch.bytes.slice(0, at->batch.sizes.sum(0, left));
    at->batch.sizes = at->batch.sizes.slice(0, left);
  }
  return cut;
}

std::deque<wire::Lease> LeaseQueue::take_all() {
  std::deque<wire::Lease> all = std::move(urgent_);
  all.insert(all.end(), std::make_move_iterator(ordinary_.begin()),
             std::make_move_iterator(ordinary_.end()));
  urgent_.clear();
  ordinary_.clear();
  return all;
}

}  // namespace quern::worker
