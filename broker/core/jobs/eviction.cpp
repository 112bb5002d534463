#include "broker/core/jobs/eviction.hpp"

#include <algorithm>

#include "broker/core/base/seconds.hpp"

namespace quern::broker {
namespace {

// Payloads stay in memory this far ahead of the next lease: twice as far as they are loaded ahead
// (journal.cpp), so that what was just loaded is not evicted at once.
constexpr std::uint64_t kKeepAhead = 16u << 20;

// How many bytes of results stay in memory if the job has ended and nobody reads them. Small
// results stay, so that most can be read without the disk.
constexpr std::uint64_t kResultsIdle = 16u << 10;

// How many jobs one commit examines to free memory; the newest first, because they are served last.
constexpr int kEvictJobs = 200;

}  // namespace

void Eviction::on_committed(Time now) {
  for (auto it = heavy_.begin(); it != heavy_.end();) {
    Job* job = jobs_.find(*it);
    if (job) evict_results(*job, results_kept(*job));
    if (!job || job->output.results.bytes() <= 2 * results_kept(*job))
      it = heavy_.erase(it);
    else
      ++it;
  }
  evict(now);
}

void Eviction::note_results_if_many(const Job& job) {
  if (job.output.results.bytes() > 2 * results_kept(job)) note_results(job);
}

void Eviction::evict(Time now) {
  if (accounts_.memory_used() <= context_.config.evict_limit()) return;
  std::uint64_t excess = accounts_.memory_used() - context_.config.evict_limit();
  int looked = 0;
  for (auto number = jobs_.live().rbegin();
       number != jobs_.live().rend() && excess > 0 && looked < kEvictJobs; ++number, ++looked) {
    Job& job = jobs_.at(*number);
    if (!job.durable()) continue;
    const std::uint64_t before = job.output.results.bytes();
    evict_results(job, kResultsIdle);
    excess -= std::min(excess, before - job.output.results.bytes());
    if (job.intake.payloads.bytes() == 0 || excess == 0) continue;
    const std::uint64_t first =
        job.tasks.pending.empty() ? job.intake.payloads.end() : job.tasks.pending.front();
    excess -= std::min(excess,
                       job.intake.payloads.evict(first, kKeepAhead, excess, commits_.committed()));
    accounts_.update(job);
    accounts_.grant_credit(job, now);
    if (job.intake.credit_to > job.intake.credit_told) jobs_.touch(job);
  }
  for (auto number = jobs_.blobs().begin(); number != jobs_.blobs().end() && excess > 0; ++number) {
    Job& blob = jobs_.at(*number);
    if (blob.intake.payloads.bytes() == 0) continue;
    excess -= std::min(excess, blob.intake.payloads.evict(0, 0, excess, commits_.committed()));
    accounts_.update(blob);
  }
}

void Eviction::evict_results(Job& job, std::uint64_t keep) {
  std::uint64_t read_to = job.output.results.end();
  for (const Follower& follower : job.followers)
    if (follower.window > 0) read_to = std::min(read_to, follower.sent);
  job.output.results.evict(read_to, keep, commits_.committed());
  accounts_.update(job);
  jobs_.touch(job);  // results are below its share again, so it may get leases
  context_.dispatch_needed = true;
}

std::uint64_t Eviction::results_kept(const Job& job) const {
  const bool read = std::any_of(job.followers.begin(), job.followers.end(),
                                [](const Follower& f) { return f.window > 0; });
  return job.final() && !read ? kResultsIdle : result_share() / 4;
}

std::uint64_t Eviction::result_share() const {
  const std::uint64_t share = (context_.config.memory_limit - context_.config.intake_limit()) /
                              std::max<std::size_t>(1, jobs_.live().size());
  return std::max<std::uint64_t>(share, 2 * wire::kResultWindow);
}

bool Eviction::over_result_share(const Job& job) const {
  // Whoever needs many results at once cannot take some of them to make room for the others.
  return !job.phase.gathered && job.output.results.bytes() > result_share();
}

}  // namespace quern::broker
