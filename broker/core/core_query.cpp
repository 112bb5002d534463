// Questions of clients, answered within bounds: what one session asks costs the others nothing that
// they notice.
//
// Questions wait in their session and are answered in small pages between other messages: so many
// looks per session and second, so many per settle(). And a session that does not read gets nothing
// more: after so many bytes of answers and news it is sent a BEAT, and goes on when it has answered
// that, which it can only after having read what came before. One that never does ends.
#include <algorithm>

#include "broker/core/access.hpp"
#include "broker/core/core.hpp"

namespace quern::broker {
namespace {

// In looks: at a job or a worker that is shown.
constexpr Allowance kLooks{5000, 5000};  // about 5 % of a core; and a list of 5,000 at once
constexpr std::size_t kPage = 200;       // about a millisecond
constexpr std::size_t kPageOfMany = 25;  // for a session that asks without end
constexpr double kLooksAtOnce = 200;     // in a settle()
// Jobs that are passed over because they are not for the eyes of who asks: each is a small part of
// a look.
constexpr std::size_t kPassedOver = 2000;
constexpr double kPassing = 0.05;
// What is looked at for one job: its workers, its leases.
constexpr double kLooksOfOne = 10, kLooksOfMember = 0.02;
constexpr std::size_t kQuestionsMost = 1000;
constexpr std::size_t kUnreadMost = 1u << 20;
// Of the 256 KiB that a header may have.
constexpr std::size_t kPageBytes = 160u << 10;

std::size_t bytes_of(const JobStatus& s) {
  std::size_t bytes = 640 + s.name.size() + s.function.size() + s.owner.size() + s.decision.size() +
                      s.reason.size() + s.reduce.size();
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

void Core::on_query(Session& session, const wire::Query& query, Time now) {
  if (session.questions.size() >= kQuestionsMost) {
    complain(session, ErrorCode::limit,
             "more than " + std::to_string(kQuestionsMost) +
                 " questions wait for an answer: ask again when you have those",
             {}, query.token);
    offend(session.peer, session.user, 0.01, "questions without waiting for answers", now);
    return;
  }
  if (session.questions.empty()) asking_.push_back(session.id);
  session.questions.push_back(query);
}

bool Core::hears(Session& session, Time now) {
  if (session.unread >= kUnreadMost / 2 &&
      !session.probed) {  // early, so that who reads never waits
    session.probed = now;
    send(session, wire::Beat{});
  }
  return session.unread < kUnreadMost;
}

void Core::on_heard(Session& session) {
  session.unread = 0;
  session.probed.reset();
  if (!session.held_news.empty()) releasing_.push_back(session.id);
}

void Core::hold_news(const Job& job, Follower& follower, Session& session) {
  if (!std::exchange(follower.news_held, true)) session.held_news.push_back(job.number);
}

void Core::hold_results(const Job& job, Follower& follower, Session& session) {
  if (!std::exchange(follower.results_held, true)) session.held_results.push_back(job.number);
}

void Core::release_results(Session& session) {
  if (!session.held_results.empty() && session.results_out < wire::kSessionResults)
    releasing_.push_back(session.id);
}

bool Core::touch_held_back() {
  // Few at a time: what they have to say may fill the session again, and the rest is not looked at
  // then.
  constexpr std::size_t kAtOnce = 64;
  while (!releasing_.empty()) {
    Session* session = sessions_.find(releasing_.back());
    const bool news = session && !session->held_news.empty() && session->unread < kUnreadMost;
    const bool results =
        session && !session->held_results.empty() && session->results_out < wire::kSessionResults;
    if (!news && !results) {
      releasing_.pop_back();
      continue;
    }
    auto& held = news ? session->held_news : session->held_results;
    for (std::size_t i = 0; i < kAtOnce && !held.empty(); ++i) {
      const auto it = jobs_.find(held.front());
      held.pop_front();
      if (it == jobs_.end()) continue;
      for (Follower& follower : it->second.followers)
        if (follower.session == session->id)
          (news ? follower.news_held : follower.results_held) = false;
      touch(it->second);
    }
    if (!dirty_.empty()) return true;
  }
  return false;
}

void Core::answer_questions(Time now) {
  answer_at_.reset();
  double left = kLooksAtOnce;
  std::size_t in_vain = 0;  // sessions in a row that get nothing now
  while (left > 0 && in_vain < asking_.size()) {
    const wire::SessionId id = asking_.front();
    asking_.pop_front();
    Session* session = sessions_.find(id);
    if (!session || session->questions.empty()) continue;
    if (session->looks.in_debt(kLooks, now)) {
      answer_at_ = now + std::chrono::milliseconds(5);
      ++in_vain;
    } else if (!hears(*session, now)) {
      ++in_vain;  // its BEAT comes here again
    } else {
      in_vain = 0;
      const wire::Query query = std::move(session->questions.front());
      session->questions.pop_front();
      const double looks = answer(*session, query, now);
      session->looks.charge(looks, kLooks, now);
      left -= looks;
    }
    if (!session->questions.empty()) asking_.push_back(id);
  }
  if (left <= 0 && !asking_.empty()) answer_at_ = now;  // after what came meanwhile
}

double Core::answer(Session& session, const wire::Query& query, Time now) {
  const Principal* principal = principal_of(session.user);
  if (!principal) return 1;
  wire::Answer out;
  out.token = query.token;
  double looks = 1;
  const bool much = !session.questions.empty() && session.questions.size() > 2;
  const std::size_t page = std::min<std::uint64_t>(query.limit, much ? kPageOfMany : kPage);
  std::size_t bytes = 256;
  switch (query.what) {
    case wire::QueryWhat::jobs: {
      auto it = value(query.before) == 0 ? jobs_.end() : jobs_.lower_bound(query.before);
      for (std::size_t passed = 0; it != jobs_.begin() && passed < kPassedOver &&
                                   out.jobs.size() < page && bytes < kPageBytes;) {
        const Job& job = std::prev(it)->second;
        --it;
        if (job.blob || !may_see(*principal, subject_of(job))) {
          ++passed;
          looks += kPassing;
          continue;
        }
        out.jobs.push_back(status_of(job, now, false, false));
        bytes += bytes_of(out.jobs.back());
        looks += 1;
      }
      if (it != jobs_.begin()) out.before = it->first;
      break;
    }
    case wire::QueryWhat::job:
    case wire::QueryWhat::timeline:
    case wire::QueryWhat::explain: {
      const Job* job = find_job(query.job, query.number);
      if (!job) {
        const auto [code, text] = unknown_job(query.job, query.number);
        complain(session, code, text, {}, query.token);
        return looks;
      }
      looks += kLooksOfOne +
               kLooksOfMember * static_cast<double>(job->pool ? job->pool->members().size() : 0);
      out.jobs.push_back(status_of(*job, now, true, true));
      if (query.what == wire::QueryWhat::explain) out.text = explain(*job, now);
      if (query.what == wire::QueryWhat::timeline) {
        out.jobs.back().spans = spans_of(*job, now);
        looks += kLooksOfMember * static_cast<double>(leases_.size());
      }
      bytes += bytes_of(out.jobs.back());
      for (const auto& sentence : out.text) bytes += sentence.size();
      break;
    }
    case wire::QueryWhat::workers: {
      auto here =
          query.after.empty() ? worker_names_.begin() : worker_names_.upper_bound(query.after);
      auto lost =
          query.after.empty() ? lost_workers_.begin() : lost_workers_.upper_bound(query.after);
      while ((here != worker_names_.end() || lost != lost_workers_.end()) &&
             out.workers.size() < page && bytes < kPageBytes) {
        const bool is_here = lost == lost_workers_.end() ||
                             (here != worker_names_.end() && here->first <= lost->first);
        if (is_here)
          out.workers.push_back(status_of(workers_.at((here++)->second), now));
        else
          out.workers.push_back(status_of((lost++)->second, now));
        bytes += bytes_of(out.workers.back());
        looks += 1;
      }
      if (here != worker_names_.end() || lost != lost_workers_.end())
        out.after = out.workers.empty() ? query.after : out.workers.back().name;
      break;
    }
    case wire::QueryWhat::broker:
      break;
  }
  out.broker = status(now);
  session.unread += bytes;
  // With a store that cannot write the state is told ahead of it: who asks then wants to know why
  // nothing moves.
  send(session, std::move(out), commits_.trouble().empty() ? commits_.latest() : 0);
  return looks;
}

std::pair<ErrorCode, std::string> Core::unknown_job(Uuid uuid, JobNumber number) const {
  if (!uuid.is_nil())
    return {ErrorCode::unknown_job, "job " + uuid.text() + " is unknown here: see `quern jobs`"};
  const std::string name = "job " + std::to_string(value(number));
  // Numbers are given out in order and never again.
  if (!numbers_.was_given(number))
    return {ErrorCode::unknown_job, name + " is unknown here: see `quern jobs`"};
  if (numbers_.was_given_before(number))
    return {ErrorCode::expired, name +
                                    " is no longer known: it ended and was kept for its time "
                                    "(--ttl), or it was a memory job and the broker was restarted"};
  return {ErrorCode::expired, name +
                                  " ended and was kept for its time, which is over; submit it "
                                  "again with a longer --ttl to keep it longer"};
}

}  // namespace quern::broker
