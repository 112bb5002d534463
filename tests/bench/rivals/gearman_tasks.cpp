// The bench's no-op tasks over gearmand with libgearman: tasks are added in batches and run
// concurrently, results come back to the client.
//   gearman_tasks worker PORT
//   gearman_tasks client PORT TASKS
//       prints the seconds from the first task added to the last result checked
#include <libgearman/gearman.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr std::uint64_t kBatch = 1000;
constexpr std::size_t kPayload = 16;
constexpr std::size_t kResult = 8;

void* noop(gearman_job_st* job, void*, std::size_t* size, gearman_return_t* status) {
  auto* result = static_cast<char*>(std::malloc(kResult));  // libgearman frees it
  std::memcpy(result, gearman_job_workload(job), kResult);
  *size = kResult;
  *status = GEARMAN_SUCCESS;
  return result;
}

int work(in_port_t port) {
  gearman_worker_st* worker = gearman_worker_create(nullptr);
  gearman_worker_add_server(worker, "127.0.0.1", port);
  gearman_worker_add_function(worker, "noop", 0, noop, nullptr);
  std::puts("ready");
  std::fflush(stdout);
  while (gearman_worker_work(worker) == GEARMAN_SUCCESS) {
  }
  return 1;
}

std::uint64_t finished = 0;
bool wrong = false;

gearman_return_t complete(gearman_task_st* task) {
  const auto index = reinterpret_cast<std::uint64_t>(gearman_task_context(task));
  ++finished;
  wrong = wrong || gearman_task_data_size(task) != kResult ||
          std::memcmp(gearman_task_data(task), &index, kResult) != 0;
  return GEARMAN_SUCCESS;
}

int ask(in_port_t port, std::uint64_t tasks) {
  gearman_client_st* client = gearman_client_create(nullptr);
  gearman_client_add_server(client, "127.0.0.1", port);
  gearman_client_set_complete_fn(client, complete);
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t sent = 0; sent < tasks;) {
    std::vector<std::string> payloads;
    payloads.reserve(kBatch);
    for (const std::uint64_t end = std::min(tasks, sent + kBatch); sent < end; ++sent) {
      std::string& payload = payloads.emplace_back(kPayload, 'x');
      std::memcpy(payload.data(), &sent, sizeof sent);
      gearman_return_t status;
      gearman_client_add_task(client, nullptr, reinterpret_cast<void*>(sent), "noop", nullptr,
                              payload.data(), payload.size(), &status);
      if (status != GEARMAN_SUCCESS) return 1;
    }
    if (gearman_client_run_tasks(client) != GEARMAN_SUCCESS) return 1;
    gearman_client_task_free_all(client);
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (wrong || finished != tasks) {
    std::fprintf(stderr, "gearman_tasks: a wrong or missing result\n");
    return 1;
  }
  std::printf("%.6f\n", seconds);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const auto port = static_cast<in_port_t>(std::atoi(argv[2]));
  if (std::strcmp(argv[1], "worker") == 0) return work(port);
  return argc == 4 ? ask(port, std::strtoull(argv[3], nullptr, 10)) : 2;
}
