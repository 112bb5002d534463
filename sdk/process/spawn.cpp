#include "process/spawn.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

#include "process/end.hpp"
#include "process/pipe.hpp"
#include "process/search.hpp"

namespace quern::process {
namespace {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr bool kShareMemory =
    false;  // the run time of the sanitizers does not support a second process in the same memory
#else
constexpr bool kShareMemory = true;
#endif

constexpr int kBusyTries = 30;  // of 10 ms

std::vector<char*> pointers_to(const std::vector<std::string>& words) {
  std::vector<char*> out;
  out.reserve(words.size() + 1);
  for (const auto& word : words) out.push_back(const_cast<char*>(word.c_str()));
  out.push_back(nullptr);
  return out;
}

std::string path_in(const std::vector<std::string>& env) {
  for (const auto& variable : env)
    if (variable.starts_with("PATH=")) return variable.substr(5);
  return "/usr/local/bin:/usr/bin:/bin";
}

/// Finds the file of a program as a shell does; returns the name itself if there is none.
std::string find_file(const SpawnPlan& plan) {
  if (!plan.file.empty()) return plan.file;
  const std::string& name = plan.words.front();
  if (name.find('/') != std::string::npos) return name;
  return find_in_path(name, path_in(plan.env)).value_or(name);
}

/// Everything that the child needs, prepared before it exists, because only few calls are allowed
/// before exec.
struct Launch {
  std::string file;
  std::vector<char*> words;
  std::vector<char*> env;
  std::vector<char*> by_shell;  // for a script without an interpreter line
  const char* folder = nullptr;
  int in, out, err, extra;
  rlimit memory;
  bool limited;
  bool own;
  int umask;  // -1: as it is
  pid_t parent;
  struct Failure {
    int error = 0;
    bool folder = false;
  } failure;
  int report = -1;  // without shared memory: descriptor to which a failure is written
};

[[noreturn]] void fail(Launch& launch) {
  launch.failure.error = errno;
  if (launch.report >= 0 && ::write(launch.report, &launch.failure, sizeof launch.failure) < 0)
    ::_exit(126);
  ::_exit(127);
}

void set_descriptor(Launch& launch, int from, int to) {
  if (::dup2(from, to) < 0) fail(launch);
}

/// Closes all descriptors from `first` on, except one.
void close_from(unsigned first, int but) {
  if (but < static_cast<int>(first)) {
    ::syscall(SYS_close_range, first, ~0u, 0u);
    return;
  }
  const auto kept = static_cast<unsigned>(but);
  if (kept > first) ::syscall(SYS_close_range, first, kept - 1, 0u);
  ::syscall(SYS_close_range, kept + 1, ~0u, 0u);
}

/// Our own programs keep an ignored signal (nohup), except those that end them.
void reset_signals(bool own) {
  for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGQUIT, SIGUSR1, SIGUSR2,
                           SIGTSTP, SIGTTIN, SIGTTOU}) {
    struct sigaction now {};
    const bool always = !own || number == SIGPIPE || number == SIGINT || number == SIGTERM;
    if (!always && ::sigaction(number, nullptr, &now) == 0 && now.sa_handler == SIG_IGN) continue;
    struct sigaction plain {};
    plain.sa_handler = SIG_DFL;
    ::sigaction(number, &plain, nullptr);
  }
}

/// What a program of somebody else may not have.
void confine() {
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
}

/// Runs in the child. Uses only calls that are allowed there, and changes nothing of the parent
/// except `launch`.
[[noreturn]] void become(Launch& launch) {
  if (launch.own)
    ::setpgid(0, 0);
  else
    ::setsid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != launch.parent) ::_exit(127);  // the parent ended before the line above
  reset_signals(launch.own);
  if (!launch.own) confine();
  if (launch.umask >= 0) ::umask(static_cast<mode_t>(launch.umask));
  if (launch.limited && ::setrlimit(RLIMIT_DATA, &launch.memory) != 0) fail(launch);
  // All of these are above 3 (see Ends), so none overwrites another.
  set_descriptor(launch, launch.in, 0);
  set_descriptor(launch, launch.out, 1);
  set_descriptor(launch, launch.err, 2);
  if (launch.extra >= 0) set_descriptor(launch, launch.extra, 3);
  // Closed now, not at exec: the program's own file may be among them, open for writing, and exec
  // would fail because it is busy.
  if (!launch.own) close_from(launch.extra >= 0 ? 4u : 3u, launch.report);
  if (launch.folder && ::chdir(launch.folder) != 0) {
    launch.failure.folder = true;
    fail(launch);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  // A file that was just written may still be open for writing in a child that another thread is
  // starting, until that child calls exec.
  for (int tries = 0; tries < kBusyTries; ++tries) {
    ::execve(launch.file.c_str(), launch.words.data(), launch.env.data());
    if (errno != ETXTBSY) break;
    const timespec pause{0, 10'000'000};
    ::nanosleep(&pause, nullptr);
    errno = ETXTBSY;
  }
  if (errno == ENOEXEC) ::execve("/bin/sh", launch.by_shell.data(), launch.env.data());
  fail(launch);
}

