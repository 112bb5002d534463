#include "worker/process/child.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <variant>

#include "process/end.hpp"
#include "process/spawn.hpp"

namespace quern::worker {
namespace {

int descriptor_of(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0u)); }

}  // namespace

Child::~Child() {
  if (running()) finish();
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), ended_fd_(std::exchange(other.ended_fd_, -1)) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this == &other) return *this;
  if (running()) finish();
  pid_ = std::exchange(other.pid_, -1);
  ended_fd_ = std::exchange(other.ended_fd_, -1);
  return *this;
}

std::optional<process::StartError> Child::start(const process::SpawnPlan& plan) {
  const auto spawned = process::spawn(plan);
  if (const auto* error = std::get_if<process::StartError>(&spawned)) return *error;
  pid_ = std::get<pid_t>(spawned);
  ended_fd_ = descriptor_of(pid_);
  if (ended_fd_ >= 0) return std::nullopt;
  const int error = errno;
  finish();
  return process::StartError{error, "a descriptor of the process"};
}

void Child::signal(int number) const {
  if (running()) ::kill(-pid_, number);
}

process::End Child::finish() {
  if (!running()) return {};
  // Before it is reaped, its process id cannot be reused.
  ::kill(-pid_, SIGKILL);
  const process::End end = process::reap(std::exchange(pid_, -1));
  if (ended_fd_ >= 0) ::close(std::exchange(ended_fd_, -1));
  return end;
}

}  // namespace quern::worker
