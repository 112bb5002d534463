#include "worker/actors/capacity.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace quern::worker {
namespace {

constexpr const char* kGroups = "/sys/fs/cgroup";

double affinity_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

/// This process's group in the unified hierarchy ("/user.slice/..."), or "/".
std::string own_group() {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("0::", 0) == 0) return line.substr(3);
  return "/";
}

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// The lowest limit of the group and its parents; 0: none.
double group_cores() {
  double least = 0;
  for (std::string group = own_group();; group.resize(group.find_last_of('/'))) {
    const double cores = cores_of_cpu_max(first_line(kGroups + group + "/cpu.max"));
    if (cores > 0) least = least > 0 ? std::min(least, cores) : cores;
    if (group.find_last_of('/') == std::string::npos) return least;
  }
}

std::uint64_t free_memory() {
  std::ifstream file("/proc/meminfo");
  std::string word;
  while (file >> word) {
    std::uint64_t kib = 0;
    if (word == "MemAvailable:" && file >> kib) return kib * 1024;
  }
  return 0;
}

}  // namespace

double cores_of_cpu_max(const std::string& text) {
  std::istringstream in(text);
  double quota = 0, period = 0;
  if (!(in >> quota >> period) || quota <= 0 || period <= 0) return 0;
  return quota / period;
}

double usable_cores() {
  const double limit = group_cores();
  return limit > 0 ? std::min(limit, affinity_cores()) : affinity_cores();
}

CapacityProbe::Jiffies CapacityProbe::read_jiffies() {
  std::ifstream file("/proc/stat");
  std::string cpu;
  file >> cpu;
  Jiffies now;
  // user nice system idle iowait irq softirq steal; user already includes guest time
  for (int column = 0; column < 8; ++column) {
    std::uint64_t n = 0;
    if (!(file >> n)) break;
    now.all += n;
    if (column == 3 || column == 4) now.idle += n;
  }
  // Subtracts what this worker uses itself.
  rusage self{}, children{};
  getrusage(RUSAGE_SELF, &self);
  getrusage(RUSAGE_CHILDREN, &children);
  double own_s = 0;
  for (const timeval& used : {self.ru_utime, self.ru_stime, children.ru_utime, children.ru_stime})
    own_s += static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_usec) / 1e6;
  now.idle += static_cast<std::uint64_t>(own_s * static_cast<double>(sysconf(_SC_CLK_TCK)));
  return now;
}

Capacity CapacityProbe::sample() {
  Capacity capacity;
  capacity.cores = usable_cores();
  const Jiffies now = read_jiffies();
  if (now.all > before_.all && now.idle >= before_.idle)
    capacity.idle = std::min(1.0, static_cast<double>(now.idle - before_.idle) /
                                      static_cast<double>(now.all - before_.all));
  before_ = now;
  std::istringstream(first_line("/proc/loadavg")) >> capacity.load;
  capacity.memory_free = free_memory();
  return capacity;
}

}  // namespace quern::worker
