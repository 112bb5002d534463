// How the broker forgets jobs: everything that any room knows about them is removed.
#pragma once

#include "broker/core/blobs/blobs.hpp"
#include "broker/core/jobs/accounts.hpp"
#include "broker/core/jobs/families.hpp"
#include "broker/core/jobs/followers.hpp"
#include "broker/core/jobs/job_changes.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/jobs/journal.hpp"
#include "broker/core/jobs/kept_jobs.hpp"
#include "broker/core/sessions/session.hpp"

namespace quern::broker {

class Forgetting {
 public:
  Forgetting(Sessions& sessions, Jobs& jobs, Accounts& accounts, Journal& journal,
             JobChanges& changes, KeptJobs& kept, Families& families, Followers& followers,
             Blobs& blobs)
      : sessions_(sessions),
        jobs_(jobs),
        accounts_(accounts),
        journal_(journal),
        changes_(changes),
        kept_(kept),
        families_(families),
        followers_(followers),
        blobs_(blobs) {}

  /// Invalidates every reference to the job.
  void forget(JobNumber number);
  /// Forgets the jobs and results whose time is over; a limited number per call.
  void sweep(Time now);

 private:
  void drop_unread(Time now);

  Sessions& sessions_;
  Jobs& jobs_;
  Accounts& accounts_;
  Journal& journal_;
  JobChanges& changes_;
  KeptJobs& kept_;
  Families& families_;
  Followers& followers_;
  Blobs& blobs_;
};

}  // namespace quern::broker
