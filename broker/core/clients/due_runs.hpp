// Submits the jobs of schedules when they are due.
//
// One commit contains both the new job and the fact that its due time has passed, so a due time has
// at most one job, also over a restart.
#pragma once

#include <optional>

#include "broker/core/access/access_control.hpp"
#include "broker/core/base/context.hpp"
#include "broker/core/blobs/blobs.hpp"
#include "broker/core/clients/submissions.hpp"
#include "broker/core/durability/commit_log.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/schedules/schedule_table.hpp"

namespace quern::broker {

class DueRuns {
 public:
  DueRuns(Context& context, CommitLog& commits, AccessControl& access, Jobs& jobs, Blobs& blobs,
          ScheduleTable& table, Submissions& submissions)
      : context_(context),
        commits_(commits),
        access_(access),
        jobs_(jobs),
        blobs_(blobs),
        table_(table),
        submissions_(submissions) {}

  /// Handles the due times that have come.
  void run();
  /// When run() is due.
  std::optional<Time> next() const;

 private:
  /// Several due times that have passed, seen as one.
  struct Due {
    std::int64_t latest_ms = 0;
    std::uint64_t earlier = 0;  ///< how many before it; at most kCountedMost
  };
  Due due_of(const ScheduleEntry& entry) const;
  void handle(ScheduleEntry& entry);
  /// Whether this due time was handled before the clock was set back.
  static bool is_repeated(const ScheduleEntry& entry, std::int64_t due_ms);
  /// What happened at a due time.
  void note(ScheduleEntry& entry, ScheduleRun run);
  bool is_live(const ScheduleRun& run) const;
  /// What happens at this due time.
  ScheduleRun run_of(ScheduleEntry& entry, std::int64_t due_ms);
  /// The job of an earlier due time that has not ended; `live`: how many there are.
  const Job* running(const ScheduleEntry& entry, std::size_t& live) const;
  /// The job as it is submitted at this due time, after another one if that has not ended.
  wire::Submit submit_of(const ScheduleEntry& entry, std::int64_t due_ms, const Job* after) const;
  void keep_files();

  Context& context_;
  CommitLog& commits_;
  AccessControl& access_;
  Jobs& jobs_;
  Blobs& blobs_;
  ScheduleTable& table_;
  Submissions& submissions_;
  std::optional<Time> files_kept_;  ///< when keep_files() was called last
};

}  // namespace quern::broker
