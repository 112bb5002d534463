// As what a job is counted among all jobs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace quern::broker {

enum class CountedAs : std::uint8_t {
  uncounted,
  waiting,
  running,
  paused,
  uploading,  ///< a blob that is not complete
  done,
  failed,
  cancelled,
  blob  ///< a complete blob
};

constexpr bool is_live(CountedAs now) {
  return now >= CountedAs::waiting && now <= CountedAs::uploading;
}

/// How many jobs there are, and how many tasks the live ones have left.
struct Census {
  std::array<std::uint64_t, static_cast<std::size_t>(CountedAs::blob) + 1> jobs{};
  std::uint64_t tasks = 0;   ///< that have not ended
  std::uint64_t leased = 0;  ///< those of them that are out

  std::uint64_t& of(CountedAs now) { return jobs[static_cast<std::size_t>(now)]; }
  std::uint64_t of(CountedAs now) const { return jobs[static_cast<std::size_t>(now)]; }
  bool operator==(const Census&) const = default;
};

}  // namespace quern::broker
