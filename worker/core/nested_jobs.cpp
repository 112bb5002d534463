#include "worker/core/nested_jobs.hpp"

#include <algorithm>
#include <utility>

namespace quern::worker {

void NestedJobs::add(wire::Submit submit) {
  const Uuid id = submit.job;
  jobs_[id].submit = std::move(submit);
}

void NestedJobs::set_waiting(const wire::LeaseId& lease, const Uuid& job) {
  if (job.is_nil())
    waiting_.erase(lease);
  else
    waiting_[lease] = job;
}

void NestedJobs::forget(const wire::LeaseId& lease) {
  waiting_.erase(lease);
  if (jobs_.empty()) return;
  std::erase_if(jobs_, [&](const auto& each) { return each.second.submit.lease == lease; });
}

NestedJobs::News NestedJobs::close(std::map<Uuid, Job>::iterator at, News news) {
  Job& job = at->second;
  if (!job.final || job.received < job.final->entries) return news;
  news.messages.emplace_back(std::move(*job.final));
  jobs_.erase(at);
  return news;
}

std::optional<NestedJobs::News> NestedJobs::on_results(wire::Results results) {
  const auto at = jobs_.find(results.job);
  if (at == jobs_.end()) return std::nullopt;
  Job& job = at->second;
  News news{job.submit.lease, {}, std::nullopt};
  if (results.seq == job.received) {
    ++job.received;
    news.messages.emplace_back(std::move(results));
  }
  // The task has them in memory from now on, and a task that is tried again submits anew.
  news.ack = wire::Ack{at->first, job.received, true};
  return close(at, std::move(news));
}

std::optional<NestedJobs::News> NestedJobs::on_job(wire::JobUpdate update) {
  const auto at = jobs_.find(update.status.uuid);
  if (at == jobs_.end() || !is_final(update.status.state)) return std::nullopt;
  at->second.final = std::move(update);
  return close(at, {at->second.submit.lease, {}, std::nullopt});
}

std::optional<NestedJobs::News> NestedJobs::on_error(const wire::ErrorMessage& error) {
  const auto at = error.job ? jobs_.find(*error.job) : jobs_.end();
  if (at == jobs_.end()) return std::nullopt;
  News news{at->second.submit.lease, {error}, std::nullopt};
  jobs_.erase(at);
  return news;
}

std::vector<wire::Message> NestedJobs::repeated() const {
  std::vector<wire::Message> out;
  for (const auto& [id, job] : jobs_) out.emplace_back(job.submit);
  for (const auto& [lease, job] : waiting_) out.emplace_back(wire::Wait{lease, job});
  return out;
}

}  // namespace quern::worker
