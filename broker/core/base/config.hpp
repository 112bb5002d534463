// What can be configured from outside. The defaults need no tuning.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "calendar/zone.hpp"

namespace quern::broker {

using std::chrono::milliseconds;

/// Deliberate mistakes, with which the simulator shows that it would find them. Never set outside
/// of tests.
enum class Mistake : std::uint8_t {
  none,
  acknowledge_early,
  forget_frontier,
  copy_anything,  ///< overdue leases get a speculative attempt even if that is not safe
  lose_wakeup,    ///< jobs that take results are not told of the end of the job that produced them
};

struct Config {
  Mistake mistake = Mistake::none;
  std::string software = "quern";
  std::uint64_t incarnation = 1;
  std::uint64_t memory_limit = 1ULL << 30;  ///< bytes of payloads and results held in memory
  milliseconds heartbeat_busy{1000};
  milliseconds heartbeat_idle{5000};
  milliseconds lost_busy{3000};  ///< silence after which a worker with leases is lost
  milliseconds lost_idle{15000};
  milliseconds grace{30000};  ///< how long an attached job outlives the session of its client
  milliseconds keep{
      3'600'000};  ///< how long an ended job is kept if its client followed it to its end
  milliseconds keep_results{
      7LL * 24 *
      3'600'000};  ///< the same if it is detached or has an idempotency key: results are read later
  std::uint64_t keep_bytes = 16ULL << 30;  ///< bytes of results of such jobs in the store
  std::size_t finished_max = 10'000;       ///< the most ended jobs of the first kind that are kept
  std::size_t kept_max = 100'000;          ///< and of the second kind
  std::size_t sessions_max = 100'000;
  std::size_t jobs_max = 1'000'000;    ///< unfinished jobs
  std::size_t schedules_max = 10'000;  ///< of all principals
  /// Finds a time zone by name; nullptr if there is none. Without it, no zone is known. See
  /// calendar::find_zone().
  std::function<std::shared_ptr<const calendar::Zone>(const std::string&)> find_zone{};
  bool open = true;                  ///< no keys: everybody is `anonymous` and may do everything
  bool audit = false;                ///< decisions are recorded in the audit log
  bool store = false;                ///< jobs can be durable
  milliseconds recovery_wait{6000};  ///< after a restart, how long workers may take to name what
                                     ///< they hold: silence (3 s), back-off (2 s), HELLO
  std::uint64_t plan_slice =
      250'000;                    ///< planning operations per settle(): about half a millisecond
  std::uint32_t crash_limit = 3;  ///< how many workers a task may take down before it counts as a
                                  ///< poison task

  /// New work is refused beyond this; the rest of the memory is reserved for results, so that
  /// results can always be accepted.
  std::uint64_t intake_limit() const { return memory_limit / 4 * 3; }
  /// Payloads that are in the store are evicted beyond this.
  std::uint64_t evict_limit() const { return memory_limit / 4; }
  /// A stream gets credit only up to here, so that a long stream leaves room for other submissions.
  std::uint64_t stream_limit() const { return intake_limit() / 2; }
};

}  // namespace quern::broker
