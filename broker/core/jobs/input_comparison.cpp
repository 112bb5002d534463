#include "broker/core/jobs/input_comparison.hpp"

namespace quern::broker {

Match match_of(const Job& job, const wire::Submit& submit) {
  // A job without a print is a blob, whose key is the hash of its content, or was stored by a
  // broker that made no prints.
  if (submit.options.unique_any || job.intake.keyed->print.shape == 0) return Match::same;
  const InputPrint print = print_of(submit);
  if (print.shape != job.intake.keyed->print.shape) return Match::other;
  if (job.intake.keyed->print.items == 0)
    return Match::same;  // unknown: there is nothing to compare with
  if (job.phase.fed && job.intake.from_jobs()) return Match::same;  // the shape contains its edges
  if (job.intake.open || (submit.open && submit.input != InputKind::range)) return Match::open;
  return print.items == job.intake.keyed->print.items ? Match::same : Match::other;
}

Match match_of(const Job& job, const wire::Attach& attach) {
  if (job.intake.keyed->print.items == 0) return Match::same;
  if (job.intake.open) return Match::open;
  const bool same = attach.input_digest == job.intake.keyed->print.items &&
                    attach.input_count == job.intake.accepted;
  return same ? Match::same : Match::other;
}

std::string conflict_with(const Job& job) {
  return "the idempotency key '" + job.spec.options->unique + "' belongs to job " +
         std::to_string(value(job.number)) +
         ", which has a different function or input: choose another key, or accept that job's "
         "results (--unique-any)";
}

}  // namespace quern::broker
