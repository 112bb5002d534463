// What the broker has counted since it started, for monitoring: per function, and how long leases
// took and jobs waited.
//
// Every lease counts something here, so counting costs a comparison of two names in the usual case
// and a lookup otherwise.
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

#include "quern/status.hpp"
#include "wire/time.hpp"

namespace quern::broker {

class Metrics {
 public:
  /// The counters of a function. Functions beyond the first 100 share those of "other".
  FunctionCounters& of(const std::string& function) {
    return last_->function == function ? *last_ : find(function);
  }
  /// A lease ended this long after it was granted.
  void lease_ended(wire::Duration after) { count(lease_, after); }
  /// A job got its first lease this long after it was submitted.
  void job_waited(wire::Duration time) { count(wait_, time); }

  /// Ordered by name, "other" last.
  std::vector<FunctionCounters> functions() const;
  const Histogram& lease_seconds() const { return lease_; }
  const Histogram& wait_seconds() const { return wait_; }

 private:
  FunctionCounters& find(const std::string& function);
  static void count(Histogram& histogram, wire::Duration time);

  std::unordered_map<std::string, FunctionCounters> functions_;
  FunctionCounters other_;
  FunctionCounters* last_ = &other_;  ///< as of() found it last
  Histogram lease_, wait_;
};

}  // namespace quern::broker
