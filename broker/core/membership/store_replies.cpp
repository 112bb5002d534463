#include "broker/core/membership/store_replies.hpp"

#include <algorithm>

namespace quern::broker {

void StoreReplies::on_committed(std::uint64_t commit, Time now) {
  outbox_.release(commit);
  eviction_.on_committed(now);
}

void StoreReplies::on_loaded(JobNumber number, wire::Interval tasks, wire::Batch batch) {
  Job* job = jobs_.find(number);
  if (!job) return;
  job->intake.payloads.on_loaded(tasks, std::move(batch));
  if (!job->run.decision && job->intake.payloads.all_resident()) decider_.decide_again(*job);
  accounts_.update(*job);
  jobs_.touch(*job);
  context_.dispatch_needed = true;
}

void StoreReplies::on_load_failed(JobNumber number, wire::Interval tasks, const std::string& why) {
  context_.warn("payloads of job " + std::to_string(value(number)) + " cannot be read: " + why);
  Job* job = jobs_.find(number);
  if (!job) return;
  job->intake.payloads.on_load_failed(tasks);
  if (job->is_blob()) job->phase.reason = "the broker cannot read the file from its store: " + why;
  if (job->final()) return;
  job->fail(ErrorCode::store, "its input cannot be read from the store: " + why);
  jobs_.touch(*job);
}

void StoreReplies::on_result_loaded(JobNumber number, std::uint64_t seq, wire::Batch batch) {
  Job* job = jobs_.find(number);
  if (!job) return;
  job->output.results.on_loaded(seq, std::move(batch));
  eviction_.note_results(*job);  // it is evicted again after it has been sent
  accounts_.update(*job);
  jobs_.touch(*job);
}

void StoreReplies::on_result_load_failed(JobNumber number, std::uint64_t seq,
                                         const std::string& why) {
  context_.warn("results of job " + std::to_string(value(number)) + " cannot be read: " + why);
  Job* job = jobs_.find(number);
  if (!job || seq < job->output.results.begin()) return;
  job->output.results.on_load_failed(seq);
  for (Follower& follower : job->followers) {
    if (follower.window == 0) continue;
    // Nothing more is sent to it, so that the entry is not requested again at once.
    follower.window = 0;
    if (const Session* session = sessions_.find(follower.session))
      outbox_.complain(*session, ErrorCode::lost,
                       "its results cannot be read from the store: " + why, job->spec.uuid, 0);
  }
}

void StoreReplies::on_store_trouble(const std::string& why, Time now) {
  commits_.set_trouble(why);
  context_.warn("the store cannot write: " + why);
  // A client that waits for a first acknowledgement gets an error instead of waiting longer.
  // Changes of accepted jobs wait for the store, and so do jobs that the broker itself has
  // submitted (clients/due_runs.hpp): nobody would submit them again.
  std::vector<JobNumber> unborn;
  for (JobNumber number : jobs_.live())
    if (const Job& job = jobs_.at(number); job.durable() &&
                                           job.owner.session != wire::SessionId{} &&
                                           job.commits.born > commits_.committed())
      unborn.push_back(number);
  for (JobNumber number : unborn) {
    Job& job = jobs_.at(number);
    if (const Session* owner = sessions_.find(job.owner.session))
      outbox_.complain(*owner, ErrorCode::store, "the broker's store cannot write: " + why,
                       job.spec.uuid, 0);
    for (Follower& follower : job.followers)
      if (Session* session = sessions_.find(follower.session))
        session->reading.followed.erase(job.spec.uuid);
    job.followers.clear();
    endings_.end(job, JobState::cancelled, ErrorCode::store, "the store could not save it: " + why,
                 now);
    requests_.answer_comparisons(job, now);
    // The job was never accepted: if its client submits it again, it is a new one.
    forgetting_.forget(number);
  }
}

void StoreReplies::on_store_healthy() {
  commits_.set_trouble({});
  context_.note("the store can write again");
  context_.dispatch_needed = true;
}

}  // namespace quern::broker
