#include "broker/core/jobs/followers.hpp"

#include <algorithm>

#include "broker/core/access/access.hpp"
#include "broker/core/jobs/input_comparison.hpp"
#include "broker/core/jobs/input_print.hpp"
#include "wire/blob.hpp"
#include "wire/input_digest.hpp"

namespace quern::broker {
namespace {

constexpr std::size_t kUnreadMost = 1u << 20;

}  // namespace

Follower& Followers::follow(Job& job, Session& session, std::uint64_t cursor, std::uint64_t window,
                            std::uint32_t watch_ms) {
  auto it = std::find_if(job.followers.begin(), job.followers.end(),
                         [&](const Follower& f) { return f.session == session.id; });
  if (it == job.followers.end()) {
    job.followers.push_back({});
    it = std::prev(job.followers.end());
  }
  it->session = session.id;
  forget_outstanding(*it);
  const Follower before = std::exchange(*it, Follower{});
  it->session = session.id;
  it->news_held = before.news_held;  // it is still in the session's lists
  it->results_held = before.results_held;
  it->sent = it->acked = std::max(cursor, job.output.results.begin());
  it->window = window;
  it->watch_ms = watch_ms;
  const Principal* principal = access_.principal_of(session.user);
  it->values = principal && (job.spec.principal == principal->name || principal->may(Right::admin));
  session.reading.followed.insert(job.spec.uuid);
  return *it;
}

void Followers::show_values(Job& job, const Session& session) {
  for (Follower& follower : job.followers)
    if (follower.session == session.id) follower.values = true;
}

void Followers::forget_outstanding(Follower& follower) {
  if (Session* session = sessions_.find(follower.session)) {
    session->reading.results_out -= std::min(session->reading.results_out, follower.outstanding);
    release_results(*session);
  }
  follower.outstanding = 0;
}

bool Followers::hears(Session& session, Time now) {
  // The probe is sent early, so that a client that reads never has to wait.
  if (session.reading.unread >= kUnreadMost / 2 && !session.reading.probed) {
    session.reading.probed = now;
    outbox_.send(session, wire::Beat{});
  }
  return session.reading.unread < kUnreadMost;
}

void Followers::on_heard(Session& session) {
  session.reading.unread = 0;
  session.reading.probed.reset();
  if (!session.reading.held_news.empty()) releasing_.push_back(session.id);
}

void Followers::hold_news(const Job& job, Follower& follower, Session& session) {
  if (!std::exchange(follower.news_held, true)) session.reading.held_news.push_back(job.number);
}

void Followers::hold_results(const Job& job, Follower& follower, Session& session) {
  if (!std::exchange(follower.results_held, true))
    session.reading.held_results.push_back(job.number);
}

void Followers::release_results(Session& session) {
  if (!session.reading.held_results.empty() && session.reading.results_out < wire::kSessionResults)
    releasing_.push_back(session.id);
}

bool Followers::touch_held_back() {
  // Only a few at a time: their messages may fill the session again, and then the others need not
  // be examined.
  constexpr std::size_t kAtOnce = 64;
  while (!releasing_.empty()) {
    Session* session = sessions_.find(releasing_.back());
    const bool news =
        session && !session->reading.held_news.empty() && session->reading.unread < kUnreadMost;
    const bool results = session && !session->reading.held_results.empty() &&
                         session->reading.results_out < wire::kSessionResults;
    if (!news && !results) {
      releasing_.pop_back();
      continue;
    }
    auto& held = news ? session->reading.held_news : session->reading.held_results;
    for (std::size_t i = 0; i < kAtOnce && !held.empty(); ++i) {
      Job* it = jobs_.find(held.front());
      held.pop_front();
      if (!it) continue;
      for (Follower& follower : it->followers)
        if (follower.session == session->id)
          (news ? follower.news_held : follower.results_held) = false;
      jobs_.touch(*it);
    }
    if (!jobs_.changed().empty()) return true;
  }
  return false;
}

}  // namespace quern::broker
