// A lease as the broker sees it: which tasks are out, where, since when.
#pragma once

#include <cstdint>

#include "quern/ids.hpp"
#include "wire/intervals.hpp"
#include "wire/messages.hpp"
#include "wire/time.hpp"

namespace quern::broker {

/// Counters of one incarnation follow each other, so they are spread well as they are.
struct LeaseIdHash {
  std::size_t operator()(const wire::LeaseId& id) const noexcept {
    return static_cast<std::size_t>(id.counter ^ id.incarnation << 48);
  }
};

/// Seconds that a lease of unknown duration is assumed to take, so that nothing is queued behind it
/// before it was measured.
inline constexpr double kUnknownLease = 1.0;

struct Worker;

struct Lease {
  wire::LeaseId id;
  JobNumber job{};
  wire::SessionId worker{};
  Worker* held_by = nullptr;  ///< that one; kept by Worker::hold() and let_go(), nothing while its
                              ///< session is another's
  wire::LeaseKind kind = wire::LeaseKind::item;
  wire::IntervalSet
      open;  ///< neither reported nor given back; merge and finish: the interval they cover
  std::uint64_t first = 0;  ///< of its tasks when it was granted
  std::uint64_t granted_tasks = 0;
  std::uint64_t reported_tasks = 0;
  std::uint64_t bytes = 0;      ///< payload bytes, against the worker's credit
  std::uint64_t payload = 0;    ///< of them, without the column of sizes
  std::uint32_t next_part = 0;  ///< of its reports
  std::uint32_t attempt = 1;    ///< of its tasks
  bool adopted =
      false;  ///< of an earlier incarnation: the number of its next part is not known yet
  wire::Time granted{};
  double expected_s = 0;       ///< slot time it should take; 0: unknown
  bool reclaiming = false;     ///< a RECLAIM is on its way
  wire::Time reclaim_after{};  ///< not asked again before
  wire::LeaseId twin;  ///< incarnation 0: none. Its copy, or what it is a copy of: the same tasks
                       ///< are open in both, and the first report decides
  bool takes_rest = false;       ///< its job had no more tasks to give out
  bool first_of_worker = false;  ///< when it was granted nobody knew how fast its worker is at this
  bool scout = false;            ///< and its worker knows something else: counted by the pool
  bool doubted =
      false;  ///< it runs so long that its worker counts as slow, though nothing is measured
  bool copy = false;  ///< its tasks are counted where they were leased first
  wire::IntervalSet
      cancelled;  ///< its tasks that ended meanwhile: what it reports of them is dropped
};

inline bool has_twin(const Lease& lease) { return lease.twin.incarnation != 0; }

/// Whether what its job needs of a worker's counted resources is taken while it is out.
inline bool takes_resources(const Lease& lease) {
  return lease.kind != wire::LeaseKind::merge && lease.kind != wire::LeaseKind::finish;
}

}  // namespace quern::broker
