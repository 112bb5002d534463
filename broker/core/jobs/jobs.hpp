// The jobs that the broker knows: by number, by UUID and by idempotency key; which of them are
// live, which are complete blobs, and which have changed since they were last examined.
//
// The address of a job does not change until remove(). Every change of a job must be followed by
// touch(), so that settle() examines it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/core/access/access.hpp"
#include "broker/core/base/refusal.hpp"
#include "broker/core/durability/job_numbers.hpp"
#include "broker/core/jobs/job.hpp"
#include "broker/core/jobs/shared_options.hpp"

namespace quern::broker {

/// What access decisions need to know about a job.
inline Subject subject_of(const Job& job) {
  return {job.number, job.spec.principal, job.spec.name};
}

class Jobs {
 public:
  explicit Jobs(const JobNumbers& numbers) : numbers_(numbers) {}

  Job* find(JobNumber number) {
    const auto it = by_number_.find(number);
    return it == by_number_.end() ? nullptr : &it->second;
  }
  const Job* find(JobNumber number) const { return const_cast<Jobs*>(this)->find(number); }
  Job* find(Uuid uuid) {
    const auto it = by_uuid_.find(uuid);
    return it == by_uuid_.end() ? nullptr : it->second;
  }
  /// By UUID, or by number if the UUID is nil.
  Job* find(Uuid uuid, JobNumber number) { return uuid.is_nil() ? find(number) : find(uuid); }
  /// The job that this principal submitted with an idempotency key.
  Job* find(const std::string& principal, const std::string& key) {
    const auto it = by_key_.find({principal, key});
    return it == by_key_.end() ? nullptr : &at(it->second);
  }
  Job& at(JobNumber number) { return by_number_.at(number); }
  const Job& at(JobNumber number) const { return by_number_.at(number); }
  const std::map<JobNumber, Job>& all() const { return by_number_; }
  std::map<JobNumber, Job>& all() { return by_number_; }

  Job& add(JobNumber number) {
    Job& job = by_number_[number];
    job.number = number;
    return job;
  }
  /// Must be called when the UUID, principal and options are known, so that the job can be found by
  /// them.
  void index(Job& job);
  void remove(Job& job);

  /// Jobs that are not final.
  const std::set<JobNumber>& live() const { return live_; }
  void set_live(const Job& job, bool live);
  /// The live job whose deadline comes first.
  struct Due {
    wire::Time at{};
    JobNumber job{};
    auto operator<=>(const Due&) const = default;
  };
  std::optional<Due> next_due() const {
    return due_.empty() ? std::nullopt : std::optional(*due_.begin());
  }
  /// Complete blobs.
  const std::set<JobNumber>& blobs() const { return blobs_; }
  void add_blob(const Job& blob) { blobs_.insert(blob.number); }

  /// Something about the job has changed that concerns its followers or dispatch().
  void touch(Job& job) {
    if (!std::exchange(job.phase.changed, true)) changed_.push_back(job.number);
  }
  /// The jobs that have changed, each once.
  const std::vector<JobNumber>& changed() const { return changed_; }
  /// Takes them in ascending order, to examine() each of them.
  std::vector<JobNumber> take_changed();
  /// A job that has changed, if it still exists. It is listed again if it changes from now on.
  Job* examine(JobNumber number);

  void set_options(Job& job, wire::JobOptions options);
  static wire::JobOptions options_of(const Job& job);
  /// Why there is no such job.
  Refusal why_unknown(Uuid uuid, JobNumber number) const;

 private:
  const JobNumbers& numbers_;
  std::map<JobNumber, Job> by_number_;
  std::unordered_map<Uuid, Job*> by_uuid_;
  std::map<std::pair<std::string, std::string>, JobNumber> by_key_;  ///< by principal and key
  std::set<JobNumber> live_;
  std::set<Due> due_;  ///< of live jobs with a deadline
  std::set<JobNumber> blobs_;
  std::vector<JobNumber> changed_;
  SharedOptions shared_options_;
};

}  // namespace quern::broker
