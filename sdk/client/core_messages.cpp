// What the client core does with each message of the broker.
#include <algorithm>

#include "client/core.hpp"

namespace quern::client {
namespace {

// A job whose SUBMIT was not answered in this many sessions ends: the broker cannot accept it.
constexpr std::uint64_t kSubmitsMax = 5;

}  // namespace

using Stage = LiveJob::Stage;
using Standing = LiveJob::Standing;
using Reader = LiveJob::Reader;

void ClientCore::on_message(wire::Envelope envelope, Time now) {
  session_.on_heard(now);
  // A new socket carries one session; anything else is not for us, and the other session will end
  // by silence.
  const bool of_session = session_.is_open() && envelope.session == session_.id();
  std::visit(
      [&](auto&& message) {
        using M = std::decay_t<decltype(message)>;
        if constexpr (std::is_same_v<M, wire::Welcome>) {
          if (session_.is_connecting()) on(message, envelope.session, now);
        } else if constexpr (std::is_same_v<M, wire::Refused>) {
          if (session_.is_connecting() || of_session) on(message, now);
        } else if constexpr (std::is_same_v<M, wire::HelloAgain>) {
          lose(now);
        } else if constexpr (std::is_same_v<M, wire::ErrorMessage>) {
          on(message, now);
        } else if constexpr (std::is_same_v<M, wire::Bye>) {
          if (of_session) lose(now);
        } else if constexpr (std::is_same_v<M, wire::Beat>) {
          if (of_session && !message.reply) send(wire::Beat{true, {}, {}}, now);
        } else if constexpr (std::is_same_v<M, wire::Accepted>) {
          if (of_session) on(message, now);
        } else if constexpr (std::is_same_v<M, wire::Results> ||
                             std::is_same_v<M, wire::JobUpdate>) {
          if (of_session) on(std::forward<decltype(message)>(message), now);
        } else if constexpr (std::is_same_v<M, wire::Answer> || std::is_same_v<M, wire::Blob>) {
          if (of_session) on(std::forward<decltype(message)>(message));
        }
        // Other messages are not for clients. A broker that sends them is newer or defective, which
        // is no reason to stop.
      },
      std::move(envelope.message));
}

void ClientCore::on_garbage(Time now) { lose(now); }

void ClientCore::on_link(Link link, Time now, std::string why) {
  const Link before = link_;
  link_ = link;
  if (!why.empty() || link == Link::connected) why_absent_ = std::move(why);
  switch (link) {
    case Link::connecting:
      break;
    case Link::connected:
      // The socket reconnected by itself, but HELLO was sent on the previous connection.
      if (before == Link::absent && was_connected_) lose(now);
      was_connected_ = true;
      break;
    case Link::absent:
      if (session_.is_open()) lose(now);
      break;
    case Link::refused:
      if (session_.is_connecting()) lose(now);
      break;
    case Link::denied:
      fail({ErrorCode::refused, why_absent_}, now);
      break;
  }
}

void ClientCore::on(const wire::Welcome& welcome, wire::SessionId id, Time now) {
  session_.on_welcome(id, welcome, now);
  waiting_since_.reset();
  std::unordered_map<Uuid, const wire::KnownJob*> known;
  for (const auto& job : welcome.jobs) known[job.job] = &job;
  std::vector<JobKey> keys;
  for (const auto& [key, job] : jobs_) keys.push_back(key);
  for (JobKey key : keys) {
    LiveJob* job = find(key);
    if (!job) continue;
    const auto found = known.find(job->uuid);
    resume(*job, found == known.end() ? nullptr : found->second, now);
  }
  resume_questions(now);
}

// A broker that kept the job in memory only may have run some of it before it was restarted. A
// durable job that the broker does not know never reached its disk, and nothing of a job runs
// before that.
bool ClientCore::may_have_started(const LiveJob& job, const wire::KnownJob* known) const {
  const wire::JobOptions& options = job.submit->options;
  const bool durable = options.durability == Durability::durable ||
                       (options.durability == Durability::automatic && job.has_store);
  const bool kept = (known && known->known) || durable;
  const bool restarted = job.submits_sent > 0 && job.incarnation != session_.incarnation();
  return options.at_most_once && restarted && !kept;
}

void ClientCore::resume(LiveJob& job, const wire::KnownJob* known, Time now) {
  job.acked = 0;
  job.asked_input = false;
  // Requests of the old session may not have arrived.
  for (const wire::Interval& tasks : job.cancels.list()) job.cancels_unsent.add(tasks);
  if (job.cancel_all == LiveJob::CancelAll::sent) job.cancel_all = LiveJob::CancelAll::due;
  switch (job.stage) {
    case Stage::submitting:
      if (may_have_started(job, known))
        end(job.key, {ErrorCode::lost,
                      "the broker was restarted before it acknowledged the job and no longer knows "
                      "it; tasks may have been started, and the job allows only one start, so it "
                      "was not submitted again"});
      else if (job.submits_sent < kSubmitsMax)
        send_submit(job, now);
      else
        end(job.key, last_error_.text.empty()
                         ? Failure{ErrorCode::session, "the broker does not answer this submission"}
                         : last_error_);
      return;
    case Stage::comparing:
      read_to_compare(job);
      return;
    case Stage::attaching:
      send_attach(job, now);
      return;
    case Stage::live:
    case Stage::ended:
      break;
  }
  if (known && !known->known) {
    const bool restarted = job.incarnation != session_.incarnation();
    end(job.key,
        {ErrorCode::lost, restarted ? "the job is lost: the broker was restarted, and the job was "
                                      "not durable (or the store lost it; see the broker's log)"
                                    : "the broker no longer knows this job"});
    return;
  }
  job.incarnation = session_.incarnation();
  if (known)
    job.input.on_resumed(known->accepted_to, known->credit_to);
  else
    job.input.on_resumed(job.input.accepted_to(), job.input.credit_to());
  // ATTACH before anything else of this job: the broker must know whose appends these are.
  send_attach(job, now);
  acknowledge(job, now);
  pump(job, now);
}

void ClientCore::on(const wire::Refused& refused, Time now) {
  std::string text = refused.text.empty() ? "no reason given" : refused.text;
  // `denied` normally refers to one request; here there is none.
  const bool plain = refused.code == ErrorCode::none || refused.code == ErrorCode::denied;
  const Failure why{plain ? ErrorCode::refused : refused.code,
                    "the broker at " + options_.endpoint + " refused this client: " + text};
  fail(why, now);
}

void ClientCore::on(const wire::ErrorMessage& error, Time now) {
  const Failure failure{error.code, error.text};
  last_error_ = failure;
  const auto attaching = std::find_if(jobs_.begin(), jobs_.end(), [&](const auto& entry) {
    return entry.second.stage == Stage::attaching && entry.second.token == error.token;
  });
  if (error.token != 0 && asks_.contains(error.token)) {
    answer(error.token, failure);
  } else if (error.token != 0 && attaching != jobs_.end()) {
    end(JobKey(attaching->first), failure);
  } else if (error.job) {  // also if an earlier ATTACH was answered: it is sent again for another
                           // window
    if (LiveJob* job = find(*error.job)) {
      const bool known = job->stage == Stage::live;
      if (error.code == ErrorCode::lost) {
        end(job->key, failure);  // also if it has ended: its results will not arrive
      } else if (known && error.code == ErrorCode::unknown_job) {
        end(job->key, {ErrorCode::lost, "the broker no longer knows this job"});
      } else if (job->stage != Stage::ended) {
        if (known && job->standing != Standing::guest)
          send(wire::Cancel{0, job->uuid, {}, {}},
               now);  // its input cannot continue, so it must not wait for more
        end(job->key, failure);
      }
    }
  }
  if (error.fatal || error.code == ErrorCode::session) lose(now);
}

void ClientCore::on(const wire::Accepted& accepted, Time now) {
  LiveJob* job = find(accepted.existing ? accepted.submitted : accepted.job);
  if (!job && accepted.existing) job = find(accepted.job);
  if (!job || job->stage == Stage::ended || job->stage == Stage::comparing ||
      job->stage == Stage::attaching)
    return;
  const bool first = job->stage == Stage::submitting;
  if (first) {
    job->stage = Stage::live;
    job->number = accepted.number;
    job->incarnation = session_.incarnation();
    wire::Batch sent = std::move(job->submit->batch);
    job->submit.reset();
    if (accepted.existing && accepted.job != job->uuid) {
      if (find(accepted.job)) {
        end(job->key, {ErrorCode::unknown_job,
                       "this client already follows the job with that idempotency key"});
        return;
      }
      // The existing job keeps its own input; ours is not sent. It may belong to another client, so
      // reading frees nothing.
      job->standing = Standing::guest;
      set_uuid(*job, accepted.job);
      job->existing = true;
      if (accepted.compare) return compare(*job, std::move(sent), now);
      job->input = InputLedger({}, InputLedger::Rest::none);
      send_attach(*job, now);
    } else if (job->attach_due) {
      send_attach(*job, now);
    }
    effects_.push_back(client::Accepted{job->key, job->uuid, job->number, job->existing});
  }
  if (job->standing != Standing::guest)
    job->input.on_accepted(accepted.accepted_to, accepted.credit_to);
  pump(*job, now);
  tell_taken(*job);
  forget_if_done(*job, now);
}

// Not when the last piece is sent, but when the broker has answered it.
void ClientCore::tell_taken(LiveJob& job) {
  if (job.told_taken || !job.input.all_accepted()) return;
  job.told_taken = true;
  effects_.push_back(InputTaken{job.key});
}

void ClientCore::on(wire::Results results, Time now) {
  LiveJob* job = find(results.job);
  if (!job || job->stage == Stage::submitting || job->stage == Stage::comparing) return;
  if (results.seq < job->received) return;  // sent again after a resume
  if (results.seq > job->received) {
    lose(now);  // an entry is missing: resynchronise, the cursor brings it
    return;
  }
  ++job->received;
  if (!job->cancels.empty()) {
    for (const auto& tasks : results.tasks) job->cancels.remove(tasks);
    for (const auto& e : results.errors) job->cancels.remove({e.first, e.first + e.count});
  }
  if (job->reader == Reader::gone) {
    if (job->standing == Standing::owner) {
      job->consumed = job->received;
      to_acknowledge_.push_back(job->key);
    }
  } else {
    effects_.push_back(Deliver{job->key, std::move(results)});
  }
  forget_if_done(*job, now);
}

void ClientCore::on(wire::JobUpdate update, Time now) {
  if (update.status.uuid.is_nil())
    return lose(now);  // a job without a UUID cannot be matched: the broker is defective
  LiveJob* job = find(update.status.uuid);
  for (auto it = jobs_.begin(); !job && update.token != 0 && it != jobs_.end(); ++it) {
    if (it->second.stage == Stage::attaching && it->second.token == update.token) job = &it->second;
  }
  if (update.token != 0 && asks_.contains(update.token)) answer(update.token, update);
  if (!job || job->stage == Stage::ended || job->stage == Stage::comparing) return;
  if (job->stage == Stage::attaching) {
    if (LiveJob* other = find(update.status.uuid); other && other != job) {
      end(job->key, {ErrorCode::unknown_job,
                     "this client already follows that job, but has released its results"});
      return;
    }
    job->stage = Stage::live;
    job->number = update.status.number;
    job->incarnation = session_.incarnation();
    set_uuid(*job, update.status.uuid);
    effects_.push_back(client::Accepted{job->key, job->uuid, job->number, job->existing});
    if (job->own_input) tell_taken(*job);
    send_cancels(*job, now);
  }
  if (is_final(update.status.state)) {
    if (job->stage == Stage::submitting) {
      // The broker knew it from an earlier session, and JOB overtook ACCEPTED.
      job->number = update.status.number;
      job->submit.reset();
      effects_.push_back(client::Accepted{job->key, job->uuid, job->number, job->existing});
    }
    job->stage = Stage::ended;
    job->entries = update.entries;
    job->input.stop();
    job->cancels.clear();
    job->cancels_unsent.clear();
  }
  effects_.push_back(Status{job->key, std::move(update)});
  forget_if_done(*job, now);
}

void ClientCore::on(wire::Answer reply) {
  const std::uint64_t token = reply.token;
  if (asks_.contains(token)) answer(token, std::move(reply));
}

void ClientCore::on(wire::Blob blob) {
  const std::uint64_t token = blob.token;
  if (asks_.contains(token)) answer(token, std::move(blob));
}

}  // namespace quern::client
