#include "cli/process/children.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>
#include <variant>

#include "process/end.hpp"
#include "process/pipe.hpp"
#include "process/search.hpp"
#include "process/spawn.hpp"

namespace quern::cli {
namespace {

using Clock = std::chrono::steady_clock;

int milliseconds_until(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return left < 0 ? 0 : static_cast<int>(left);
}

}  // namespace

std::string find_program(const std::string& name) {
  std::error_code ignored;
  const auto beside = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path() / name;
  if (process::is_executable(beside)) return beside.string();
  const char* path = std::getenv("PATH");
  if (const auto file = process::find_in_path(name, path ? path : "")) return *file;
  throw std::runtime_error(
      name +
      " was found neither beside this program nor in PATH; install it, or add its folder to PATH");
}

void reap_orphans(const std::vector<pid_t>& own) {
  for (;;) {
    siginfo_t ended{};
    // Peeks first, because our own children must be reaped by their owner.
    if (::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid == 0) return;
    if (std::find(own.begin(), own.end(), ended.si_pid) != own.end()) return;
    ::waitpid(ended.si_pid, nullptr, WNOHANG);
  }
}

Child::Child(const ProgramCall& call) {
  process::Pipe out;
  process::SpawnPlan plan;
  plan.words = {call.path};
  plan.file = call.path;
  plan.env = process::own_environment();
  plan.words.insert(plan.words.end(), call.arguments.begin(), call.arguments.end());
  plan.out = out.write;
  plan.err = ::fcntl(STDERR_FILENO, F_GETFD) < 0 ? -1 : STDERR_FILENO;
  plan.own = true;
  const auto spawned = process::spawn(plan);
  if (const auto* error = std::get_if<process::StartError>(&spawned))
    throw std::system_error(error->error, std::generic_category(), error->text);
  pid_ = std::get<pid_t>(spawned);
  out_ = std::exchange(out.read, -1);
}

Child::~Child() {
  if (pid_ > 0 && !ended()) {
    signal(SIGKILL);
    process::reap(pid_);
  }
  if (out_ >= 0) ::close(out_);
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      out_(std::exchange(other.out_, -1)),
      ending_(std::exchange(other.ending_, {})) {}

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(out_, other.out_);
  std::swap(ending_, other.ending_);
  return *this;
}

std::optional<std::string> Child::first_line(std::chrono::milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  std::string line;
  for (;;) {
    pollfd ready{out_, POLLIN, 0};
    const int count = ::poll(&ready, 1, milliseconds_until(deadline));
    if (count == 0) return std::nullopt;
    if (count < 0) continue;
    char c = 0;
    const auto got = ::read(out_, &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    if (c == '\n') return line;
    line += c;
  }
}

void Child::signal(int number) {
  if (pid_ > 0 && !ending_) ::kill(pid_, number);
}

std::optional<process::End> Child::ended() {
  if (pid_ > 0 && !ending_) ending_ = process::reap_if_ended(pid_);
  return ending_;
}

std::optional<process::End> Child::wait_for(std::chrono::milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  // A process has no descriptor to poll before Linux 5.3 (pidfd), but its end closes its stdout,
  // which has no other writer.
  while (!ended() && Clock::now() < deadline) {
    pollfd closed{out_, POLLIN, 0};
    if (::poll(&closed, 1, std::min(50, milliseconds_until(deadline))) <= 0) continue;
    char discard[512];
    if (::read(out_, discard, sizeof discard) > 0) continue;
    ::usleep(1000);  // stdout is closed, so the process ends soon
  }
  return ended();
}

}  // namespace quern::cli
