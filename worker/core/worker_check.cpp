// The invariants, checked by tests and the simulator after every event.
#include <cstdio>
#include <cstdlib>

#include "worker/core/worker_core.hpp"

namespace quern::worker {

std::optional<std::string> WorkerCore::broken_invariant() const {
  std::optional<std::string> wrong;
  const auto check = [&](bool holds, const char* text) {
    if (!holds && !wrong) wrong = text;
  };
  std::size_t queued = 0, running = 0;
  for (const auto& [id, lease] : book_.held()) {
    queued += std::holds_alternative<Queued>(lease.state);
    if (const auto* on = std::get_if<Running>(&lease.state)) {
      ++running;
      const auto* lease_there = slots_.lease(on->slot);
      check(lease_there && *lease_there == id, "a running lease's slot runs something else");
    }
    if (std::holds_alternative<Reported>(lease.state))
      check(outbox_.count(id) > 0, "a reported lease has no report waiting");
  }
  queue_.for_each([&](const wire::Lease& lease) {
    const HeldLease* held = book_.find(lease.lease);
    check(held && std::holds_alternative<Queued>(held->state),
          "a lease in the queue is not queued in the book");
    check(held && held->open.list() == wire::IntervalSet(lease.tasks).list(),
          "a queued lease differs from the book");
    check(!takes_payloads(lease) || lease.batch.count() == wire::size(lease.tasks),
          "a queued lease has not one payload per task");
  });
  check(queued == queue_.size(), "the book and the queue differ in length");
  check(running == capacity().busy + slots_.waiting(),
        "a slot runs a lease that is not in the book");
  std::uint64_t bytes = 0;
  for (const auto& [id, report] : outbox_.reports()) {
    bytes += Outbox::weight(report);
    check(book_.find(id.lease) != nullptr, "the outbox has a report of an unknown lease");
  }
  check(bytes == outbox_.bytes(), "the outbox's weight is wrong");
  for (const auto& [id, job] : nested_.waiting()) {
    const HeldLease* held = book_.find(id);
    check(held && std::holds_alternative<Running>(held->state),
          "a lease waits for a job that it has submitted, but does not run");
  }
  check(nested_.waiting().size() == slots_.waiting(), "a slot waits for no job");
  check(!drain_.begun() || queue_.empty(), "a draining worker has leases queued");
  return wrong;
}

void WorkerCore::check_invariants() const {
  const auto wrong = broken_invariant();
  if (!wrong) return;
  std::fprintf(stderr, "broken invariant in a worker: %s\n", wrong->c_str());
  std::abort();
}

}  // namespace quern::worker
