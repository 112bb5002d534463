// A connected worker: what it offers, what it holds and how fast it is.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "broker/core/workers/lease.hpp"
#include "broker/core/workers/outlook.hpp"
#include "broker/core/workers/rates.hpp"
#include "quern/status.hpp"
#include "wire/messages.hpp"

namespace quern::broker {

struct Session;
/// What a worker holds. Updated by Worker::hold() and let_go().
struct Holdings {
  std::vector<Lease*> leases;           ///< in the order in which they run, which is the order in
                                        ///< which they were granted
  double expected_s = 0;                ///< slot time of all of them
  std::uint64_t bytes = 0;              ///< of their payloads
  std::size_t first_leases = 0;         ///< leases of functions on which it has never been measured
  std::size_t rests = 0;                ///< leases that took all pending tasks of their jobs
  std::uint32_t waiting = 0;            ///< leases that wait for nested jobs, without a slot; they
                                        ///< count in nothing else here
  wire::Time busy_since{};              ///< when it got a lease after having none
  std::map<std::string, double> taken;  ///< amounts of its resources that are in use
  std::unordered_set<Uuid> commons;     ///< jobs whose common input it has
};

/// What other rooms note about a worker. It is kept here so that no lookup is needed.
struct Marks {
  bool draining = false;
  bool counted_in_offers = false;      ///< see Offers
  bool listed = false;                 ///< in the list of workers that may have room, see Pools
  JobNumber share_of{};                ///< the job that it reported on last
  WorkerShare* share = nullptr;        ///< and its share of that job, see Shares
  mutable const Pool* pool = nullptr;  ///< the pool in which it was last looked up
  mutable std::size_t place = 0;       ///< and its index there, see Pool::of()
  std::uint64_t reserved_in = 0;  ///< the dispatch() in which its queue drains for a job that must
                                  ///< not be queued
};

/// How fast the worker is.
struct WorkerSpeed {
  FunctionRecords records;
  Outlook outlook;
  bool learnt = false;        ///< something has been learnt since its outlook was computed
  double told_available = 1;  ///< the value of available() that its pools know
  wire::Time reported{};      ///< time of its last report
  std::uint64_t tasks_done = 0;
  std::uint64_t implausible = 0;  ///< reports that claim far less slot time than they took

  /// Its speed compared with others on the functions that it has run: 1 is average, or unknown.
  double relative() const {
    double sum = 0;
    int n = 0;
    for (const auto& [function, record] : records) {
      if (record.relative <= 0) continue;
      sum += std::log(record.relative);
      ++n;
    }
    return n > 0 ? std::exp(sum / n) : 1;
  }
};

/// What the worker declared.
struct Declared {
  wire::WorkerOffer offer;              ///< the part that its key may serve
  std::vector<FunctionDecl> functions;  ///< all of them
  std::vector<ReducerDecl> reducers;
  std::unordered_map<std::string, std::vector<std::size_t>> by_name;  ///< indices in `offer`
  std::uint64_t memory = 0;  ///< bytes that were free when it joined
};

// The fields that every lease touches come first: with ten thousand workers, each cache miss costs
// more than the work on the data.
struct Worker {
  wire::SessionId session{};
  const Session* connection = nullptr;  ///< of `session`
  Holdings holds;
  Marks marks;
  WorkerSpeed speed;
  std::string name;
  Declared declared;

  /// How many leases it can run at a time, including those that wait and take no slot.
  std::uint32_t slots() const {
    const auto& c = declared.offer.capacity;
    return (c.slots > c.stuck ? c.slots - c.stuck : 0) + holds.waiting;
  }
  /// Must be called when `offer.functions` has changed.
  void index_functions() {
    declared.by_name.clear();
    for (std::size_t i = 0; i < declared.offer.functions.size(); ++i)
      declared.by_name[declared.offer.functions[i].name].push_back(i);
  }
  /// Whether `predicate` holds for one of its declarations of a function; there is one for each way
  /// in which the function takes its input.
  template <typename F>
  bool any_declaration(const std::string& function, F&& predicate) const {
    const auto it = declared.by_name.find(function);
    return it != declared.by_name.end() &&
           std::any_of(it->second.begin(), it->second.end(),
                       [&](std::size_t i) { return predicate(declared.offer.functions[i]); });
  }
  bool offers(const std::string& function, Takes takes, Encoding encoding) const {
    return any_declaration(function, [&](const FunctionDecl& decl) {
      return decl.takes == takes && decl.encoding == encoding;
    });
  }
  const ReducerDecl* reducer(const std::string& reducer_name) const {
    for (const auto& decl : declared.offer.reducers)
      if (decl.name == reducer_name) return &decl;
    return nullptr;
  }
  void hold(Lease& lease) {
    const auto before = [](const Lease* a, const Lease* b) { return a->id < b->id; };
    if (holds.leases.empty()) holds.busy_since = lease.granted;
    holds.leases.insert(std::upper_bound(holds.leases.begin(), holds.leases.end(), &lease, before),
                        &lease);
    lease.held_by = this;
    if (lease.run.waits) {
      ++holds.waiting;
      return;
    }
    holds.expected_s += lease.expected_s;
    holds.bytes += lease.size.bytes;
    holds.first_leases += lease.trial.first ? 1 : 0;
    holds.rests += lease.size.takes_rest ? 1 : 0;
  }
  void let_go(Lease& lease) {
    std::erase(holds.leases, &lease);
    lease.held_by = nullptr;
    if (lease.run.waits) {
      --holds.waiting;
      return;
    }
    holds.expected_s =
        holds.leases.empty() ? 0 : std::max(0.0, holds.expected_s - lease.expected_s);
    holds.bytes -= lease.size.bytes;
    holds.first_leases -= lease.trial.first ? 1 : 0;
    holds.rests -= lease.size.takes_rest ? 1 : 0;
  }
  /// The total amount of a counted resource. `cpus` and `mem` need not be declared.
  double resource(const std::string& wanted) const {
    if (const auto it = declared.offer.resources.find(wanted); it != declared.offer.resources.end())
      return it->second;
    if (wanted == "cpus") return declared.offer.capacity.cores;
    if (wanted == "mem") return static_cast<double>(declared.memory);
    return 0;
  }
  /// The share of its slots' full speed that is available now: the idle cores of the machine,
  /// divided by its slots.
  double available() const {
    const auto& c = declared.offer.capacity;
    return std::clamp(c.idle * c.cores / std::max(1u, c.slots), 0.01, 1.0);
  }
  /// Work per second of one slot. If measured, it is corrected when the load of the machine by
  /// other processes differs from the load during the measurement. Otherwise the declared rate,
  /// otherwise the upper bound from its first lease, otherwise 0.
  double rate_of(const FunctionRecord& record, const std::string& function) const {
    if (const double measured = record.rate.per_second(); measured > 0) {
      const double change = available() / record.rate.available();
      return measured * (change < kBusier || change > kLessBusy ? change : 1);
    }
    double promised = 0;
    any_declaration(function,
                    [&](const FunctionDecl& decl) { return promised = decl.rate, promised > 0; });
    return promised > 0 ? promised : record.at_most;
  }
  double rate_of(const std::string& function) const {
    static const FunctionRecord kNone;
    const auto it = speed.records.find(function);
    return rate_of(it == speed.records.end() ? kNone : it->second, function);
  }
  // Heartbeats describe the machine only roughly, so smaller changes are left to the measurements.
  static constexpr double kBusier = 0.75;
  static constexpr double kLessBusy = 1.5;
};

}  // namespace quern::broker
