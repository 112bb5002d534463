#include "broker/core/endings/forgetting.hpp"

#include <algorithm>
#include <cmath>

#include "broker/core/access/access.hpp"

namespace quern::broker {
namespace {

// How many jobs one sweep forgets; limited because each is some work for the store.
constexpr std::size_t kForgottenAtOnce = 500;

// When results that nobody reads, but that another job needs, are looked at again.
constexpr std::chrono::seconds kLookAgain{10};

}  // namespace

void Forgetting::forget(JobNumber number) {
  Job& job = jobs_.at(number);
  for (Follower& follower : job.followers) {
    followers_.forget_outstanding(follower);
    if (Session* session = sessions_.find(follower.session))
      session->reading.followed.erase(job.spec.uuid);
  }
  journal_.persist(job, DropJob{number});
  blobs_.release(job);
  journal_.forget(number);
  accounts_.remove(job);
  kept_.let_go(job);
  families_.forget(job);
  jobs_.remove(job);
}

void Forgetting::sweep(Time now) {
  drop_unread(now);
  for (std::size_t left = kForgottenAtOnce; left > 0; --left) {
    const auto expired = kept_.next_expired(now);
    if (!expired) return;
    forget(*expired);
  }
}

void Forgetting::drop_unread(Time now) {
  while (const auto number = kept_.next_unread(now)) {
    Job* job = jobs_.find(*number);
    if (!job || !job->final() || sessions_.find(job->owner.session))
      continue;              // its client has come back, or the job was retried
    if (job->phase.feeds) {  // another job needs them
      kept_.drop_results_at(*job, now + kLookAgain);
      continue;
    }
    const JobChange change = changes_.begin(*job);
    job->output.results.clear();
  }
}

}  // namespace quern::broker
