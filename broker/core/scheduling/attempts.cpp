#include "broker/core/scheduling/attempts.hpp"

#include <algorithm>
#include <cmath>

#include "broker/core/base/seconds.hpp"

namespace quern::broker {
namespace {

// Speculative attempts may cost a job this share of its slot time, plus a constant for small jobs.
constexpr double kWasteShare = 0.05;

constexpr double kWasteLeast = 1.0;

}  // namespace

void Attempts::link(Lease& original, Lease& copy) {
  copy.rival.speculative = true;
  copy.rival.id = original.id;
  original.rival.id = copy.id;
  speculative_.insert(copy.id);
  ++jobs_.at(copy.job).attempts.mishaps.edit().copies;
}

void Attempts::unlink(Lease& lease) {
  Lease& other = leases_.at(lease.rival.id);
  speculative_.erase(lease.id);
  speculative_.erase(other.id);
  lease.open.clear();
  lease.rival.id = other.rival.id = {};
  lease.rival.speculative = other.rival.speculative = false;
}

void Attempts::leave_to_other(Lease& lease, Time now) {
  jobs_.at(lease.job).attempts.mishaps.edit().wasted_s += seconds(now - lease.granted);
  unlink(lease);
}

bool Attempts::may_run_beside(const Job& job, const Worker& worker) {
  // Two attempts would submit the same jobs twice.
  if (job.spec.options->at_most_once || job.spec.options->nested) return false;
  const bool always = job.spec.options->idempotent;
  bool people = false;
  const bool declared = worker.any_declaration(job.spec.function, [&](const FunctionDecl& decl) {
    const bool meant =
        decl.takes == job.run.decision->takes && decl.encoding == job.run.decision->encoding;
    people = people || (meant && decl.people);
    return meant && decl.idempotent;
  });
  return (always || declared) && !people;
}

double Attempts::budget_s(const Job& job, Time now) const {
  double spent = job.attempts.mishaps->wasted_s;
  // The attempts that are still running count too, or many could start before the first is charged.
  for (wire::LeaseId id : speculative_)
    if (const Lease& copy = leases_.at(id); copy.job == job.number)
      spent += seconds(now - copy.granted);
  return kWasteLeast + kWasteShare * job.effort.busy_s - spent;
}

}  // namespace quern::broker
