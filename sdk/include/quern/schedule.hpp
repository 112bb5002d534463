/// @file
/// Schedules: jobs that the broker submits by itself when their time has come. Plain values, which
/// are also what travels on the wire; see `quern/schedules.hpp` for the calls.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "quern/ids.hpp"

namespace quern {

/// What becomes of due times that passed while the broker did not run or its store could not write.
enum class Missed : std::uint8_t {
  run_once,  ///< one run, for the latest of them
  skip       ///< none
};

/// What happens at a due time while a job of an earlier one has not ended.
enum class Overlap : std::uint8_t {
  skip,  ///< no run
  queue  ///< the new job starts after the earlier one has ended
};

/// What happened at a due time.
enum class RunOutcome : std::uint8_t {
  ran,      ///< a job was submitted
  skipped,  ///< an earlier job had not ended; see Overlap
  missed,   ///< the broker did not run; see Missed
  refused,  ///< the job was not accepted; ScheduleRun::text says why
  unknown   ///< a word of a newer broker
};

/// @param missed a value
/// @return its word, e.g. "run-once"; empty for a value outside the enumeration
std::string_view to_string(Missed missed);
/// @param overlap a value
/// @return its word, e.g. "skip"; empty for a value outside the enumeration
std::string_view to_string(Overlap overlap);
/// @param outcome a value
/// @return its word, e.g. "ran"; empty for a value outside the enumeration
std::string_view to_string(RunOutcome outcome);

/// When a schedule submits its job.
struct ScheduleOptions {
  /// Five fields as in crontab(5): minute, hour, day of the month, month, day of the week; or
  /// `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.
  std::string cron{};
  /// The time zone that the fields are read in, by its name in the system's database of the broker,
  /// e.g. "Europe/Zurich".
  std::string zone = "UTC";
  Missed missed = Missed::run_once;  ///< see Missed
  Overlap overlap = Overlap::skip;   ///< see Overlap
  /// Replace a schedule of this name, which keeps its history. Otherwise the call fails with
  /// `conflict` when there is one.
  bool replace = false;
};

/// One due time that has passed.
struct ScheduleRun {
  std::uint64_t due_ms = 0;              ///< the due time, in ms since 1970 (UTC)
  std::uint64_t at_ms = 0;               ///< when the broker handled it
  JobNumber job{};                       ///< the job, if one was submitted
  RunOutcome outcome = RunOutcome::ran;  ///< what happened
  std::string text;                      ///< why no job was submitted; a sentence

  /// @return whether all fields are equal
  bool operator==(const ScheduleRun&) const = default;
};

/// A schedule as the broker knows it.
struct ScheduleStatus {
  std::string name;                  ///< its name, which is unique among those of its owner
  std::string owner;                 ///< the principal that its jobs belong to
  std::string cron;                  ///< ScheduleOptions::cron
  std::string zone;                  ///< ScheduleOptions::zone
  Missed missed = Missed::run_once;  ///< ScheduleOptions::missed
  Overlap overlap = Overlap::skip;   ///< ScheduleOptions::overlap
  std::string function;              ///< the function of its jobs
  bool paused = false;               ///< due times pass without a run; see Schedules::pause()
  std::uint64_t next_ms = 0;  ///< the next due time, in ms since 1970 (UTC); 0: none, it is paused
  /// What happened at due times, the latest first: at most the last one in a list, at most the last
  /// 100 for a single schedule.
  std::vector<ScheduleRun> runs;

  /// @return whether all fields are equal
  bool operator==(const ScheduleStatus&) const = default;
};

}  // namespace quern
