// Which job gets the next lease: strict priorities; within a priority, the principal with the least
// slot time relative to its weight; within a principal, the job with the least slot time relative
// to its own weight.
//
// Start-time fair queueing (Goyal, Vin and Cheng 1996): a job that is new, or wants leases again
// after a pause, starts level with the one that was served last. So nobody can save up a claim to
// all workers, and nobody has to wait for what others received earlier.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/core/jobs/place_in_queue.hpp"
#include "quern/ids.hpp"
#include "wire/time.hpp"

namespace quern::broker {

struct Job;
class Pool;

/// A principal within one priority. Its jobs are kept in one queue per kind of work, so that all
/// jobs that wait for the same workers can be skipped at once. With very many small jobs, this
/// keeps the cost of a lease independent of the number of waiting jobs.
struct Party {
  struct Turn {
    double key = 0;
    JobNumber number{};
    Job* job = nullptr;
    bool operator<(const Turn& other) const {
      return key != other.key ? key < other.key : number < other.number;
    }
  };
  /// The jobs of one kind.
  struct Queue {
    std::set<Turn> turns;
    bool aside = false;  ///< skipped until restore()
  };
  std::string name;
  double weight = 1;
  double used = 0;          ///< slot-seconds received, divided by the weight
  double expected = 0;      ///< slot-seconds that its leases are expected to take
  double served = 0;        ///< the most that any job had received when it was served
  std::size_t live = 0;     ///< live jobs, including those that want nothing now
  std::size_t wanting = 0;  ///< jobs with a turn, including those that are skipped
  std::map<const Pool*, Queue>
      queues;  ///< by the workers that can run them; nullptr: jobs that have partials to merge
  std::set<Turn> heads;  ///< the first turn of each queue that is not aside
  double key = 0;        ///< its position in the priority while it has heads
  double key_now() const { return used + expected / weight; }
  /// The key of the job that has received most, among those that want leases. There must be one.
  double last_key() const;
  /// Calls `seen(job)` for the jobs that want leases, queue by queue, until it returns false.
  /// Returns whether it never did.
  template <typename F>
  bool each_job(F&& seen) const {
    for (const auto& [pool, queue] : queues)
      for (const Turn& turn : queue.turns)
        if (!seen(*turn.job)) return false;
    return true;
  }
};

/// One priority.
struct Level {
  struct Turn {
    double key = 0;
    Party* party = nullptr;
    bool operator<(const Turn& other) const {
      return key != other.key ? key < other.key : party->name < other.party->name;
    }
  };
  std::map<std::string, Party> parties;
  std::set<Turn> turns;
  double served = 0;
  std::map<const Pool*, Wanted> wanted;  ///< what the jobs with pending tasks want
  std::unordered_map<std::uint64_t, std::uint64_t>
      waiting;                 ///< tasks in `wanted`, by Pool::crew(); a snapshot
  wire::Time waiting_until{};  ///< that is valid until then
  std::uint64_t kinds = 0;  ///< identifies the set of pools in `wanted`: changes whenever a pool is
                            ///< added or removed, and is never reused
};

class FairQueue {
 public:
  using Levels = std::map<std::int64_t, Level>;  ///< highest priority first: the key is the negated
                                                 ///< priority

  /// Adds a live job. Its address must not change until leave().
  void enter(Job& job);
  /// Removes a job that has ended.
  void leave(Job& job);
  /// Records whether the job wants leases and what it has received.
  void update(Job& job);
  /// The job has received this much slot time, or its leases are expected to take this much more
  /// (negative: less). The principal moves to its new place at once, even if the job has no turn
  /// any more: for a job of one task, nothing else would update it.
  void charge(Job& job, double slot_s);
  void expect(Job& job, double slot_s);
  /// The job gets a lease.
  void serve(Job& job);

  /// The number of jobs that want leases, by the workers that can run them.
  const std::map<const Pool*, std::size_t>& wanted() const { return wanted_; }

  std::size_t merging() const { return merging_; }  ///< jobs that want their partials merged

  Levels& levels() { return levels_; }
  const Levels& levels() const { return levels_; }
  /// The job whose turn it is; nullptr if there is none.
  Job* next(const Level& level) const;
  /// Whether job `a` comes before job `b` of the same level.
  static bool before(const Job& a, const Job& b);
  /// Skips a job until restore().
  void set_aside(Job& job);
  /// Skips the job and all jobs of its principal in the same queue.
  void set_queue_aside(Job& job);
  void restore();

 private:
  void take_out(Job& job);
  void withdraw(Job& job);
  void put_in(Job& job);
  static void list(Level& level, Party& party, Party::Queue& queue);
  static void unlist(Level& level, Party& party, Party::Queue& queue);
  /// Counts in the level what the job wants; nullptr: nothing.
  void want(Job& job, const Pool* pool);
  /// Updates the place of a party with turns after its slot time has changed.
  static void move(Level& level, Party& party);

  Levels levels_;
  std::map<const Pool*, std::size_t> wanted_;
  std::size_t merging_ = 0;
  std::uint64_t kinds_ = 0;
  std::vector<Job*> aside_;
  struct AsideQueue {
    Level* level;
    Party* party;
    const Pool* pool;
  };
  std::vector<AsideQueue> queues_aside_;
};

}  // namespace quern::broker
