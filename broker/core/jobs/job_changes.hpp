// The bookkeeping of a changed job, in one place.
#pragma once

#include "broker/core/jobs/accounts.hpp"
#include "broker/core/jobs/job.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/jobs/journal.hpp"

namespace quern::broker {

/// While it exists, the job is being changed. Its progress belongs to the next commit from the
/// beginning, so a message that reveals the change waits for `job.commits.latest`. The job is
/// listed for settle(), which tells its followers, and at the end of the change its usage is
/// counted anew. The job must outlive it.
class JobChange {
 public:
  JobChange(Accounts& accounts, Journal& journal, Jobs& jobs, Job& job)
      : accounts_(accounts), job_(job) {
    journal.save(job);
    jobs.touch(job);
  }
  ~JobChange() { accounts_.update(job_); }
  JobChange(const JobChange&) = delete;
  JobChange& operator=(const JobChange&) = delete;

 private:
  Accounts& accounts_;
  Job& job_;
};

/// Begins changes of jobs. Whoever changes something that the store keeps or that counts against a
/// quota does so while the result of begin() exists. For everything else that followers or the
/// dispatcher should look at, Jobs::touch() is enough.
class JobChanges {
 public:
  JobChanges(Accounts& accounts, Journal& journal, Jobs& jobs)
      : accounts_(accounts), journal_(journal), jobs_(jobs) {}

  [[nodiscard]] JobChange begin(Job& job) { return {accounts_, journal_, jobs_, job}; }

 private:
  Accounts& accounts_;
  Journal& journal_;
  Jobs& jobs_;
};

}  // namespace quern::broker
