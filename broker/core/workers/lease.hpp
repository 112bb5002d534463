// A lease as the broker sees it: which tasks are out, on which worker, and since when.
#pragma once

#include <cstdint>

#include "quern/ids.hpp"
#include "wire/intervals.hpp"
#include "wire/messages.hpp"
#include "wire/time.hpp"

namespace quern::broker {

/// The counters of one incarnation are consecutive, so they are well distributed without mixing.
struct LeaseIdHash {
  std::size_t operator()(const wire::LeaseId& id) const noexcept {
    return static_cast<std::size_t>(id.counter ^ id.incarnation << 48);
  }
};

/// Seconds that a lease of unknown duration is assumed to take, so that nothing is queued behind it
/// before its function has been measured.
inline constexpr double kUnknownLease = 1.0;

struct Worker;

/// The size of a lease.
struct LeaseSize {
  std::uint64_t first = 0;  ///< the first of its tasks when it was granted
  std::uint64_t tasks = 0;
  std::uint64_t reported = 0;  ///< tasks
  std::uint64_t bytes = 0;     ///< payload bytes, counted against the worker's credit
  std::uint64_t payload = 0;   ///< payload bytes without the sizes column
  bool takes_rest = false;     ///< its job had no more pending tasks
};

/// The other of two attempts at the same tasks. The tasks are open in both, and the first report
/// decides.
struct Rival {
  wire::LeaseId id;          ///< incarnation 0: there is no other attempt
  bool speculative = false;  ///< this lease started second; its tasks are counted in the other
                             ///< lease
};

/// Whether tasks of the lease are being reclaimed.
struct AskedBack {
  bool asked = false;       ///< a RECLAIM is on its way
  wire::Time not_before{};  ///< no RECLAIM is sent before this time
};

/// What the lease shows about a worker whose rate for this function was unknown.
struct Trial {
  bool first = false;        ///< the worker's rate was unknown when the lease was granted
  bool exploratory = false;  ///< the worker also knows another function; counted by the pool
  bool slow = false;  ///< it has run so long that the worker counts as slow, although nothing has
                      ///< been measured
};

/// How its tasks run. While one waits for a job that it has submitted, the lease takes no slot, no
/// credit and no resources of the worker.
struct TaskRun {
  std::uint32_t attempt = 1;  ///< the attempt number of its tasks
  bool waits = false;         ///< written by Waiting
  wire::Time since{};         ///< when it began to wait
};

/// The reports so far.
struct LeaseReports {
  std::uint32_t next_part = 0;
  bool adopted = false;  ///< from an earlier incarnation: the number of the next part is not known
                         ///< yet
};

struct Lease {
  wire::LeaseId id;
  JobNumber job{};
  wire::SessionId worker{};
  Worker* held_by = nullptr;  ///< that worker; set by Worker::hold() and let_go(); nullptr while
                              ///< its session is being replaced
  wire::LeaseKind kind = wire::LeaseKind::item;
  TaskRun run;
  wire::IntervalSet open;       ///< neither reported nor given back; merge and finish: the interval
                                ///< that they cover
  wire::IntervalSet cancelled;  ///< tasks that have ended meanwhile: reports of them are dropped
  LeaseSize size;
  LeaseReports reports;
  wire::Time granted{};
  double expected_s = 0;  ///< expected slot time; 0: unknown
  AskedBack reclaim;
  Rival rival;
  Trial trial;
};

inline bool has_rival(const Lease& lease) { return lease.rival.id.incarnation != 0; }

/// Whether the lease is of a kind that occupies the worker's counted resources that its job
/// requires.
inline bool takes_resources(const Lease& lease) {
  return lease.kind != wire::LeaseKind::merge && lease.kind != wire::LeaseKind::finish;
}

}  // namespace quern::broker
