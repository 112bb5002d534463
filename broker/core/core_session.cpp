// Sessions: HELLO and what a peer held before, beats, silence, the end.
#include <algorithm>
#include <cmath>

#include "broker/core/access.hpp"
#include "broker/core/core.hpp"

namespace quern::broker {
namespace {

using std::chrono::milliseconds;

// How often silence, graces and progress are looked at: this part of the shortest of them, which is
// 100 ms of 3 s.
constexpr int kSweepPart = 30;
constexpr std::size_t kSweepJobs = 2000;
// What a worker could give must change so much before it is worth a look at who gets what.
constexpr double kAvailableMoved = 0.2;
// A worker that was lost is shown for so long.
constexpr std::chrono::hours kLostShown{1};
// How much of what a job got of late is of the last second.
constexpr double kRecent = 0.5;

}  // namespace

void Core::send(const Session& session, wire::Message&& message, std::uint64_t after) {
  if (!session.reachable) return;
  after = std::max(after, session.welcome_after);  // a peer takes nothing before its WELCOME
  if (after > commits_.committed() && config_.mistake != Mistake::acknowledge_early)
    commits_.hold(after, {session.peer, session.id, std::move(message)});
  else
    effects_.emplace_back(std::in_place_type<Send>, session.peer, session.id, std::move(message));
}

void Core::send(wire::SessionId id, wire::Message&& message, std::uint64_t after) {
  if (const Session* session = sessions_.find(id)) send(*session, std::move(message), after);
}

void Core::complain(const Session& session, ErrorCode code, std::string text,
                    std::optional<Uuid> job, std::uint64_t token) {
  send(session, wire::ErrorMessage{code, std::move(text), job, token, false});
}

void Core::misbehaved(Session& session, ErrorCode code, std::string text, Time now) {
  ++counters_.malformed;
  effects_.push_back(Note{Note::Level::warning, session.name + ": " + text});
  record(session.peer, session.principal, "end session", session.name, false, text);
  offend(session.peer, session.user, 5, text, now);
  send(session, wire::ErrorMessage{code, std::move(text), {}, 0, true});
  end_session(session.id, now);
}

void Core::on_hello(PeerId peer, const std::string& user, const Principal& principal,
                    wire::Hello&& hello, Time now) {
  const auto refuse = [&](ErrorCode code, std::string text) {
    ++counters_.refused;
    effects_.push_back(Note{Note::Level::warning, "refused " + hello.name + ": " + text});
    effects_.push_back(Send{peer, {}, wire::Refused{code, std::move(text)}});
  };
  if (hello.protocol_min > wire::kProtocolVersion || hello.protocol_max < wire::kProtocolOldest) {
    return refuse(ErrorCode::version, "this broker speaks protocol " +
                                          std::to_string(wire::kProtocolOldest) + " to " +
                                          std::to_string(wire::kProtocolVersion) + ", you speak " +
                                          std::to_string(hello.protocol_min) + " to " +
                                          std::to_string(hello.protocol_max) +
                                          ": install the same version of Quern on both");
  }
  wire::Hello question;
  question.role = hello.role;
  const wire::Message asked = std::move(question);
  const Verdict verdict = decide(principal, asked, std::nullopt);
  record(peer, principal.name, action_of(asked), hello.name, verdict.allowed, verdict.reason);
  if (!verdict.allowed) return refuse(ErrorCode::denied, verdict.reason);
  if (hello.identity.is_nil()) return refuse(ErrorCode::malformed, "HELLO needs an identity");
  Session* before = sessions_.of_identity(hello.role, hello.identity);
  if (before && before->principal != principal.name) {
    record(peer, principal.name, "take over session", before->name, false,
           "it belongs to " + before->principal);
    return refuse(ErrorCode::denied, "this identity is that of a session of another principal");
  }
  if (!before && sessions_.all().size() >= config_.sessions_max)
    return refuse(ErrorCode::limit, "this broker has its limit of " +
                                        std::to_string(config_.sessions_max) + " sessions");

  // The same peer with a new session: what it held comes along. A connection has one session:
  // another peer's on it ends.
  std::set<wire::LeaseId> inherited;
  FunctionRecords records;
  if (before) {
    if (hello.role == wire::Role::worker) {
      if (auto it = workers_.find(before->id); it != workers_.end()) {
        for (Lease* lease : std::exchange(it->second.leases, {})) {
          forget_doubt(*lease);
          lease->held_by = nullptr;
          inherited.insert(lease->id);
        }
        records = std::move(it->second.records);  // how fast it is it need not prove anew
      }
    }
    end_session(before->id, now);
  }
  if (Session* other = sessions_.of_peer(peer)) end_session(other->id, now);

  Session& session = sessions_.open(peer, hello.role, hello.identity);
  session.name = hello.name.empty() ? hello.identity.text() : hello.name;
  session.user = user;
  session.principal = principal.name;
  session.connected = session.heard = now;
  if (!next_sweep_) next_sweep_ = now + config_.lost_busy / kSweepPart;

  wire::Welcome welcome;
  welcome.incarnation = config_.incarnation;
  welcome.software = config_.software;
  welcome.store = config_.store;
  const auto ms = [](milliseconds d) { return static_cast<std::uint32_t>(d.count()); };
  welcome.beat_busy_ms = ms(config_.beat_busy);
  welcome.beat_idle_ms = ms(config_.beat_idle);
  welcome.lost_busy_ms = ms(config_.lost_busy);
  welcome.lost_idle_ms = ms(config_.lost_idle);
  if (hello.role == wire::Role::worker)
    welcome_worker(session, principal, hello, std::move(inherited), std::move(records), welcome,
                   now);
  else
    welcome_client(principal, hello, welcome);
  const bool worker = hello.role == wire::Role::worker;
  effects_.push_back(
      Note{Note::Level::info, (worker ? "worker " : "client ") + session.name + " connected"});
  // Which results and which appends are in: not before they are safe, or the peer would let go of
  // them.
  std::uint64_t after = welcome.dropped.empty() ? 0 : commits_.latest();
  for (const auto& known : welcome.jobs)
    if (const Job* job = find_job(known.job)) after = std::max(after, job->ticket);
  session.welcome_after = after;
  send(session, std::move(welcome), after);
  dispatch_needed_ = true;
}

/// Names are how people (and `drain`) tell workers apart: a name that is taken gets a number.
std::string Core::free_worker_name(const std::string& wanted) const {
  if (!worker_names_.contains(wanted)) return wanted;
  // Room for the number: a name over the limit would not travel.
  const std::string base = wanted.substr(0, wire::kNameBytesMax - 16);
  const auto numbered = [&](unsigned n) { return base + "#" + std::to_string(n); };
  // A thousand containers may all have one name, so not every number is tried: some free one, then
  // a free one after a taken one.
  unsigned taken = 1, free = 2;
  while (worker_names_.contains(numbered(free))) {
    taken = free;
    free *= 2;
  }
  while (free - taken > 1) {
    const unsigned middle = taken + (free - taken) / 2;
    (worker_names_.contains(numbered(middle)) ? taken : free) = middle;
  }
  return numbered(free);
}

void Core::welcome_worker(Session& session, const Principal& principal, wire::Hello& hello,
                          std::set<wire::LeaseId>&& inherited, FunctionRecords&& records,
                          wire::Welcome& welcome, Time now) {
  Worker& worker = workers_[session.id];
  worker.records = std::move(records);
  worker.session = session.id;
  worker.connection = &session;
  session.worker = &worker;
  worker.name = free_worker_name(session.name);
  worker_names_.emplace(worker.name, session.id);
  lost_workers_.erase(worker.name);
  worker.offer = std::move(*hello.worker);
  worker.functions = worker.offer.functions;
  worker.reducers = worker.offer.reducers;
  worker.draining = worker.offer.draining;
  worker.memory = worker.offer.capacity.memory_free;
  worker.told_available = worker.available();
  if (!worker.offer.plugins.empty()) {
    std::string plugins;
    for (const auto& plugin : worker.offer.plugins)
      plugins += (plugins.empty() ? "" : ", ") + plugin;
    record(session.peer, principal.name, "load plugin", plugins, true, "on worker " + worker.name);
  }
  restrict_offer(worker, principal);

  std::size_t taken_up = 0;
  for (const auto& held : worker.offer.held) {
    Lease* lease = find_lease(held.lease);
    if (!lease && held.lease.incarnation < config_.incarnation && adopt(held, session, now)) {
      ++taken_up;
      continue;
    }
    if (!lease || !inherited.contains(held.lease)) {
      welcome.dropped.push_back(held.lease);
      continue;
    }
    inherited.erase(held.lease);
    lease->worker = session.id;
    lease->granted = now;
    lease->reclaiming = false;  // whatever was asked in the old session went with it
    worker.hold(*lease);
    if (Pool* pool = jobs_.at(lease->job).pool; pool && takes_resources(*lease))
      pool->need().count(worker, 1);
  }
  if (taken_up > 0)
    record(session.peer, principal.name, "take up leases", worker.name, true,
           std::to_string(taken_up) + " of before the restart");
  for (wire::LeaseId id : inherited) lose_lease(id, Loss::never_arrived);
  worker.offer.held.clear();
  note_room(worker);
}

void Core::welcome_client(const Principal& principal, const wire::Hello& hello,
                          wire::Welcome& welcome) {
  for (const auto& held : hello.jobs) {
    wire::KnownJob known{held.job, false, {}, 0, 0};
    if (const Job* job = find_job(held.job); job && may_see(principal, subject_of(*job)))
      known = {held.job, true, job->number, job->accepted, job->credit_to};
    welcome.jobs.push_back(known);
  }
}

void Core::on_beat(Session& session, const wire::Beat& beat) {
  if (session.role == wire::Role::worker && beat.capacity) {
    Worker& worker = *session.worker;
    const std::uint32_t slots = worker.slots();
    worker.offer.capacity = *beat.capacity;
    const double available = worker.available();
    if (slots != worker.slots() ||
        std::abs(available - worker.told_available) > kAvailableMoved * worker.told_available) {
      worker.told_available = available;
      tell_pools(worker);
      note_room(worker);
    }
  }
  if (!beat.reply)
    send(session, wire::Beat{true, {}, {}});
  else if (session.role == wire::Role::client)
    on_heard(session);
}

void Core::end_session(wire::SessionId id, Time now) {
  Session* session = sessions_.find(id);
  if (!session) return;
  if (session->role == wire::Role::worker) {
    if (auto it = workers_.find(id); it != workers_.end()) {
      end_worker(it->second, false);
      leave_pools(it->second);
      const std::string name = it->second.name, wanted = session->name;
      worker_names_.erase(name);
      workers_.erase(it);
      if (name == wanted) hand_on_name(name);
    }
  } else {
    for (const Uuid& uuid : session->followed) {
      Job* job = find_job(uuid);
      if (!job) continue;
      std::erase_if(job->followers, [&](const Follower& f) { return f.session == id; });
      if (job->durable() && job->final()) results_heavy_.insert(job->number);
      if (job->owner != id || job->options->detach) continue;
      if (job->final())
        unread_.emplace(now + config_.grace, job->number);
      else
        job->orphan_until = now + config_.grace;
    }
  }
  without_session_.push_back(session->peer);
  sessions_.close(id);
  dispatch_needed_ = true;
}

/// A machine that was restarted came back before its old session was given up, and got a number:
/// the name is its own now.
void Core::hand_on_name(const std::string& name) {
  const std::string first = name + "#";
  for (auto it = worker_names_.lower_bound(first);
       it != worker_names_.end() && it->first.starts_with(first); ++it) {
    Worker& worker = workers_.at(it->second);
    if (worker.connection->name != name) continue;
    const auto node = worker_names_.extract(it);
    worker.name = name;
    worker.share = nullptr;
    worker.share_of = {};
    worker_names_.emplace(name, worker.session);
    lost_workers_.erase(name);
    return;
  }
}

void Core::note_lost(const Worker& worker, const std::string& why, Time now) {
  constexpr std::size_t kLostMost = 10'000;
  if (lost_workers_.size() >= kLostMost) return;
  LostWorker& lost = lost_workers_[worker.name];
  lost.last = status_of(worker, now);
  lost.last.state = "lost";
  lost.last.reason = why;
  lost.lost = now;
}

void Core::end_worker(Worker& worker, bool lost) {
  // Leases run in the order of their ids, a slot each: those behind were only queued and bear no
  // guilt.
  std::uint32_t running = worker.slots();
  for (Lease* lease : std::vector<Lease*>(worker.leases)) {
    lose_lease(lease->id, lost && running > 0 ? Loss::while_running : Loss::perhaps_started);
    if (running > 0) --running;
  }
}

void Core::drop_unread(Time now) {
  while (!unread_.empty() && unread_.begin()->first <= now) {
    auto it = jobs_.find(unread_.begin()->second);
    unread_.erase(unread_.begin());
    if (it == jobs_.end() || !it->second.final() || sessions_.find(it->second.owner))
      continue;  // its client came back, it was retried
    it->second.results.clear();
    save(it->second);
    account(it->second);
  }
}

void Core::sweep(Time now) {
  next_sweep_ = now + config_.lost_busy / kSweepPart;
  std::vector<wire::SessionId> silent;
  for (const auto& [id, session] : sessions_.all()) {
    // A worker that was idle beats seldom: it is to beat more often from its first lease on, and
    // what it did not say before that is no sign of anything.
    const bool busy = session.role == wire::Role::worker && !session.worker->leases.empty();
    const bool silent_at_work =
        busy && now - std::max(session.heard, session.worker->busy_since) > config_.lost_busy;
    const bool deaf = session.probed && now - *session.probed > config_.lost_idle;
    if (deaf)
      effects_.push_back(
          Note{Note::Level::warning,
               "client " + session.name + " does not read what it asked for: its session ends"});
    if (deaf || silent_at_work || now - session.heard > config_.lost_idle) silent.push_back(id);
  }
  for (wire::SessionId id : silent) {
    Session& session = *sessions_.find(id);
    if (session.role == wire::Role::worker) {
      Worker& worker = *session.worker;
      effects_.push_back(
          Note{Note::Level::warning,
               "worker " + worker.name + " is lost: silent for " +
                   std::to_string(
                       std::chrono::duration_cast<milliseconds>(now - session.heard).count()) +
                   " ms, " + std::to_string(worker.leases.size()) +
                   (worker.leases.size() == 1 ? " lease goes to others" : " leases go to others")});
      note_lost(
          worker,
          "no sign of life for " +
              std::to_string(
                  std::chrono::duration_cast<std::chrono::seconds>(now - session.heard).count()) +
              " s; " + std::to_string(worker.leases.size()) +
              (worker.leases.size() == 1 ? " lease goes" : " leases go") + " to others",
          now);
      end_worker(worker, true);
    }
    end_session(id, now);
  }
  // A slice of the jobs a time, so that a million waiting ones cost a busy broker nothing it would
  // notice.
  std::size_t slice = std::min(kSweepJobs, live_.size());
  for (auto it = live_.upper_bound(swept_); slice > 0 && !live_.empty(); --slice) {
    if (it == live_.end()) it = live_.begin();
    Job& job = jobs_.at(*it++);  // ending the job removes it from live_
    swept_ = job.number;
    if (job.orphan_until && now >= *job.orphan_until) {
      end_job(job, JobState::cancelled, ErrorCode::cancelled, "its client went away", now);
      it = live_.upper_bound(swept_);
      continue;
    }
    if (now - job.pace_since >= std::chrono::seconds(1)) {
      const double s = std::chrono::duration<double>(now - job.pace_since).count();
      if (job.done > 0 || job.work_done > 0) {
        Pace& pace = job.pace.edit();
        pace.rate = static_cast<double>(job.done - pace.done) / s;
        const double work = (job.work_done - pace.work) / s;
        pace.recent_work =
            pace.recent_work > 0 ? pace.recent_work + kRecent * (work - pace.recent_work) : work;
        pace.work = job.work_done;
        pace.done = job.done;
      }
      job.pace_since = now;
    }
    grant_credit(job, now);
    const bool watched = std::any_of(job.followers.begin(), job.followers.end(),
                                     [](const Follower& f) { return f.watch_ms > 0; });
    if (watched || job.credit_to > job.credit_told) touch(job);
  }
  drop_unread(now);
  sweep_ended(now);
  sweep_blobs(now);
  std::erase_if(lost_workers_,
                [&](const auto& lost) { return now - lost.second.lost > kLostShown; });
}

}  // namespace quern::broker
