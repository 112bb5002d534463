#include "cli/process/children.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <system_error>
#include <utility>

namespace quern::cli {
namespace {

using Clock = std::chrono::steady_clock;

bool is_program(const std::filesystem::path& path) { return ::access(path.c_str(), X_OK) == 0; }

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// Runs between fork and exec: only async-signal-safe calls.
[[noreturn]] void become(char* const* words, int out, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // the parent ended before the line above
  ::setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGINT, SIGTERM, SIGPIPE}) ::signal(number, SIG_DFL);
  const int null = ::open("/dev/null", O_RDONLY);
  ::dup2(null, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::execv(words[0], words);
  ::_exit(127);
}

Ending ending_of(int status) {
  return {WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status)};
}

int milliseconds_until(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return left < 0 ? 0 : static_cast<int>(left);
}

}  // namespace

std::string find_program(const std::string& name) {
  std::error_code ignored;
  const auto beside = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path() / name;
  if (is_program(beside)) return beside.string();
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (const auto candidate = std::filesystem::path(folder) / name;
        !folder.empty() && is_program(candidate))
      return candidate.string();
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
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) fail("pipe");
  std::vector<char*> words{const_cast<char*>(call.path.c_str())};
  for (const std::string& argument : call.arguments)
    words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) become(words.data(), pipe[1], parent);
  const int error = errno;
  ::close(pipe[1]);
  out_ = pipe[0];
  if (pid_ < 0) {
    ::close(out_);
    errno = error;
    fail("fork");
  }
}

Child::~Child() {
  if (pid_ > 0 && !ended()) {
    signal(SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
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

std::optional<Ending> Child::ended() {
  int status = 0;
  if (pid_ > 0 && !ending_ && ::waitpid(pid_, &status, WNOHANG) == pid_)
    ending_ = ending_of(status);
  return ending_;
}

std::optional<Ending> Child::wait_for(std::chrono::milliseconds patience) {
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
