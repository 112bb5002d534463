// Whose turn it is to get a lease: strict priorities; within one, the principal with the least slot time for its weight; of its jobs, the one
// with the least for its own.
//
// Start-time fair queueing (Goyal, Vin and Cheng 1996): who comes, or comes back after having wanted nothing, starts level with whoever was served
// last; so nobody saves up a right to all workers, and nobody is kept waiting for what others had before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "quern/ids.hpp"

namespace quern::broker {

struct Job;
class Pool;

/// A principal within one priority.
struct Party {
  struct Turn {
    double key = 0;
    JobNumber number{};
    Job* job = nullptr;
    bool operator<(const Turn& other) const { return key != other.key ? key < other.key : number < other.number; }
  };
  std::string name;
  double weight = 1;
  double used = 0;      ///< slot-seconds received over weight
  double expected = 0;  ///< slot-seconds its leases should still take
  double served = 0;    ///< key of the job that was served last
  std::size_t live = 0;  ///< jobs, those too that want nothing now
  std::set<Turn> turns;  ///< of the jobs that want leases
  double key = 0;        ///< its place in the priority, when it has turns
  double key_now() const { return used + expected / weight; }
};

/// What jobs want of a pool.
struct Wanted {
  std::size_t jobs = 0;
  std::uint64_t tasks = 0;  ///< to be given out
  double work = 0;          ///< in them

  double unit() const { return tasks > 0 ? work / static_cast<double>(tasks) : 1; }  ///< of a task
};

/// One priority.
struct Level {
  struct Turn {
    double key = 0;
    Party* party = nullptr;
    bool operator<(const Turn& other) const { return key != other.key ? key < other.key : party->name < other.party->name; }
  };
  std::map<std::string, Party> parties;
  std::set<Turn> turns;
  double served = 0;
  std::map<const Pool*, Wanted> wanted;  ///< what the jobs with tasks to give out want
  std::uint64_t kinds = 0;  ///< a number for which pools these are: another one whenever one comes or goes, and never the same as before
};

class Turns {
 public:
  using Levels = std::map<std::int64_t, Level>;  ///< by falling priority

  /// A live job. It keeps its place in memory until leave().
  void enter(Job& job);
  /// It is over.
  void leave(Job& job);
  /// Takes note of whether it wants leases and what it has received.
  void update(Job& job);
  /// It received so much, or its leases are expected to take so much more (less: below zero).
  void charge(Job& job, double slot_s);
  void expect(Job& job, double slot_s);
  /// It gets a lease.
  void serve(Job& job);
  /// What its principal received has changed, and the job itself has no turn.
  void moved(Job& job);

  Levels& levels() { return levels_; }
  const Levels& levels() const { return levels_; }
  /// The job whose turn it is; nullptr: none.
  Job* next(const Level& level) const;
  /// Whether one job of a level comes before another.
  static bool before(const Job& a, const Job& b);
  /// Passes over a job until restore().
  void set_aside(Job& job);
  void restore();

 private:
  void take_out(Job& job);
  /// What it wants is counted in its level; nullptr: nothing.
  void want(Job& job, const Pool* pool);
  /// What this party, which has turns, received has changed.
  static void move(Level& level, Party& party);

  Levels levels_;
  std::uint64_t kinds_ = 0;
  std::vector<Job*> aside_;
};

}  // namespace quern::broker
