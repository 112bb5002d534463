#include "broker/core/clients/job_factory.hpp"

#include <algorithm>
#include <utility>

#include "broker/core/jobs/input_print.hpp"
#include "wire/input_digest.hpp"

namespace quern::broker {

std::variant<Inflow, Refusal> JobFactory::edges_of(const std::string& principal,
                                                   wire::Submit& submit) const {
  if (submit.edges.empty() && !submit.has_links) return Inflow{};
  return connecting_.check(principal, submit);
}

Job& JobFactory::create(const Session& session, const Submitter& owner, wire::Submit& submit,
                        Inflow inflow, Time now) {
  Job& job = jobs_.add(journal_.take_number());
  job.spec.principal = owner.name;
  job.owner.weight = owner.weight;
  job.owner.weight_max = owner.weight_max;
  job.owner.session = session.id;
  set_spec(job, submit, now);
  const JobChange change = changes_.begin(job);
  if (owner.task) families_.add(job, *owner.task, jobs_.find(owner.task->job));
  queue_.enter(job);
  if (job.durable())
    journal_.persist(
        job, AddJob{{job.number, job.spec.uuid, job.spec.function, job.spec.input, job.spec.base,
                     job.spec.range_end, Jobs::options_of(job), job.spec.principal,
                     job.spec.common.optional(), job.intake.keyed->print.shape, submit.edges,
                     submit.join, submit.links, submit.encoding,
                     owner.task ? std::optional(*owner.task) : std::nullopt}});
  job.commits.born = job.commits.leases = job.commits.latest;
  jobs_.index(job);
  jobs_.set_live(job, true);
  if (job.is_run()) decider_.add_undecided(job);
  blobs_.hold(job);
  start_times_.hold(job);
  if (!submit.edges.empty() || submit.has_links) connecting_.connect(job, std::move(inflow));
  return job;
}

void JobFactory::set_spec(Job& job, wire::Submit& submit, Time now) const {
  job.spec.uuid = submit.job;
  job.spec.function = std::move(submit.function);
  if (Blob::is_function(job.spec.function)) job.blob.emplace(job, now);
  // The key of a blob is the hash of its input, so there is nothing to compare.
  if (!submit.options.unique.empty() && !job.is_blob()) {
    submit.function = job.spec.function;
    job.intake.keyed.edit().print = print_of(submit);
    job.intake.keyed.edit().print.items =
        wire::InputDigest().value();  // the payloads are added as they are taken in
  }
  job.spec.input = submit.input;
  job.intake.encoding = submit.encoding;
  wire::JobOptions& options = submit.options;
  if (options.durability == Durability::automatic)
    options.durability = context_.config.store ? Durability::durable : Durability::memory;
  options.attempts = options.at_most_once ? 1 : std::max(1u, options.attempts);
  if (options.start_in_ms > 0)
    options.start_at_ms =
        static_cast<std::uint64_t>(context_.wall_ms()) + std::exchange(options.start_in_ms, 0);
  job.spec.costed = options.cost > 0;
  if (job.spec.costed) options.cost = std::clamp(options.cost, CostHints::kLeast, CostHints::kMost);
  jobs_.set_options(job, std::move(options));
  if (submit.has_common) job.spec.common.emplace(std::move(submit.common));
  job.phase.submitted = job.effort.since = now;
  job.intake.open = submit.open;
  if (job.spec.input == InputKind::range) {
    job.intake.open = false;
    job.spec.base = submit.range_begin;
    job.spec.range_end = submit.range_end;
    job.intake.encoding = Encoding::value;
    job.intake.accepted = job.tasks.total = static_cast<std::uint64_t>(submit.range_end) -
                                            static_cast<std::uint64_t>(submit.range_begin);
    job.tasks.pending.add({0, job.tasks.total});
  }
}

}  // namespace quern::broker
