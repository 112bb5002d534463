// The resources of the machine that this process can use: cores (affinity, cgroup quota), their
// idle share, load and free memory. Linux; if a file cannot be read, the field keeps a harmless
// default. Belongs to one thread.
#pragma once

#include <cstdint>
#include <string>

#include "quern/status.hpp"

namespace quern::worker {

/// Cores this process may use: affinity, and cgroup v2 `cpu.max` of its group and all groups above.
double usable_cores();

/// The tightest `cpu.max` in the text of one ("max 100000" or "50000 100000"), in cores; 0: no
/// limit.
double cores_of_cpu_max(const std::string& text);

class CapacityProbe {
 public:
  /// `idle` is the share since the previous call; `slots`, `busy` and `stuck` are not filled in.
  Capacity sample();

 private:
  struct Jiffies {
    std::uint64_t idle = 0;
    std::uint64_t all = 0;
  };
  static Jiffies read_jiffies();

  Jiffies before_;
};

}  // namespace quern::worker
