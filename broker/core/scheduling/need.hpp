// What a job asks of a worker.
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
  bool by_cost = false;                        ///< work is counted in units of cost, not in tasks
  bool unqueued = false;  ///< not to be queued behind other leases: what was not begun is safe here
  auto operator<=>(const Need&) const = default;

  /// Under which name a worker's speed at it is kept: tasks and units of cost are no measure for
  /// each other.
  std::string record_name() const { return by_cost ? function + " by cost" : function; }
  bool met_by(const Worker& worker) const;
  /// Whether it is asked for nothing but the function.
  bool plain() const { return require.empty() && resources.empty(); }
  /// Whether labels and resources are what is asked for, whatever the function.
  bool suited(const Worker& worker) const;
  /// Whether so much of its counted resources is free now.
  bool free_on(const Worker& worker) const;
  /// Whether it takes of anything that is counted there.
  bool counts_on(const Worker& worker) const { return !plain() && !amounts(worker).empty(); }
  /// A lease takes (+1) or frees (-1) what it needs of a worker's counted resources.
  void count(Worker& worker, int sign) const;

 private:
  std::vector<std::pair<std::string, double>> amounts(const Worker& worker) const;
};

/// `8GiB`, `1.5G`, `2`: a number with a unit of bytes (K, M, G, T: thousands; Ki, Mi, Gi, Ti:
/// 1,024s; a B may follow); below zero: it is none.
double amount_in(const std::string& text);

}  // namespace quern::broker
