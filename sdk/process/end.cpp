#include "process/end.hpp"

#include <sys/resource.h>
#include <sys/wait.h>

#include <cerrno>

namespace quern::process {
namespace {

constexpr int kUnknownEnd = 125;

End end_of(int status, const rusage& usage) {
  End end;
  if (WIFSIGNALED(status))
    end.signal = WTERMSIG(status);
  else
    end.code = WEXITSTATUS(status);
  end.memory_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
  return end;
}

}  // namespace

End reap(pid_t pid) {
  int status = 0;
  rusage usage{};
  pid_t reaped = 0;
  do reaped = ::wait4(pid, &status, 0, &usage);
  while (reaped < 0 && errno == EINTR);
  return reaped < 0 ? End{.code = kUnknownEnd} : end_of(status, usage);
}

std::optional<End> reap_if_ended(pid_t pid) {
  int status = 0;
  rusage usage{};
  if (::wait4(pid, &status, WNOHANG, &usage) != pid) return std::nullopt;
  return end_of(status, usage);
}

}  // namespace quern::process
