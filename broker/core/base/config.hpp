// What can be set from outside. The defaults need no tuning.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace quern::broker {

using std::chrono::milliseconds;

/// Mistakes that the simulator makes on purpose, to show that it would find them. Never set outside
/// of tests.
enum class Mistake : std::uint8_t {
  none,
  acknowledge_early,
  forget_frontier,
  copy_anything,  ///< slow leases are started a second time whether that is safe or not
};

struct Config {
  Mistake mistake = Mistake::none;
  std::string software = "quern";
  std::uint64_t incarnation = 1;
  std::uint64_t memory_limit = 1ULL << 30;  ///< bytes of payloads and results held
  milliseconds heartbeat_busy{1000};
  milliseconds heartbeat_idle{5000};
  milliseconds lost_busy{3000};  ///< silence after which a worker with leases is given up
  milliseconds lost_idle{15000};
  milliseconds grace{30000};  ///< an attached job outlives its client by this much
  milliseconds keep{
      3'600'000};  ///< an ended job whose client followed it to its end is kept this long
  milliseconds keep_results{
      7LL * 24 *
      3'600'000};  ///< and one that is detached, or has a unique key: its results are fetched later
  std::uint64_t keep_bytes = 16ULL << 30;  ///< bytes of results in the store, of such jobs
  std::size_t finished_max = 10'000;       ///< ended jobs of the first kind kept at most
  std::size_t kept_max = 100'000;          ///< and of the second
  std::size_t sessions_max = 100'000;
  std::size_t jobs_max = 1'000'000;  ///< unfinished jobs
  bool open = true;                  ///< no keys: everybody is `anonymous` and may do everything
  bool audit = false;                ///< decisions go on record
  bool store = false;                ///< jobs can be durable
  milliseconds recovery_wait{6000};  ///< after a restart, so long may workers say what they hold:
                                     ///< silence (3 s), back-off (2 s), HELLO
  std::uint64_t plan_slice =
      250'000;                    ///< operations of planning a settle(): about half a millisecond
  std::uint32_t crash_limit = 3;  ///< workers a task may take down before it counts as poisonous

  /// New work is refused beyond this; the rest of the memory is reserved for results, so that
  /// results can always enter.
  std::uint64_t intake_limit() const { return memory_limit / 4 * 3; }
  /// Payloads that are in the store leave memory beyond this.
  std::uint64_t evict_limit() const { return memory_limit / 4; }
  /// A stream is pulled only up to here, so that a long stream leaves room for other submissions.
  std::uint64_t stream_limit() const { return intake_limit() / 2; }
};

}  // namespace quern::broker
