// Measures bare libzmq with the same bytes on the same machine in the same minute: three processes
// (client, ROUTER relay, worker) over TCP loopback, without any of our code on the path. Our
// figures are meaningful only beside it.
//
// The processes are forks of this one: construct on the main thread before any other thread exists.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace quern::bench {

/// Tasks in one batch of the throughput baseline.
inline constexpr std::uint64_t kBaselineBatch = 1000;

struct BaselineOrder {
  std::uint64_t tasks = 0;
  std::uint64_t batch = kBaselineBatch;  ///< tasks a message
  std::uint64_t window = 64;             ///< messages in flight; 1 measures round trips
  std::uint32_t payload = 0;             ///< bytes of a task
  std::uint32_t result = 0;              ///< bytes of a result
};

struct BaselineReport {
  double seconds = 0;
  std::vector<double> round_trips_us;  ///< with a window of 1: one per message
};

class Baseline {
 public:
  Baseline();
  ~Baseline();
  Baseline(const Baseline&) = delete;
  Baseline& operator=(const Baseline&) = delete;

  /// Moves the tasks there and the results back. Throws std::runtime_error when a result is wrong
  /// or a process died.
  BaselineReport run(const BaselineOrder& order);

 private:
  std::vector<pid_t> processes_;
  int control_ = -1;  ///< to the client process
};

}  // namespace quern::bench
