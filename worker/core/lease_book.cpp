#include "worker/core/lease_book.hpp"

namespace quern::worker {

bool LeaseBook::add(const wire::Lease& lease) {
  return held_
      .try_emplace(lease.lease, HeldLease{lease.job, lease.function, lease.kind, lease.attempt,
                                          wire::IntervalSet(lease.tasks), Queued{}})
      .second;
}

HeldLease* LeaseBook::find(const wire::LeaseId& id) {
  const auto at = held_.find(id);
  return at == held_.end() ? nullptr : &at->second;
}

const HeldLease* LeaseBook::find(const wire::LeaseId& id) const {
  const auto at = held_.find(id);
  return at == held_.end() ? nullptr : &at->second;
}

bool LeaseBook::runs_on(const wire::LeaseId& id, SlotId slot) const {
  const HeldLease* lease = find(id);
  const Running* running = lease ? std::get_if<Running>(&lease->state) : nullptr;
  return running && running->slot == slot;
}

std::unordered_set<Uuid> LeaseBook::jobs() const {
  std::unordered_set<Uuid> jobs;
  for (const auto& [id, lease] : held_) jobs.insert(lease.job);
  return jobs;
}

std::vector<wire::HeldLease> LeaseBook::list(std::uint64_t bytes_max,
                                             std::vector<wire::LeaseId>& let_go) const {
  std::vector<wire::HeldLease> out;
  std::uint64_t bytes = 0;
  const auto pass = [&](bool queued) {
    for (const auto& [id, lease] : held_) {
      if (std::holds_alternative<Queued>(lease.state) != queued) continue;
      bytes += 100 + 20 * lease.open.fragments();  // an upper bound of its msgpack form
      if (bytes > bytes_max)
        let_go.push_back(id);
      else
        out.push_back({id, lease.job, lease.open.list(),
                       std::holds_alternative<Reported>(lease.state), lease.kind, lease.attempt});
    }
  };
  pass(false);
  pass(true);
  return out;
}

}  // namespace quern::worker
