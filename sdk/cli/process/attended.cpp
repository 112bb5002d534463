#include "cli/process/attended.hpp"

#include <chrono>
#include <cstdlib>
#include <thread>

#include "cli/output/standard_output.hpp"

namespace quern::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto kCancelWait = 2s;  ///< how long to wait for the confirmation of a cancellation

}  // namespace

void leave(Exit code) { std::_Exit(static_cast<int>(finish_output(code))); }

Attended::Attended() : interrupt_([this] { on_interrupt(); }) {}

void Attended::add(const Job& job) {
  std::lock_guard lock(mutex_);
  jobs_.push_back(job);
}

void Attended::cancel() {
  std::vector<Job> jobs;
  {
    std::lock_guard lock(mutex_);
    jobs = jobs_;
  }
  for (const Job& job : jobs) job.cancel();
  const auto deadline = std::chrono::steady_clock::now() + kCancelWait;
  for (const Job& job : jobs)
    job.wait(std::max(0ms, std::chrono::duration_cast<std::chrono::milliseconds>(
                               deadline - std::chrono::steady_clock::now())));
}

void Attended::on_interrupt() {
  // Runs on another thread, because this one must see a second signal, which ends the process at
  // once.
  std::thread([this] {
    cancel();
    leave(Exit::interrupted);
  }).detach();
}

}  // namespace quern::cli