/// vfork(): the child uses the memory of this process until it calls exec. Not inlined, so that the
/// child does not run on the stack frame to which this function returns.
[[gnu::noinline]] pid_t give_birth(Launch& launch) {
  const pid_t pid = kShareMemory ? ::vfork() : ::fork();
  if (pid == 0) become(launch);
  return pid;
}

/// The caller's descriptors as numbers above those that they become in the child; -1 where that
/// failed.
struct Ends {
  explicit Ends(const SpawnPlan& plan)
      : in(take(plan.in)),
        out(take(plan.out)),
        err(take(plan.err)),
        extra(plan.extra < 0 ? -1 : take(plan.extra)) {}
  ~Ends() {
    for (const int fd : opened) ::close(fd);
  }
  Ends(const Ends&) = delete;
  Ends& operator=(const Ends&) = delete;
  bool ok(const SpawnPlan& plan) const {
    return in >= 0 && out >= 0 && err >= 0 && (plan.extra < 0 || extra >= 0);
  }

 private:
  std::vector<int> opened;  // first: take() uses it

  int keep(int fd) {
    if (fd >= 0) opened.push_back(fd);
    return fd;
  }
  int take(int fd) {
    if (fd < 0) fd = keep(::open("/dev/null", O_RDWR | O_CLOEXEC));
    return fd < 0 || fd > 3 ? fd : keep(::fcntl(fd, F_DUPFD_CLOEXEC, 4));
  }

 public:
  const int in, out, err, extra;
};

/// The error that the child reported; nothing if exec succeeded.
Launch::Failure failure_in(Pipe& report) {
  Launch::Failure failure;
  report.close_write();
  ssize_t got = 0;
  do got = ::read(report.read, &failure, sizeof failure);
  while (got < 0 && errno == EINTR);
  return got == static_cast<ssize_t>(sizeof failure) ? failure : Launch::Failure{};
}

}  // namespace

std::vector<std::string> own_environment() {
  std::vector<std::string> env;
  for (char** at = ::environ; at && *at; ++at) env.emplace_back(*at);
  return env;
}

std::variant<pid_t, StartError> spawn(const SpawnPlan& plan) {
  const Ends ends(plan);
  if (!ends.ok(plan)) return StartError{errno, "descriptors"};
  Launch launch{.file = find_file(plan),
                .words = pointers_to(plan.words),
                .env = pointers_to(plan.env),
                .by_shell = {},
                .folder = plan.folder.empty() ? nullptr : plan.folder.c_str(),
                .in = ends.in,
                .out = ends.out,
                .err = ends.err,
                .extra = ends.extra,
                .memory = {plan.memory_bytes, plan.memory_bytes},
                .limited = plan.memory_bytes > 0,
                .own = plan.own,
                .umask = plan.umask ? static_cast<int>(*plan.umask) : -1,
                .parent = ::getpid(),
                .failure = {},
                .report = -1};
  launch.by_shell = launch.words;
  launch.by_shell.front() = launch.file.data();
  launch.by_shell.insert(launch.by_shell.begin(), const_cast<char*>("/bin/sh"));

  std::optional<Pipe> report;
  if (!kShareMemory) launch.report = report.emplace().write;
  // No signal handler of this process may run in the child while it shares the memory.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = give_birth(launch);
  const int birth_error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return StartError{birth_error, "a new process"};
  if (report) launch.failure = failure_in(*report);
  if (launch.failure.error != 0) {
    reap(pid);
    return StartError{launch.failure.error,
                      launch.failure.folder ? plan.folder : plan.words.front(),
                      launch.failure.folder};
  }
  return pid;
}

}  // namespace quern::process
