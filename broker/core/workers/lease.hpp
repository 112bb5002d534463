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

/// How much of a job it is.
struct LeaseSize {
  std::uint64_t first = 0;  ///< of its tasks when it was granted
  std::uint64_t tasks = 0;
  std::uint64_t reported = 0;  ///< tasks
  std::uint64_t bytes = 0;     ///< of payloads, against the worker's credit
  std::uint64_t payload = 0;   ///< of them, without the column of sizes
  bool takes_rest = false;     ///< its job had no more tasks to give out
};

/// The other of two attempts at the same tasks: they are open in both, and the first report
/// decides.
struct Rival {
  wire::LeaseId id;          ///< incarnation 0: there is none
  bool speculative = false;  ///< this lease was started second; its tasks are counted in the other
};

/// Whether tasks of it were asked back.
struct AskedBack {
  bool asked = false;       ///< a RECLAIM is on its way
  wire::Time not_before{};  ///< it is not asked again before
};

/// What it shows of a worker whose speed at this function was not known.
struct Trial {
  bool first = false;        ///< nobody knew how fast its worker is at this when it was granted
  bool exploratory = false;  ///< and its worker knows something else: counted by the pool
  bool slow =
      false;  ///< it runs so long that its worker counts as slow, though nothing is measured
};

/// Its reports so far.
struct LeaseReports {
  std::uint32_t next_part = 0;
  bool adopted = false;  ///< of an earlier incarnation: the next part's number is not known yet
};

struct Lease {
  wire::LeaseId id;
  JobNumber job{};
  wire::SessionId worker{};
  Worker* held_by = nullptr;  ///< that one; kept by Worker::hold() and let_go(), nothing while its
                              ///< session is another's
  wire::LeaseKind kind = wire::LeaseKind::item;
  std::uint32_t attempt = 1;    ///< of its tasks
  wire::IntervalSet open;       ///< neither reported nor given back; merge and finish: the interval
                                ///< they cover
  wire::IntervalSet cancelled;  ///< its tasks that ended meanwhile: what it reports of them is
                                ///< dropped
  LeaseSize size;
  LeaseReports reports;
  wire::Time granted{};
  double expected_s = 0;  ///< slot time it should take; 0: unknown
  AskedBack reclaim;
  Rival rival;
  Trial trial;
};

inline bool has_rival(const Lease& lease) { return lease.rival.id.incarnation != 0; }

/// Whether what its job needs of a worker's counted resources is taken while it is out.
inline bool takes_resources(const Lease& lease) {
  return lease.kind != wire::LeaseKind::merge && lease.kind != wire::LeaseKind::finish;
}

}  // namespace quern::broker
