#include "bench/queued.hpp"

#include "bench/measure.hpp"
#include "bench/modes.hpp"

namespace quern::bench {

Queued measure_queued(Rig& rig, std::uint64_t tasks, std::uint32_t payload) {
  const pid_t broker = rig.cluster()->broker().pid();
  const std::uint64_t before = resident_memory(broker);
  const auto start = Clock::now();
  Load load;
  load.tasks = tasks;
  load.payload = payload;
  const Job job = rig.client().submit("nobody offers this", numbered_items(tasks, payload));
  job.wait_for_intake();
  Queued found;
  found.tasks = tasks;
  found.tasks_per_s = static_cast<double>(tasks) / seconds_since(start);
  const std::uint64_t after = resident_memory(broker);
  found.bytes_per_task =
      static_cast<double>(after - std::min(after, before)) / static_cast<double>(tasks);
  job.cancel();
  job.wait();
  return found;
}

}  // namespace quern::bench
