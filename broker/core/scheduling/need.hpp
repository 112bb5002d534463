// What a job requires of a worker.
#pragma once

#include <compare>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "broker/core/workers/worker.hpp"

namespace quern::broker {

struct Need {
  std::string function;
  Takes takes = Takes::item;
  Encoding encoding = Encoding::raw;
  std::map<std::string, std::string> require;  ///< labels, or amounts of resources
  std::map<std::string, double> resources;     ///< amounts
  bool by_cost = false;                        ///< work is counted in cost units, not in tasks
  bool unqueued = false;  ///< not queued behind other leases: as long as a task is at the broker,
                          ///< it has certainly not started
  auto operator<=>(const Need&) const = default;

  /// The name under which a worker's rate is recorded. Rates in tasks and rates in cost units
  /// cannot be compared, so they are kept apart.
  std::string record_name() const { return by_cost ? function + " by cost" : function; }
  bool met_by(const Worker& worker) const;
  /// Whether the job requires nothing but the function.
  bool plain() const { return require.empty() && resources.empty(); }
  /// Whether the worker has the labels and resources, regardless of the function.
  bool suited(const Worker& worker) const;
  /// Whether enough of the worker's counted resources is free now.
  bool free_on(const Worker& worker) const;
  /// Whether the job uses any resource that this worker counts.
  bool counts_on(const Worker& worker) const { return !plain() && !amounts(worker).empty(); }
  /// A lease takes (+1) or frees (-1) the resources that it needs on the worker.
  void count(Worker& worker, int sign) const;

 private:
  std::vector<std::pair<std::string, double>> amounts(const Worker& worker) const;
};

/// Parses a number with an optional unit of bytes: `8GiB`, `1.5G`, `2` (K, M, G, T: powers of
/// 1,000; Ki, Mi, Gi, Ti: powers of 1,024; a B may follow). Negative if the text is not such an
/// amount.
double amount_in(const std::string& text);

}  // namespace quern::broker
