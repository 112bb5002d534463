// What tasks said about themselves: lines of their logs, and how far they are. Kept in memory only,
// for people who watch: a restart forgets them.
//
// Owns the notes of the jobs that made some lately. Bounded per job and in all: the job whose notes
// are oldest loses them first. The numbers of jobs are never reused, so notes of a job that was
// forgotten are shown to nobody.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <unordered_map>
#include <vector>

#include "broker/core/base/context.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/sessions/session.hpp"
#include "broker/core/workers/leases.hpp"
#include "broker/core/workers/workers.hpp"

namespace quern::broker {

class TaskNotes {
 public:
  static constexpr std::size_t kLinesMost = 200;      ///< of a job
  static constexpr std::size_t kProgressMost = 1000;  ///< tasks of a job
  static constexpr std::size_t kBytesMost = 4u << 20;

  TaskNotes(const Workers& workers, const Leases& leases) : workers_(workers), leases_(leases) {}

  /// A worker tells about a lease. What is not about a lease that it holds is dropped: the lease
  /// may have ended meanwhile.
  void on_notes(const Session& session, wire::Notes&& notes, Time now);
  /// The lines of the job, the oldest first, then how far its running tasks are, by index; at most
  /// `bytes_most`, of the lines the newest.
  std::vector<TaskNote> of(const Job& job, std::size_t bytes_most, Time now) const;
  std::size_t bytes() const { return bytes_; }

 private:
  struct Kept {
    TaskNote note;
    Time at{};
  };
  struct OfJob {
    std::deque<Kept> lines;
    std::map<std::uint64_t, Kept> progress;
    std::list<JobNumber>::iterator place;  ///< in recent_
    std::size_t bytes = 0;
  };

  void add(OfJob& of, Kept kept);
  void drop_line(OfJob& of);
  void drop_progress(OfJob& of, std::map<std::uint64_t, Kept>::iterator at);
  void subtract(OfJob& of, const Kept& kept);

  const Workers& workers_;
  const Leases& leases_;
  std::unordered_map<std::uint64_t, OfJob> jobs_;  ///< by number
  std::list<JobNumber> recent_;                    ///< the job that said something last comes first
  std::size_t bytes_ = 0;
};

}  // namespace quern::broker
