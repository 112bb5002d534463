#include "broker/core/clients/births.hpp"

#include <algorithm>
#include <utility>

#include "broker/core/jobs/input_print.hpp"
#include "wire/blob.hpp"
#include "wire/input_digest.hpp"

namespace quern::broker {

Job& Births::create(const Session& session, const Principal& principal, wire::Submit& submit,
                    Time now) {
  Job& job = jobs_.add(journal_.take_number());
  job.principal = session.principal;
  job.principal_weight = principal.weight;
  job.weight_max = principal.may(Right::admin) ? kNoWeightMax : 1;
  job.owner = session.id;
  set_spec(job, submit, now);
  turns_.enter(job);
  if (job.durable())
    journal_.persist(job, AddJob{{job.number, job.uuid, job.function, job.input, job.base,
                                  job.range_end, Jobs::options_of(job), job.principal,
                                  job.common.optional(), job.keyed->print.shape}});
  journal_.save(job);
  job.born_ticket = job.lease_ticket = job.ticket;
  jobs_.index(job);
  jobs_.set_live(job, true);
  if (!job.blob) decider_.add_undecided(job);
  blobs_.hold(job);
  return job;
}

void Births::set_spec(Job& job, wire::Submit& submit, Time now) const {
  job.uuid = submit.job;
  job.function = std::move(submit.function);
  job.blob = job.function == wire::kBlobFunction;
  if (job.blob) job.keeping.edit().wanted = now;
  if (!submit.options.unique.empty() && !job.blob) {
    submit.function = job.function;
    job.keyed.edit().print = print_of(submit);
    job.keyed.edit().print.items =
        wire::InputDigest().value();  // they are counted as they are taken in
  }
  job.input = submit.input;
  job.encoding = submit.encoding;
  wire::JobOptions& options = submit.options;
  if (options.durability == Durability::automatic)
    options.durability = context_.config.store ? Durability::durable : Durability::memory;
  options.attempts = options.at_most_once ? 1 : std::max(1u, options.attempts);
  job.costed = options.cost > 0;
  if (job.costed) options.cost = std::clamp(options.cost, CostHints::kLeast, CostHints::kMost);
  jobs_.set_options(job, std::move(options));
  if (submit.has_common) job.common.emplace(std::move(submit.common));
  job.submitted = job.pace_since = now;
  job.open = submit.open;
  if (job.input == InputKind::range) {
    job.open = false;
    job.base = submit.range_begin;
    job.range_end = submit.range_end;
    job.encoding = Encoding::value;
    job.accepted = job.total = static_cast<std::uint64_t>(submit.range_end) -
                               static_cast<std::uint64_t>(submit.range_begin);
    job.pending.add({0, job.total});
  }
}

}  // namespace quern::broker
