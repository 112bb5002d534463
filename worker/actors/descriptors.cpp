#include "worker/actors/descriptors.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <string>

#include "runtime/log.hpp"

namespace quern::worker {
namespace {

// A slot that runs a program holds three pipes (both ends while it starts), a descriptor of its
// process, and its files.
constexpr rlim_t kPerSlot = 16;
// For the connection, its monitor, the logs, and plugins.
constexpr rlim_t kBeside = 64;

}  // namespace

std::uint32_t slots_for_descriptors(std::uint32_t slots) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return slots;
  const rlim_t wanted = kBeside + kPerSlot * slots;
  if (limit.rlim_cur >= wanted) return slots;
  // Not more than needed, because programs inherit the limit, and some close all descriptors up to
  // it.
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return slots;
  const rlim_t fit = limit.rlim_cur > kBeside ? (limit.rlim_cur - kBeside) / kPerSlot : 0;
  const auto most = static_cast<std::uint32_t>(std::clamp<rlim_t>(fit, 1, slots));
  if (most < slots)
    runtime::log_warning(
        "only " + std::to_string(limit.rlim_cur) + " files can be open, which is enough for " +
        std::to_string(most) + " of " + std::to_string(slots) +
        " slots; using that many (to use more, raise the hard limit, `ulimit -Hn`)");
  return most;
}

}  // namespace quern::worker
