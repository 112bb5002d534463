// Answers clients' questions within bounds, so that the questions of one session do not noticeably
// slow down the others.
//
// Questions wait in their session and are answered in small pages between other messages. The work
// is limited per session and second, and per settle().
#pragma once

#include <cstddef>
#include <deque>
#include <optional>

#include "broker/core/access/access_control.hpp"
#include "broker/core/durability/commit_log.hpp"
#include "broker/core/jobs/followers.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/schedules/schedule_table.hpp"
#include "broker/core/sessions/conduct.hpp"
#include "broker/core/sessions/outbox.hpp"
#include "broker/core/sessions/session.hpp"
#include "broker/core/status/explainer.hpp"
#include "broker/core/status/statuses.hpp"
#include "broker/core/status/task_notes.hpp"
#include "broker/core/workers/leases.hpp"
#include "broker/core/workers/workers.hpp"

namespace quern::broker {

class Questions {
 public:
  Questions(AccessControl& access, Sessions& sessions, Outbox& outbox, Conduct& conduct,
            Workers& workers, Leases& leases, Jobs& jobs, Followers& followers, CommitLog& commits,
            ScheduleTable& schedules, Statuses& statuses, Explainer& explainer,
            const TaskNotes& notes)
      : access_(access),
        sessions_(sessions),
        outbox_(outbox),
        conduct_(conduct),
        workers_(workers),
        leases_(leases),
        jobs_(jobs),
        followers_(followers),
        commits_(commits),
        schedules_(schedules),
        statuses_(statuses),
        explainer_(explainer),
        notes_(notes) {}

  void on_query(Session& session, const wire::Query& query, Time now);
  /// Answers some of the waiting questions.
  void answer_waiting(Time now);
  bool has_any() const { return !asking_.empty(); }
  /// When more of them will be answered.
  std::optional<Time> next_answer() const { return answer_at_; }

 private:
  /// Returns what the answer cost, in examinations of a job or a worker.
  double answer(Session& session, const wire::Query& query, Time now);
  double list_jobs(const Principal& principal, const wire::Query& query, std::size_t page,
                   std::size_t& bytes, wire::Answer& out, Time now) const;
  double list_workers(const wire::Query& query, std::size_t page, std::size_t& bytes,
                      wire::Answer& out, Time now) const;
  double show_job(const Job& job, const wire::Query& query, std::size_t& bytes, wire::Answer& out,
                  Time now) const;

  double show_tasks(const Job& job, const wire::Query& query, std::size_t& bytes,
                    wire::Answer& out) const;
  double show_notes(const Job& job, std::size_t& bytes, wire::Answer& out, Time now) const;
  static double show_errors(const Job& job, const wire::Query& query, std::size_t& bytes,
                            wire::Answer& out);

  AccessControl& access_;
  Sessions& sessions_;
  Outbox& outbox_;
  Conduct& conduct_;
  Workers& workers_;
  Leases& leases_;
  Jobs& jobs_;
  Followers& followers_;
  CommitLog& commits_;
  ScheduleTable& schedules_;
  Statuses& statuses_;
  Explainer& explainer_;
  const TaskNotes& notes_;
  std::deque<wire::SessionId> asking_;  ///< sessions with questions, in turn
  std::optional<Time> answer_at_;
};

}  // namespace quern::broker
