// Jobs that running tasks have submitted and whose ends have not arrived, and which of these tasks
// wait for one of them. The broker is told about them again in each new session. Invariant: each
// belongs to a lease that runs.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "wire/messages.hpp"

namespace quern::worker {

class NestedJobs {
 public:
  /// What the task that submitted a job is told.
  struct News {
    wire::LeaseId lease;
    std::vector<wire::Message> messages;  ///< RESULTS, each entry once and in order; a final JOB or
                                          ///< an ERROR last
    std::optional<wire::Ack> ack;         ///< what the broker is told
  };

  void add(wire::Submit submit);
  /// The task of the lease waits for the job; nil: it goes on.
  void set_waiting(const wire::LeaseId& lease, const Uuid& job);
  /// The lease does not run any more.
  void forget(const wire::LeaseId& lease);

  // Nothing for a job that is not known here (any more), and for entries that have arrived before.
  std::optional<News> on_results(wire::Results results);
  std::optional<News> on_job(wire::JobUpdate update);
  std::optional<News> on_error(const wire::ErrorMessage& error);

  /// What is sent in a new session: every SUBMIT, and then who waits.
  std::vector<wire::Message> repeated() const;
  const std::map<wire::LeaseId, Uuid>& waiting() const { return waiting_; }
  std::size_t size() const { return jobs_.size(); }

 private:
  struct Job {
    wire::Submit submit;
    std::uint64_t received = 0;            ///< result entries
    std::optional<wire::JobUpdate> final;  ///< it arrived before the last result entries
  };

  News close(std::map<Uuid, Job>::iterator at, News news);

  std::map<Uuid, Job> jobs_;
  std::map<wire::LeaseId, Uuid> waiting_;
};

}  // namespace quern::worker
