#include "bench/measure.hpp"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <fstream>
#include <string>

namespace quern::bench {

double quantile(std::vector<double> samples, double q) {
  if (samples.empty()) return 0;
  std::sort(samples.begin(), samples.end());
  if (q == 0.5 && samples.size() % 2 == 0)
    return (samples[samples.size() / 2 - 1] + samples[samples.size() / 2]) / 2;
  const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(samples.size())));
  return samples[std::clamp<std::size_t>(rank, 1, samples.size()) - 1];
}

double processor_us(pid_t pid) {
  clockid_t clock;
  timespec used{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &used) != 0) return 0;
  return static_cast<double>(used.tv_sec) * 1e6 + static_cast<double>(used.tv_nsec) / 1e3;
}

namespace {

std::uint64_t memory(pid_t pid, const std::string& which) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string key; status >> key; status.ignore(4096, '\n')) {
    std::uint64_t kib = 0;
    if (key == which && status >> kib) return kib * 1024;
  }
  return 0;
}

}  // namespace

std::uint64_t resident_memory(pid_t pid) { return memory(pid, "VmRSS:"); }
std::uint64_t peak_memory(pid_t pid) { return memory(pid, "VmHWM:"); }

}  // namespace quern::bench
