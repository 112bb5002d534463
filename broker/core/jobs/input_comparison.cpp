#include "broker/core/jobs/input_comparison.hpp"

namespace quern::broker {

Match match_of(const Job& job, const wire::Submit& submit) {
  if (job.blob || submit.options.unique_any || job.keyed->print.shape == 0) return Match::same;
  const InputPrint print = print_of(submit);
  if (print.shape != job.keyed->print.shape) return Match::other;
  if (job.keyed->print.items == 0)
    return Match::same;  // not known: there is nothing to compare with
  if (job.open || (submit.open && submit.input != InputKind::range)) return Match::open;
  return print.items == job.keyed->print.items ? Match::same : Match::other;
}

Match match_of(const Job& job, const wire::Attach& attach) {
  if (job.keyed->print.items == 0) return Match::same;
  if (job.open) return Match::open;
  const bool same =
      attach.input_digest == job.keyed->print.items && attach.input_count == job.accepted;
  return same ? Match::same : Match::other;
}

std::string conflict_with(const Job& job) {
  return "the unique key '" + job.options->unique + "' is that of job " +
         std::to_string(value(job.number)) +
         ", which has another function or input: choose another key, or take that job's results "
         "all the same (--unique-any)";
}

}  // namespace quern::broker
