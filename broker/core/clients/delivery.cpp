#include "broker/core/clients/delivery.hpp"

#include <algorithm>

#include "broker/core/jobs/input_comparison.hpp"
#include "broker/core/jobs/input_print.hpp"
#include "wire/blob.hpp"
#include "wire/input_digest.hpp"

namespace quern::broker {
namespace {

// Results are loaded from the store this far ahead of what has been sent.
constexpr std::uint64_t kResultsAhead = 4u << 20;

}  // namespace

void Delivery::send_results(Job& job, Time now) {
  if (job.intake.credit_to > job.intake.credit_told && job.intake.open) {
    // The client is told at once because it may be waiting for more credit. Otherwise it learns of
    // new credit from the answer to its next APPEND.
    job.intake.credit_told = job.intake.credit_to;
    outbox_.send(job.owner.session, accepted(job), job.commits.latest);
  }
  for (Follower& follower : job.followers) {
    Session* session = sessions_.find(follower.session);
    if (!session || !session->reachable) continue;
    follower.sent = std::max(follower.sent, job.output.results.begin());
    while (follower.window > 0 && follower.sent < job.output.results.end() &&
           follower.outstanding < follower.window) {
      if (session->reading.results_out >= wire::kSessionResults &&
          session->reading.wanted != job.number) {
        Followers::hold_results(job, follower, *session);  // on_ack() continues
        break;
      }
      const ResultEntry& entry = job.output.results.at(follower.sent);
      if (entry.place != ResultEntry::Place::memory) {
        for (std::uint64_t seq : job.output.results.wanted(follower.sent, kResultsAhead))
          context_.effects.push_back(LoadResult{job.number, seq});
        break;  // on_result_loaded() continues
      }
      wire::Results message{job.spec.uuid,
                            follower.sent,
                            job.run.decision ? job.run.decision->encoding : Encoding::raw,
                            entry.tasks,
                            entry.errors,
                            entry.written,
                            entry.batch};
      outbox_.send(*session, std::move(message), entry.sequence);
      follower.outstanding += entry.weight;
      session->reading.results_out += entry.weight;
      ++follower.sent;
    }
    if (job.final()) {
      if (!follower.told_final) tell_if_it_hears(job, follower, *session, now);
    } else if (follower.watch_ms > 0 && now - follower.told >= watch_of(follower, *session)) {
      tell_if_it_hears(job, follower, *session, now);
    }
  }
}

void Delivery::tell_if_it_hears(Job& job, Follower& follower, Session& session, Time now) {
  if (followers_.hears(session, now))
    tell(job, follower, 0, now);
  else
    Followers::hold_news(job, follower, session);
}

wire::Duration Delivery::watch_of(const Follower& follower, const Session& session) {
  // A client that follows very many jobs gets news of each less often, so that the total rate is
  // bounded.
  constexpr std::chrono::milliseconds kTellEvery{1};
  return std::max(std::chrono::milliseconds(follower.watch_ms),
                  kTellEvery * static_cast<int>(session.reading.followed.size()));
}

void Delivery::tell(Job& job, Follower& follower, std::uint64_t token, Time now) {
  follower.told = now;
  follower.told_final = job.final();
  // While the store cannot write, news would pile up behind it, and a waiting client wants to know
  // why. So the state is sent without waiting for a commit.
  const bool ahead = !job.final() && !commits_.trouble().empty();
  wire::JobUpdate update = statuses_.update_of(job, now, token);
  if (!follower.values) {  // only the state
    update.has_value = false;
    update.value = {};
  }
  Session* session = sessions_.find(follower.session);
  if (!session) return;
  constexpr std::size_t kUpdateBytes = 512, kShareBytes = 160;
  session->reading.unread +=
      kUpdateBytes + update.value.size() + kShareBytes * update.status.shares.size();
  outbox_.send(*session, std::move(update), ahead ? 0 : job.commits.latest);
}

void Delivery::acknowledge(Outbox& outbox, const Session& session, const Job& job,
                           std::uint64_t after) {
  // Without followers there will be no results that could carry it.
  if (job.followers.empty())
    outbox.acknowledge(session, accepted(job), after);
  else
    outbox.send(session, accepted(job), after);
}

wire::Accepted Delivery::accepted(const Job& job) {
  return {job.spec.uuid, job.number, job.intake.accepted, job.intake.credit_to, false, {}, false};
}

}  // namespace quern::broker
