// Whose turn it is to get a lease: strict priorities; within one, the principal with the least slot
// time for its weight; of its jobs, the one with the least for its own.
//
// Start-time fair queueing (Goyal, Vin and Cheng 1996): who comes, or comes back after having
// wanted nothing, starts level with whoever was served last; so nobody saves up a right to all
// workers, and nobody is kept waiting for what others had before.
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

/// A principal within one priority. Its jobs stand in one queue per kind of work, so that all jobs
/// which wait for the same workers can be passed over at once: with very many small jobs that is
/// what keeps the cost of a lease independent of how many wait.
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
    bool aside = false;  ///< passed over until restore()
  };
  std::string name;
  double weight = 1;
  double used = 0;          ///< slot-seconds received over weight
  double expected = 0;      ///< slot-seconds its leases should still take
  double served = 0;        ///< what the jobs that were served had received, at most
  std::size_t live = 0;     ///< jobs, those too that want nothing now
  std::size_t wanting = 0;  ///< jobs with a turn, those too that are passed over
  std::map<const Pool*, Queue>
      queues;  ///< by the workers that can run them; nullptr: jobs that have partials to merge
  std::set<Turn> heads;  ///< the first turn of each queue that is not aside
  double key = 0;        ///< its place in the priority, when it has heads
  double key_now() const { return used + expected / weight; }
  /// The key of its job that has had most, of those that want leases. There must be one.
  double last_key() const;
  /// Calls `seen(job)` for its jobs that want leases, queue by queue, until it returns false;
  /// whether it never did.
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
  std::map<const Pool*, Wanted> wanted;  ///< what the jobs with tasks to give out want
  std::unordered_map<std::uint64_t, std::uint64_t>
      waiting;                 ///< tasks in `wanted`, by Pool::crew(): as it was,
  wire::Time waiting_until{};  ///< and that holds until then
  std::uint64_t kinds = 0;  ///< a number for which pools these are: another one whenever one comes
                            ///< or goes, and never the same as before
};

class FairQueue {
 public:
  using Levels = std::map<std::int64_t, Level>;  ///< by falling priority

  /// A live job. It keeps its place in memory until leave().
  void enter(Job& job);
  /// It is over.
  void leave(Job& job);
  /// Takes note of whether it wants leases and what it has received.
  void update(Job& job);
  /// It received so much, or its leases are expected to take so much more (less: below zero). Its
  /// principal takes its new place at once, also when the job itself has no turn any more: of a job
  /// of one task nothing else would tell of it.
  void charge(Job& job, double slot_s);
  void expect(Job& job, double slot_s);
  /// It gets a lease.
  void serve(Job& job);

  /// Of how many jobs, by the workers that can run them, somebody wants leases.
  const std::map<const Pool*, std::size_t>& wanted() const { return wanted_; }

  std::size_t merging() const { return merging_; }  ///< jobs that want their partials merged

  Levels& levels() { return levels_; }
  const Levels& levels() const { return levels_; }
  /// The job whose turn it is; nullptr: none.
  Job* next(const Level& level) const;
  /// Whether one job of a level comes before another.
  static bool before(const Job& a, const Job& b);
  /// Passes over a job until restore().
  void set_aside(Job& job);
  /// Passes over it and all jobs of its principal that stand in its queue.
  void set_queue_aside(Job& job);
  void restore();

 private:
  void take_out(Job& job);
  void withdraw(Job& job);
  void put_in(Job& job);
  static void list(Level& level, Party& party, Party::Queue& queue);
  static void unlist(Level& level, Party& party, Party::Queue& queue);
  /// What it wants is counted in its level; nullptr: nothing.
  void want(Job& job, const Pool* pool);
  /// What this party, which has turns, received has changed.
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
