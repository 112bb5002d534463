// The invariants, checked by tests after every event.
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "gateway/pull/core.hpp"

namespace quern::gateway::pull {

std::optional<std::string> PullCore::broken_invariant() const {
  std::optional<std::string> wrong;
  const auto check = [&](bool holds, const char* text) {
    if (!holds && !wrong) wrong = text;
  };
  std::map<wire::LeaseId, wire::IntervalSet> locked;
  for (const auto& [id, batch] : batches_.all()) {
    std::size_t count = 0;
    Batch copy = batch;
    copy.each(std::nullopt, [&](const Piece& piece, std::uint64_t task, TaskState state) {
      if (state != TaskState::locked) return;
      ++count;
      check(locked[piece.lease].add({task, task + 1}) == 1, "two clients have the same task");
    });
    check(count == batch.locked, "a batch counts its locked tasks wrongly");
    check(batch.waiting.empty() || batch.unreported > 0, "a client waits for no report");
  }
  std::uint32_t leases_locked = 0;
  for (const auto& [id, lease] : leases_.all()) {
    leases_locked += lease.locked > 0;
    check(lease.locked == locked[id].size(), "a lease counts its locked tasks wrongly");
    for (const auto& tasks : locked[id].list()) {
      check(lease.open.contains(tasks), "a client has a task that the broker knows to be over");
      check(lease.unpulled.intersect(tasks).empty(), "a task that a client has can be pulled");
    }
    for (const auto& tasks : lease.unpulled.list())
      check(lease.open.contains(tasks), "a task that is over can be pulled");
    check(lease.unpulled.empty() == !leases_.with_unpulled().contains(id),
          "the list of leases with unpulled tasks is wrong");
    check(!lease.finished || lease.is_through(), "a finished lease has tasks left");
    check(!lease.finished || outbox_.has(id), "a finished lease has no report in the outbox");
    check(touched_.contains(id) || lease.finished || !lease.is_through(),
          "nobody ends a lease that is through");
    check(touched_.contains(id) || !lease.has_news(), "nobody reports what was collected");
    locked.erase(id);
  }
  for (const auto& [id, tasks] : locked)
    check(tasks.empty(), "a client has a task of an unknown lease");
  check(leases_locked == leases_.locked(), "the leases with locked tasks are counted wrongly");
  std::uint64_t bytes = 0;
  for (const auto& [id, entry] : outbox_.all()) {
    bytes += Outbox::weight(entry.report);
    check(leases_.all().contains(id.lease), "the outbox has a report of an unknown lease");
  }
  check(bytes == outbox_.bytes(), "the weight of the outbox is wrong");
  for (const auto& [ticket, asked] : asked_) {
    const auto batch = batches_.all().find(asked.batch);
    check(batch != batches_.all().end() &&
              std::count(batch->second.waiting.begin(), batch->second.waiting.end(), ticket) == 1,
          "a client waits for a batch that does not know it");
  }
  return wrong;
}

void PullCore::check_invariants() const {
  const auto wrong = broken_invariant();
  if (!wrong) return;
  std::fprintf(stderr, "pull core: %s\n", wrong->c_str());
  std::abort();
}

}  // namespace quern::gateway::pull
