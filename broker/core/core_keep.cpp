// How long ended jobs are kept, and in what order they are forgotten.
//
// What a client follows to its end is read then: such a job stays for an hour, for who wants to
// look at it. The results of a detached job, or of one with a unique key, are fetched later: it
// stays for a week, or for the time to live that it was given, as long as all of these together fit
// a budget of bytes.
#include <algorithm>

#include "broker/core/core.hpp"

namespace quern::broker {
namespace {

constexpr std::size_t kForgottenAtOnce = 500;  // in a sweep: each is some work for the store

}  // namespace

bool Core::is_fetched_later(const Job& job) {
  return job.options->detach || job.options->ttl_s > 0 || !job.options->unique.empty();
}

Time Core::expires(const Job& job) const {
  if (job.options->ttl_s > 0) return job.finished + std::chrono::seconds(job.options->ttl_s);
  return job.finished + (is_fetched_later(job) ? config_.keep_results : config_.keep);
}

void Core::keep_ended(Job& job) {
  if (!is_fetched_later(job)) {
    finished_.push_back(job.number);
    return;
  }
  job.kept_bytes = job.results.weight() + (job.value ? job.value->size() : 0);
  (job.durable() ? kept_in_store_ : kept_in_memory_) += job.kept_bytes;
  kept_.emplace(expires(job), job.number);
}

void Core::keep_no_more(Job& job) {
  if (!is_fetched_later(job)) {
    const auto at = std::find(finished_.begin(), finished_.end(), job.number);
    if (at != finished_.end()) finished_.erase(at);
    return;
  }
  if (kept_.erase({expires(job), job.number}) == 0) return;
  (job.durable() ? kept_in_store_ : kept_in_memory_) -= job.kept_bytes;
  job.kept_bytes = 0;
}

void Core::sweep_ended(Time now) {
  std::size_t left = kForgottenAtOnce;
  for (; !finished_.empty() && left > 0; --left) {
    const Job& oldest = jobs_.at(finished_.front());
    if (finished_.size() <= config_.finished_max && now < expires(oldest)) break;
    forget_job(finished_.front());
  }
  const auto over = [&] {
    return kept_.size() > config_.kept_max || kept_in_store_ > config_.keep_bytes ||
           kept_in_memory_ > config_.memory_limit / 4;
  };
  for (; !kept_.empty() && left > 0; --left) {
    const auto [until, number] = *kept_.begin();
    if (now < until) {
      if (!over()) break;
      effects_.push_back(
          Note{Note::Level::warning, "job " + std::to_string(value(number)) +
                                         " is forgotten before its time: the results that are kept "
                                         "are more than there is room for (--keep-bytes)"});
    }
    forget_job(number);
  }
}

}  // namespace quern::broker
