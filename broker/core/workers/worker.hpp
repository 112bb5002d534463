// A connected worker: what it offers, what it holds, how fast it is.
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
/// What a worker holds. Kept by Worker::hold() and let_go().
struct Holdings {
  std::vector<Lease*> leases;           ///< in the order in which it runs them: as granted
  double expected_s = 0;                ///< slot time of all of them
  std::uint64_t bytes = 0;              ///< of their payloads
  std::size_t first_leases = 0;         ///< of functions that nobody saw it run
  std::size_t rests = 0;                ///< that took all that their jobs had
  wire::Time busy_since{};              ///< when it got a lease and had none
  std::map<std::string, double> taken;  ///< of its resources
  std::unordered_set<Uuid> commons;     ///< jobs whose common input it has
};

/// What the other rooms note of a worker, beside it so that it is found without a search.
struct Marks {
  bool draining = false;
  bool counted_in_offers = false;      ///< see Offers
  bool listed = false;                 ///< among those that may have room: see Pools
  JobNumber share_of{};                ///< the job it reported of last,
  WorkerShare* share = nullptr;        ///< and where it counts for it: see Shares
  mutable const Pool* pool = nullptr;  ///< the one it was looked for in last,
  mutable std::size_t place = 0;       ///< and where it is in it: see Pool::of()
  std::uint64_t reserved_in = 0;  ///< the dispatch() in which its queue drains for a job that is
                                  ///< not to be queued
};

/// How fast it is.
struct WorkerSpeed {
  FunctionRecords records;
  Outlook outlook;
  bool learnt = false;        ///< something is known of it that its outlook does not know
  double told_available = 1;  ///< what its pools were told of available()
  wire::Time reported{};      ///< its last report
  std::uint64_t tasks_done = 0;
  std::uint64_t implausible = 0;  ///< reports that claim far less time than they took

  /// How it compares with others on what it has run: 1 is average, or nothing is known.
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

/// What it declared.
struct Declared {
  wire::WorkerOffer offer;              ///< what of it its key may serve
  std::vector<FunctionDecl> functions;  ///< all of them
  std::vector<ReducerDecl> reducers;
  std::unordered_map<std::string, std::vector<std::size_t>> by_name;  ///< of those in `offer`
  std::uint64_t memory = 0;  ///< bytes that were free when it came
};

// What every lease touches comes first: with ten thousand workers each line of memory that is not
// near costs more than what is done with it.
struct Worker {
  wire::SessionId session{};
  const Session* connection = nullptr;  ///< that session
  Holdings holds;
  Marks marks;
  WorkerSpeed speed;
  std::string name;
  Declared declared;

  std::uint32_t slots() const {
    const auto& c = declared.offer.capacity;
    return c.slots > c.stuck ? c.slots - c.stuck : 0;
  }
  /// To be called when `offer.functions` is another list.
  void index_functions() {
    declared.by_name.clear();
    for (std::size_t i = 0; i < declared.offer.functions.size(); ++i)
      declared.by_name[declared.offer.functions[i].name].push_back(i);
  }
  /// Its declarations of a function: one for each way in which it takes it.
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
    holds.expected_s += lease.expected_s;
    holds.bytes += lease.size.bytes;
    holds.first_leases += lease.trial.first ? 1 : 0;
    holds.rests += lease.size.takes_rest ? 1 : 0;
  }
  void let_go(Lease& lease) {
    std::erase(holds.leases, &lease);
    lease.held_by = nullptr;
    holds.expected_s =
        holds.leases.empty() ? 0 : std::max(0.0, holds.expected_s - lease.expected_s);
    holds.bytes -= lease.size.bytes;
    holds.first_leases -= lease.trial.first ? 1 : 0;
    holds.rests -= lease.size.takes_rest ? 1 : 0;
  }
  /// How much of a counted resource it has in all. `cpus` and `mem` need not be declared.
  double resource(const std::string& wanted) const {
    if (const auto it = declared.offer.resources.find(wanted); it != declared.offer.resources.end())
      return it->second;
    if (wanted == "cpus") return declared.offer.capacity.cores;
    if (wanted == "mem") return static_cast<double>(declared.memory);
    return 0;
  }
  /// The share of its slots' full speed that it has now: what nothing else on the machine uses,
  /// against its slots.
  double available() const {
    const auto& c = declared.offer.capacity;
    return std::clamp(c.idle * c.cores / std::max(1u, c.slots), 0.01, 1.0);
  }
  /// Work per second of one slot: measured, and less (or more) than that when the machine is busier
  /// (or less busy) with other things than it was then; else declared; else no more than its first
  /// lease shows; else 0.
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
  // What heartbeats say of the machine is coarse: smaller changes are left to the results.
  static constexpr double kBusier = 0.75;
  static constexpr double kLessBusy = 1.5;
};

}  // namespace quern::broker
