// Measurements that `quern bench` has no mode for; prints JSON objects. QUERN_BROKER names the
// broker.
//
//   quern-marks trickle BROKER_PID [TASKS]
//       single submits spread over time without a worker: what one costs the broker
//   quern-marks drop [TASKS]
//       cancels a durable job of TASKS tasks: how long commits of other jobs take meanwhile
//   quern-marks probe
//       one echo task after another until standard input is readable: how long they take
//   quern-marks queue BROKER_PID [JOBS [FUNCTIONS]]
//       submits jobs of one task each, of f0, f1, ...; prints what they cost; waits for a line on
//       standard input, then for the jobs, and prints how fast they finished
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "quern/client.hpp"

namespace {

using namespace quern;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double resident_bytes(const std::string& pid) {
  std::ifstream statm("/proc/" + pid + "/statm");
  double size = 0, resident = 0;
  statm >> size >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

ClientOptions plaintext() {
  ClientOptions options;
  options.insecure = true;
  return options;
}

/// Each submit is a separate message: the next one follows when it was sent.
int trickle(const std::string& pid, std::uint64_t tasks) {
  Client client(plaintext());
  client.connect();
  const double before = resident_bytes(pid);
  const auto start = Clock::now();
  const Bytes payload(16, 'x');
  std::uint64_t handed_in = 0;
  {
    Job last;
    for (; handed_in < tasks; ++handed_in) {
      last = client.submit("nobody offers this", Whole{payload});
      std::this_thread::sleep_for(std::chrono::microseconds(1));
    }
    last.wait_for_intake();
  }
  const double per_task = (resident_bytes(pid) - before) / static_cast<double>(tasks);
  std::printf(R"({"tasks": %llu, "seconds": %.1f, "broker_bytes_per_task": %.1f})"
              "\n",
              static_cast<unsigned long long>(tasks), seconds_since(start), per_task);
  return 0;
}

int queue(const std::string& pid, std::uint64_t count, std::uint64_t functions) {
  Client client;
  client.connect();
  const double before = resident_bytes(pid);
  const auto start = Clock::now();
  std::vector<Job> jobs;
  jobs.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    SubmitOptions options;
    options.durability = Durability::memory;
    options.name =
        std::to_string(i);  // a different name makes a different job, which is not coalesced
    jobs.push_back(
        client.submit("f" + std::to_string(i % functions), Whole{Bytes(16, 'x')}, options));
  }
  for (const Job& job : jobs) job.wait_for_intake();
  const double submitting = seconds_since(start);
  std::printf(
      R"({"jobs": %llu, "functions": %llu, "submits_per_s": %.0f, "broker_bytes_per_job": %.0f})"
      "\n",
      static_cast<unsigned long long>(count), static_cast<unsigned long long>(functions),
      static_cast<double>(count) / submitting,
      (resident_bytes(pid) - before) / static_cast<double>(count));
  std::fflush(stdout);
  if (std::getchar() == EOF) return 0;
  const auto go = Clock::now();
  for (Job& job : jobs) job.get();
  std::printf(R"({"drained_per_s": %.0f})"
              "\n",
              static_cast<double>(count) / seconds_since(go));
  return 0;
}

double quantile(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

bool has_input(int descriptor) {
  pollfd input{descriptor, POLLIN, 0};
  return ::poll(&input, 1, 0) > 0;
}

int probe() {
  Client client;
  client.connect();
  std::vector<double> took;
  while (!has_input(STDIN_FILENO)) {
    const auto start = Clock::now();
    client.submit("echo", Whole{Bytes(16, 'x')}).get();
    took.push_back(seconds_since(start) * 1e6);
  }
  if (took.empty()) return 1;
  std::sort(took.begin(), took.end());
  std::printf(R"({"round_trips": %zu, "p50_us": %.0f, "p99_us": %.0f, "max_us": %.0f})"
              "\n",
              took.size(), quantile(took, 0.5), quantile(took, 0.99), took.back());
  return 0;
}

Items items_of(std::uint64_t tasks) {
  Items items;
  items.source = Items::Source::in_memory;
  items.next = [tasks, index = std::uint64_t{0}](Bytes& item) mutable {
    item.assign(16, 'x');
    return index++ < tasks;
  };
  return items;
}

/// Submits durable jobs for this time. Returns the milliseconds until each was acknowledged.
std::vector<double> acknowledgements(Client& client, double seconds) {
  std::vector<double> took;
  const auto start = Clock::now();
  while (seconds_since(start) < seconds) {
    const auto asked = Clock::now();
    SubmitOptions options;
    options.durability = Durability::durable;
    options.name = std::to_string(
        took.size());  // a different name makes a different job, which is not coalesced
    const Job job = client.submit("nobody offers this", Whole{Bytes(16, 'x')}, options);
    job.wait_for_intake();
    took.push_back(seconds_since(asked) * 1e3);
    job.cancel();
  }
  std::sort(took.begin(), took.end());
  return took;
}

int drop(std::uint64_t tasks) {
  Client owner(plaintext()), other(plaintext());
  const Job job =
      owner.submit("nobody offers this", items_of(tasks), {.durability = Durability::durable});
  job.wait_for_intake();
  const std::vector<double> before = acknowledgements(other, 3);
  job.cancel();
  const std::vector<double> meanwhile = acknowledgements(other, 6);
  std::printf(
      R"({"tasks": %llu, "acknowledged_ms": {"before": {"p50": %.2f, "p99": %.2f, "max": %.2f}, "while_dropped": {"p50": %.2f, "p99": %.2f, "max": %.2f}}})"
      "\n",
      static_cast<unsigned long long>(tasks), quantile(before, 0.5), quantile(before, 0.99),
      before.back(), quantile(meanwhile, 0.5), quantile(meanwhile, 0.99), meanwhile.back());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  try {
    if (what == "trickle" && argc > 2)
      return trickle(argv[2], argc > 3 ? std::stoull(argv[3]) : 1'000'000);
    if (what == "queue" && argc > 2)
      return queue(argv[2], argc > 3 ? std::stoull(argv[3]) : 100'000,
                   argc > 4 ? std::stoull(argv[4]) : 1000);
    if (what == "probe") return probe();
    if (what == "drop") return drop(argc > 2 ? std::stoull(argv[2]) : 5'000'000);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "quern-marks: %s\n", error.what());
    return 1;
  }
  std::fputs(
      "usage: quern-marks trickle BROKER_PID [TASKS] | drop [TASKS] | probe | queue BROKER_PID "
      "[JOBS [FUNCTIONS]]   (QUERN_BROKER names the broker)\n",
      stderr);
  return 2;
}
