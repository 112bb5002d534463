#include "broker/core/clients/questions.hpp"

#include <algorithm>

#include "broker/core/access/access.hpp"
#include "broker/core/schedules/schedule_list.hpp"
#include "broker/core/status/error_groups.hpp"
#include "broker/core/status/job_filter.hpp"
#include "broker/core/status/task_map.hpp"

namespace quern::broker {
namespace {

// In examinations of a job or a worker that is shown.
constexpr Allowance kLooks{5000, 5000};  // about 5 % of a core; and a list of 5,000 at once
constexpr std::size_t kPage = 200;       // about a millisecond
constexpr std::size_t kPageOfMany = 25;  // for a session with many waiting questions
constexpr double kLooksAtOnce = 200;     // in one settle()
// The most jobs that are skipped for one answer, because the principal may not see them or because
// they do not meet the conditions. Skipping costs a small part of an examination; the text of a job
// that waits has to be composed before it can be searched.
constexpr double kSkippedMost = 20'000;
constexpr double kSkipping = 0.01;
constexpr double kMatching = 4, kSearching = 10;  // a pattern, and a text: as many skips

// The cost of showing one job: a fixed part, and a part for each of its workers and leases.
constexpr double kLooksOfOne = 10, kLooksOfMember = 0.02;

constexpr double kGrouping = 0.02;  // the cost of grouping one error

constexpr std::size_t kQuestionsMost = 1000;

constexpr std::size_t kSpansMost = 1000, kSpanBytes = 64;  // intervals of tasks

constexpr std::size_t kFunctionBytes = 160;  // of the counters of one function

// Part of the 256 KiB that a header may have.
constexpr std::size_t kPageBytes = 160u << 10;

std::size_t bytes_of(const JobStatus& s) {
  std::size_t bytes = 640 + s.name.size() + s.function.size() + s.owner.size() + s.decision.size() +
                      s.reason.size() + s.reduce.size();
  for (const auto& [name, text] : s.metadata) bytes += 8 + name.size() + text.size();
  return bytes + 160 * (s.shares.size() + s.spans.size());
}

std::size_t bytes_of(const WorkerStatus& s) {
  std::size_t bytes = 480 + s.name.size() + s.reason.size() + s.principal.size();
  for (const auto& decl : s.functions) bytes += 96 + decl.name.size() + decl.reduce.size();
  for (const auto& rate : s.rates) bytes += 112 + rate.function.size();
  for (const auto& [key, label] : s.labels) bytes += 4 + key.size() + label.size();
  for (const auto& [key, amount] : s.resources) bytes += 12 + key.size();
  return bytes;
}

}  // namespace

void Questions::on_query(Session& session, const wire::Query& query, Time now) {
  if (session.reading.questions.size() >= kQuestionsMost) {
    outbox_.complain(session, ErrorCode::limit,
                     "more than " + std::to_string(kQuestionsMost) +
                         " queries are waiting: send more when they have been answered",
                     {}, query.token);
    conduct_.offend(session.peer, session.user, 0.01, "too many unanswered queries", now);
    return;
  }
  if (session.reading.questions.empty()) asking_.push_back(session.id);
  session.reading.questions.push_back(query);
}

void Questions::answer_waiting(Time now) {
  answer_at_.reset();
  double left = kLooksAtOnce;
  std::size_t in_vain = 0;  // sessions in a row that get no answer now
  while (left > 0 && in_vain < asking_.size()) {
    const wire::SessionId id = asking_.front();
    asking_.pop_front();
    Session* session = sessions_.find(id);
    if (!session || session->reading.questions.empty()) continue;
    if (session->reading.looks.in_debt(kLooks, now)) {
      answer_at_ = now + std::chrono::milliseconds(5);
      ++in_vain;
    } else if (!followers_.hears(*session, now)) {
      ++in_vain;  // the reply to its BEAT continues here
    } else {
      in_vain = 0;
      const wire::Query query = std::move(session->reading.questions.front());
      session->reading.questions.pop_front();
      const double looks = answer(*session, query, now);
      session->reading.looks.charge(looks, kLooks, now);
      left -= looks;
    }
    if (!session->reading.questions.empty()) asking_.push_back(id);
  }
  // The remaining questions are answered after the messages that have arrived meanwhile.
  if (left <= 0 && !asking_.empty()) answer_at_ = now;
}

double Questions::answer(Session& session, const wire::Query& query, Time now) {
  const Principal* principal = access_.principal_of(session.user);
  if (!principal) return 1;
  wire::Answer out;
  out.token = query.token;
  double looks = 1;
  std::size_t bytes = 256;
  const bool much = session.reading.questions.size() > 2;
  const std::size_t page = std::min<std::uint64_t>(query.limit, much ? kPageOfMany : kPage);
  switch (query.what) {
    case wire::QueryWhat::jobs:
      looks += list_jobs(*principal, query, page, bytes, out, now);
      break;
    case wire::QueryWhat::job:
    case wire::QueryWhat::timeline:
    case wire::QueryWhat::errors:
    case wire::QueryWhat::tasks:
    case wire::QueryWhat::notes:
    case wire::QueryWhat::explain: {
      const Job* job = jobs_.find(query.job, query.number);
      if (!job) {
        Refusal why = jobs_.why_unknown(query.job, query.number);
        outbox_.complain(session, why.code, std::move(why.text), {}, query.token);
        return looks;
      }
      if (query.what == wire::QueryWhat::errors)
        looks += show_errors(*job, query, bytes, out);
      else if (query.what == wire::QueryWhat::tasks)
        looks += show_tasks(*job, query, bytes, out);
      else if (query.what == wire::QueryWhat::notes)
        looks += show_notes(*job, bytes, out, now);
      else
        looks += show_job(*job, query, bytes, out, now);
      break;
    }
    case wire::QueryWhat::schedules:
      list_schedules(schedules_, *principal, query, page, bytes, out);
      looks += kSkipping * static_cast<double>(schedules_.all().size());
      break;
    case wire::QueryWhat::schedule:
      if (auto no = show_schedule(schedules_, *principal, query, bytes, out)) {
        outbox_.complain(session, no->code, std::move(no->text), {}, query.token);
        return looks;
      }
      break;
    case wire::QueryWhat::workers:
      looks += list_workers(query, page, bytes, out, now);
      break;
    case wire::QueryWhat::broker:
      out.broker = statuses_.broker_in_detail(now);
      looks += kLooksOfMember * static_cast<double>(workers_.all().size());
      bytes += kFunctionBytes * out.broker->functions.size();
      break;
  }
  if (!out.broker) out.broker = statuses_.broker(now);
  session.reading.unread += bytes;
  // If the store cannot write, the state is sent without waiting for a commit, because the client
  // wants to know why nothing moves.
  outbox_.send(session, std::move(out), commits_.trouble().empty() ? commits_.latest() : 0);
  return looks;
}

double Questions::list_jobs(const Principal& principal, const wire::Query& query, std::size_t page,
                            std::size_t& bytes, wire::Answer& out, Time now) const {
  const JobFilter filter(query);
  double skipped = 0;
  const auto is_wanted = [&](const Job& job) {
    skipped += query.name.empty() ? 1 : 1 + kMatching;
    if (!job.is_listed() || !filter.matches(job) || !may_see(principal, subject_of(job)))
      return false;
    if (!filter.has_text()) return true;
    skipped += kSearching;
    return filter.matches_text(job, statuses_.reason_of(job));
  };
  const auto& jobs = jobs_.all();
  auto it = value(query.before) == 0 ? jobs.end() : jobs.lower_bound(query.before);
  while (it != jobs.begin() && skipped < kSkippedMost && out.jobs.size() < page &&
         bytes < kPageBytes) {
    --it;
    const Job& job = it->second;
    if (!is_wanted(job)) continue;
    out.jobs.push_back(statuses_.status_of(job, now, false, false));
    bytes += bytes_of(out.jobs.back());
  }
  if (it != jobs.begin()) out.before = JobNumber{value(std::prev(it)->first) + 1};
  return static_cast<double>(out.jobs.size()) + kSkipping * skipped;
}

double Questions::show_job(const Job& job, const wire::Query& query, std::size_t& bytes,
                           wire::Answer& out, Time now) const {
  double looks =
      kLooksOfOne +
      kLooksOfMember * static_cast<double>(job.run.pool ? job.run.pool->members().size() : 0);
  out.jobs.push_back(statuses_.status_of(job, now, true, true));
  if (query.what == wire::QueryWhat::explain) out.text = explainer_.explain(job, now);
  if (query.what == wire::QueryWhat::timeline) {
    out.jobs.back().spans = statuses_.spans_of(job, now);
    looks += kLooksOfMember * static_cast<double>(leases_.all().size());
  }
  bytes += bytes_of(out.jobs.back());
  for (const auto& sentence : out.text) bytes += sentence.size();
  return looks;
}

double Questions::show_errors(const Job& job, const wire::Query& query, std::size_t& bytes,
                              wire::Answer& out) {
  ErrorPage page = group_errors(job.output.results, {query.cursor, query.skip}, kPageBytes - bytes);
  out.errors = std::move(page.groups);
  if (page.more) {
    out.cursor = page.next.entry;
    out.skip = page.next.skip;
  }
  bytes += page.bytes;
  return kGrouping * static_cast<double>(page.looks);
}

double Questions::show_tasks(const Job& job, const wire::Query& query, std::size_t& bytes,
                             wire::Answer& out) const {
  TaskPage page = tasks_of(job, leases_, workers_, statuses_.blocked(job), query.cursor,
                           std::clamp<std::uint64_t>(query.limit, 1, kSpansMost));
  out.tasks = std::move(page.spans);
  out.cursor = page.next;
  bytes += kSpanBytes * out.tasks.size();
  return kLooksOfMember * static_cast<double>(out.tasks.size() + leases_.all().size());
}

double Questions::show_notes(const Job& job, std::size_t& bytes, wire::Answer& out,
                             Time now) const {
  out.notes = notes_.of(job, kPageBytes - bytes, now);
  for (const TaskNote& note : out.notes) bytes += 96 + note.text.size() + note.worker.size();
  return kLooksOfMember * static_cast<double>(out.notes.size());
}

double Questions::list_workers(const wire::Query& query, std::size_t page, std::size_t& bytes,
                               wire::Answer& out, Time now) const {
  double looks = 0;
  const auto after = [&](const auto& names) {
    return query.after.empty() ? names.begin() : names.upper_bound(query.after);
  };
  auto here = after(workers_.names());
  auto lost = after(workers_.lost());
  const auto more = [&] { return here != workers_.names().end() || lost != workers_.lost().end(); };
  while (more() && out.workers.size() < page && bytes < kPageBytes) {
    const bool is_here = lost == workers_.lost().end() ||
                         (here != workers_.names().end() && here->first <= lost->first);
    out.workers.push_back(is_here ? Workers::status_of(workers_.at((here++)->second), now)
                                  : Workers::status_of((lost++)->second, now));
    bytes += bytes_of(out.workers.back());
    looks += 1;
  }
  if (more()) out.after = out.workers.empty() ? query.after : out.workers.back().name;
  return looks;
}

}  // namespace quern::broker
