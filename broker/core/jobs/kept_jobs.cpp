#include "broker/core/jobs/kept_jobs.hpp"

#include <algorithm>

namespace quern::broker {

bool KeptJobs::is_fetched_later(const Job& job) {
  return job.spec.options->detach || job.spec.options->ttl_s > 0 ||
         !job.spec.options->unique.empty();
}

Time KeptJobs::expires(const Job& job) const {
  if (job.spec.options->ttl_s > 0)
    return job.phase.finished + std::chrono::seconds(job.spec.options->ttl_s);
  return job.phase.finished +
         (is_fetched_later(job) ? context_.config.keep_results : context_.config.keep);
}

void KeptJobs::keep(Job& job) {
  if (!is_fetched_later(job)) {
    finished_.push_back(job.number);
    return;
  }
  job.books.kept_bytes =
      job.output.results.weight() + (job.output.value ? job.output.value->size() : 0);
  (job.durable() ? in_store_ : in_memory_) += job.books.kept_bytes;
  kept_.emplace(expires(job), job.number);
}

void KeptJobs::let_go(Job& job) {
  if (!is_fetched_later(job)) {
    const auto at = std::find(finished_.begin(), finished_.end(), job.number);
    if (at != finished_.end()) finished_.erase(at);
    return;
  }
  if (kept_.erase({expires(job), job.number}) == 0) return;
  (job.durable() ? in_store_ : in_memory_) -= job.books.kept_bytes;
  job.books.kept_bytes = 0;
}

bool KeptJobs::over_budget() const {
  return kept_.size() > context_.config.kept_max || in_store_ > context_.config.keep_bytes ||
         in_memory_ > context_.config.memory_limit / 4;
}

std::optional<JobNumber> KeptJobs::next_expired(Time now) {
  // Jobs that others need stay, whatever their time.
  const auto is_free = [&](JobNumber number) { return !jobs_.at(number).phase.feeds; };
  if (!finished_.empty() && (finished_.size() > context_.config.finished_max ||
                             now >= expires(jobs_.at(finished_.front())))) {
    const auto first = std::find_if(finished_.begin(), finished_.end(), is_free);
    if (first != finished_.end() &&
        (finished_.size() > context_.config.finished_max || now >= expires(jobs_.at(*first))))
      return *first;
  }
  const auto first = std::find_if(kept_.begin(), kept_.end(),
                                  [&](const auto& each) { return is_free(each.second); });
  if (first == kept_.end()) return std::nullopt;
  const auto& [until, number] = *first;
  if (now >= until) return number;
  if (!over_budget()) return std::nullopt;
  context_.warn("job " + std::to_string(value(number)) +
                " expires early: the kept results exceed --keep-bytes");
  return number;
}

std::optional<JobNumber> KeptJobs::next_unread(Time now) {
  if (unread_.empty() || unread_.begin()->first > now) return std::nullopt;
  const JobNumber number = unread_.begin()->second;
  unread_.erase(unread_.begin());
  return number;
}

}  // namespace quern::broker
