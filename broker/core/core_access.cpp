// Who may do what: principals as they change, strangers, what goes on record, quotas.
#include <algorithm>
#include <cstdio>
#include <iterator>
#include <utility>

#include "broker/core/access.hpp"
#include "broker/core/core.hpp"
#include "wire/glob.hpp"

namespace quern::broker {
namespace {

Principal make_anonymous() {
  Principal principal;
  principal.name = "anonymous";
  principal.rights = kAllRights;
  return principal;
}
const Principal kAnonymous = make_anonymous();

std::string object_of(const wire::Message& message, const std::optional<Subject>& subject) {
  if (const auto* submit = std::get_if<wire::Submit>(&message))
    return "function " + submit->function;
  if (const auto* drain = std::get_if<wire::Drain>(&message)) return "worker " + drain->worker;
  if (const auto* hello = std::get_if<wire::Hello>(&message)) return hello->name;
  return subject ? "job " + std::to_string(value(subject->number)) : "";
}

/// What is on record when it is allowed; what is denied always is.
bool is_recorded(const wire::Message& message, bool foreign) {
  return std::visit(
      [&]<typename M>(const M&) {
        if constexpr (std::is_same_v<M, wire::Hello> || std::is_same_v<M, wire::Submit> ||
                      std::is_same_v<M, wire::Cancel> || std::is_same_v<M, wire::Retry> ||
                      std::is_same_v<M, wire::Drain>)
          return true;
        else if constexpr (std::is_same_v<M, wire::Attach>)
          return foreign;
        else
          return false;
      },
      message);
}

/// Which job a message is about, and with which token its answer comes.
struct Address {
  Uuid job;
  JobNumber number{};
  std::uint64_t token = 0;
};
Address address_of(const wire::Message& message) {
  return std::visit(
      []<typename M>(const M& m) -> Address {
        if constexpr (std::is_same_v<M, wire::Submit> || std::is_same_v<M, wire::Append> ||
                      std::is_same_v<M, wire::Ack>)
          return {m.job, {}, 0};
        else if constexpr (std::is_same_v<M, wire::Attach> || std::is_same_v<M, wire::Cancel> ||
                           std::is_same_v<M, wire::Retry> || std::is_same_v<M, wire::Query>)
          return {m.job, m.number, m.token};
        else if constexpr (std::is_same_v<M, wire::Drain>)
          return {{}, {}, m.token};
        else
          return {};
      },
      message);
}

std::string limit_text(const std::string& name, const char* of, std::uint64_t most,
                       std::uint64_t used, std::uint64_t more) {
  if (more > most)
    return "queue_full: this brings " + std::to_string(more) + " " + of + " at once, and " + name +
           " may have " + std::to_string(most) + " at a time: submit it in parts";
  return "queue_full: " + name + " may have " + std::to_string(most) + " " + of + " at a time, " +
         std::to_string(used) + " are there; try again when some are done";
}

}  // namespace

Subject Core::subject_of(const Job& job) const { return {job.number, job.principal, job.name}; }

const Principal* Core::principal_of(const std::string& user) const {
  if (config_.open) return &kAnonymous;
  const auto it = principals_.find(user);
  return it == principals_.end() ? nullptr : &it->second;
}

void Core::record(PeerId peer, std::string principal, std::string_view action, std::string object,
                  bool allowed, std::string reason) {
  if (!config_.audit) return;
  effects_.push_back(Audit{peer, std::move(principal), std::string(action), std::move(object),
                           allowed, std::move(reason)});
}

bool Core::permit(Session& session, const Principal& principal, const wire::Message& message,
                  Time now) {
  const Address about = address_of(message);
  std::optional<Subject> subject;
  if (const Job* job = find_job(about.job, about.number)) subject = subject_of(*job);
  Verdict verdict = decide(principal, message, subject);
  const bool privileged = std::holds_alternative<wire::Drain>(message) ||
                          (verdict.foreign && is_recorded(message, true));
  if (verdict.allowed && privileged && !audit_trouble_.empty())
    verdict = {false,
               "what needs the right `admin` is refused while the audit log cannot be written: " +
                   audit_trouble_,
               verdict.foreign};
  if (!verdict.allowed || is_recorded(message, verdict.foreign))
    record(session.peer, principal.name, action_of(message), object_of(message, subject),
           verdict.allowed, verdict.reason);
  if (verdict.allowed) return true;
  ++counters_.denied;
  const bool names_job = !about.job.is_nil();
  offend(session.peer, session.user, 1, "requests that its key does not allow", now);
  complain(session, ErrorCode::denied, verdict.reason,
           names_job ? std::optional(about.job) : std::nullopt, about.token);
  return false;
}

void Core::on_stranger(PeerId peer, const std::string& user, const wire::Message& message,
                       Time now) {
  const auto refuse = [&](std::string why) {
    ++counters_.denied;
    record(peer, user, action_of(message), "", false, why);
    effects_.push_back(Send{peer, {}, wire::Refused{ErrorCode::denied, std::move(why)}});
  };
  offend(peer, user, 1, "messages of an unknown key", now);
  const auto* enrol = std::get_if<wire::Enrol>(&message);
  if (!enrol) {
    // One answer to who asks; what else a stranger sends is not worth one.
    if (std::holds_alternative<wire::Hello>(message))
      refuse(
          "this broker does not know your key, or does not any more: its operator can add it "
          "(`quern keys "
          "add`) or invite you (`quern keys invite`)");
    return;
  }
  if (!invitations_open_)
    return refuse("no invitation is open: ask for a new code (`quern keys invite`)");
  if (!audit_trouble_.empty())
    return refuse("nobody is enrolled while the audit log cannot be written: " + audit_trouble_);
  effects_.push_back(AskEnrol{peer, user, enrol->name, enrol->secret});
}

void Core::on_enrolled(PeerId peer, const std::string& user, const std::string& name,
                       std::uint8_t rights, bool fresh) {
  if (fresh) {
    record(peer, name, "enrol", "key " + user, true, "invitation");
    effects_.push_back(Note{Note::Level::info, name + " is enrolled: " + rights_text(rights)});
  }
  effects_.push_back(Send{peer, {}, wire::Enrolled{name, rights_text(rights)}});
}

void Core::on_enrol_refused(PeerId peer, const std::string& user, const std::string& why) {
  ++counters_.denied;
  record(peer, user, "enrol", "", false, why);
  effects_.push_back(Note{Note::Level::warning, "an enrolment was refused: " + why});
  effects_.push_back(Send{peer, {}, wire::Refused{ErrorCode::denied, why}});
}

void Core::on_principals(Principals&& principals, bool invitations_open, Time now) {
  const Principals before = std::exchange(principals_, std::move(principals));
  if (invitations_open != invitations_open_)
    record({}, "operator", invitations_open ? "open invitation" : "close invitation", "", true, "");
  invitations_open_ = invitations_open;
  record_changes(before);
  // Sessions of keys that are gone, that are somebody else's now, or that may no longer do what the
  // session is for.
  std::vector<wire::SessionId> ended;
  for (const auto& [id, session] : sessions_.all()) {
    const Principal* principal = principal_of(session.user);
    const auto needs = session.role == wire::Role::worker ? Right::work : Right::submit;
    const bool fits =
        principal && principal->name == session.principal &&
        (principal->may(needs) ||
         (needs == Right::submit && (principal->may(Right::read) || principal->may(Right::admin))));
    if (!fits) ended.push_back(id);
  }
  for (wire::SessionId id : ended) {
    const Session& session = *sessions_.find(id);
    effects_.push_back(Note{Note::Level::warning,
                            session.name + ": its key was revoked or changed, its session ends"});
    record(session.peer, session.principal, "end session", session.name, true,
           "its key was revoked or changed");
    send(session, wire::ErrorMessage{ErrorCode::denied,
                                     "the key of " + session.principal + " was revoked or changed",
                                     {},
                                     0,
                                     true});
    end_session(id, now);
  }
  for (auto& [id, worker] : workers_)
    restrict_offer(worker, *principal_of(sessions_.find(id)->user));
  std::map<std::string, const Principal*> by_name;
  limited_.clear();
  for (const auto& [user, principal] : principals_) {
    if (by_name.emplace(principal.name, &principal).second && principal.is_limited())
      limited_.emplace(principal.name, principal);
  }
  for (JobNumber number : live_) {
    Job& job = jobs_.at(number);
    const auto owner = by_name.find(job.principal);
    job.principal_weight = owner == by_name.end() ? 1 : owner->second->weight;
    job.weight_max = owner == by_name.end() || owner->second->may(Right::admin) ? kNoWeightMax : 1;
    touch(job);
  }
  drop_followers();
  dispatch_needed_ = true;
}

void Core::drop_followers() {
  for (auto& [id, session] : sessions_.all()) {
    if (session.role != wire::Role::client) continue;
    const Principal* principal = principal_of(session.user);
    for (auto followed = session.followed.begin(); followed != session.followed.end();) {
      Job* job = find_job(*followed);
      const auto follower =
          job ? std::find_if(job->followers.begin(), job->followers.end(),
                             [&, s = id](const Follower& f) { return f.session == s; })
              : decltype(job->followers.begin()){};
      if (!job || follower == job->followers.end()) {
        ++followed;
        continue;
      }
      wire::Attach again;
      again.window = follower->window;
      const Verdict verdict = decide(*principal, again, subject_of(*job));
      follower->values = job->principal == principal->name || principal->may(Right::admin);
      if (verdict.allowed) {
        ++followed;
        continue;
      }
      record(session.peer, principal->name, "stop following",
             "job " + std::to_string(value(job->number)), false, verdict.reason);
      complain(session, ErrorCode::denied, verdict.reason, job->uuid, 0);
      forget_outstanding(*follower);
      job->followers.erase(follower);
      followed = session.followed.erase(followed);
    }
  }
}

void Core::on_moved(PeerId peer, Time now) {
  connections_.of(peer).muted = true;
  Session* session = sessions_.of_peer(peer);
  if (!session) return;
  const std::string why =
      "the key of " + session->principal + " is not allowed from this address any more";
  record(peer, session->principal, "end session", session->name, false, why);
  send(*session, wire::ErrorMessage{ErrorCode::denied, why, {}, 0, true});
  end_session(session->id, now);
}

void Core::record_changes(const Principals& before) {
  const auto say = [&](const Principal& principal, const std::string& key, const char* what) {
    record({}, "operator", what, principal.name + " " + key, true,
           rights_text(principal.rights) + (principal.terms.empty() ? "" : "; " + principal.terms));
  };
  if (!std::exchange(keys_known_, true)) {  // at a start: nobody did anything
    record({}, "broker", "read keys", std::to_string(principals_.size()) + " keys", true, "");
    return;
  }
  for (const auto& [key, principal] : principals_) {
    const auto known = before.find(key);
    if (known == before.end())
      say(principal, key, "add key");
    else if (known->second != principal)
      say(principal, key, "change key");
  }
  for (const auto& [key, principal] : before)
    if (!principals_.contains(key)) say(principal, key, "revoke key");
}

void Core::on_audit_trouble(const std::string& why) {
  if (why == audit_trouble_) return;
  if (why.empty())
    effects_.push_back(Note{Note::Level::info, "the audit log can be written again"});
  else
    effects_.push_back(
        Note{Note::Level::warning, "the audit log cannot be written: " + why +
                                       "; what needs `admin`, and enrolling, is refused"});
  audit_trouble_ = why;
}

void Core::restrict_offer(Worker& worker, const Principal& principal) {
  const auto may_serve = [&](const auto& decl) {
    return principal.functions.empty() || wire::matches_any(principal.functions, decl.name);
  };
  const std::size_t before = worker.offer.functions.size();
  offers_.remove(worker);
  worker.offer.functions.clear();
  worker.offer.reducers.clear();
  std::copy_if(worker.functions.begin(), worker.functions.end(),
               std::back_inserter(worker.offer.functions), may_serve);
  std::copy_if(worker.reducers.begin(), worker.reducers.end(),
               std::back_inserter(worker.offer.reducers), may_serve);
  worker.index_functions();
  offers_.add(worker);
  join_pools(worker);
  const std::size_t unused = worker.functions.size() - worker.offer.functions.size();
  if (unused > 0 && worker.offer.functions.size() != before)
    effects_.push_back(
        Note{Note::Level::info, "worker " + worker.name + ": " + std::to_string(unused) +
                                    " functions are not used, its key may not serve them"});
}

// ---- quotas

std::optional<std::pair<ErrorCode, std::string>> Core::over_quota(const std::string& name,
                                                                  std::uint64_t tasks,
                                                                  std::uint64_t bytes,
                                                                  std::uint64_t jobs, Time now) {
  using Refusal = std::pair<ErrorCode, std::string>;
  const auto found = limited_.find(name);
  if (found == limited_.end()) return std::nullopt;
  const Principal& principal = found->second;
  const Usage& used = usage_[name];
  if (principal.max_jobs && used.jobs + jobs > *principal.max_jobs)
    return Refusal{ErrorCode::queue_full,
                   limit_text(name, "jobs", *principal.max_jobs, used.jobs, jobs)};
  if (principal.max_tasks && used.tasks + tasks > *principal.max_tasks)
    return Refusal{ErrorCode::queue_full,
                   limit_text(name, "tasks", *principal.max_tasks, used.tasks, tasks)};
  if (principal.max_bytes && used.bytes + bytes > *principal.max_bytes)
    return Refusal{ErrorCode::queue_full,
                   limit_text(name, "bytes", *principal.max_bytes, used.bytes, bytes)};
  // A stream that is ahead of its pace gets no credit (quota_room); what it was allowed to send is
  // taken.
  if (jobs > 0 && principal.max_rate && handed_in_[name].in_debt(pace_of(principal), now)) {
    char text[160];
    std::snprintf(text, sizeof text,
                  " may submit %g tasks per second and is ahead of that; try again a little later",
                  *principal.max_rate);
    return Refusal{ErrorCode::queue_full, "queue_full: " + name + text};
  }
  return std::nullopt;
}

Allowance Core::pace_of(const Principal& principal) {
  return {std::max(1.0, *principal.max_rate), *principal.max_rate};
}

void Core::charge_tasks(const std::string& name, std::uint64_t tasks, Time now) {
  const auto found = limited_.find(name);
  if (found != limited_.end() && found->second.max_rate)
    handed_in_[name].charge(static_cast<double>(tasks), pace_of(found->second), now);
}

std::uint64_t Core::quota_room(const Job& job, Time now) {
  constexpr std::uint64_t kNoLimit = ~0ULL;
  // A stream is best not refused in its middle, so its credit is held back: as many octets as tasks
  // like those before would have.
  const std::uint64_t each =
      std::max<std::uint64_t>(1, job.accepted == 0 ? 1 : job.accepted_bytes / job.accepted);
  const auto found = limited_.find(job.principal);
  if (found == limited_.end()) return kNoLimit;
  const Principal& principal = found->second;
  const Usage& used = usage_[job.principal];
  std::uint64_t room = kNoLimit;
  if (principal.max_bytes) room = *principal.max_bytes - std::min(*principal.max_bytes, used.bytes);
  if (principal.max_tasks)
    room =
        std::min(room, (*principal.max_tasks - std::min(*principal.max_tasks, used.tasks)) * each);
  if (principal.max_rate && handed_in_[job.principal].in_debt(pace_of(principal), now)) room = 0;
  if (room == kNoLimit) return room;
  // Its other streams get the same: together they stay within the limit, or nearly. When nothing is
  // left to wait for, a whole batch goes: it fits, or its refusal says why it never will; a client
  // does not send a piece of one.
  const std::uint64_t share = room / std::max<std::uint64_t>(1, used.jobs);
  return used.tasks == 0 && room > 0
             ? std::max<std::uint64_t>(share, wire::kBatchBytesMax + (wire::kBatchBytesMax << 2))
             : share;
}

void Core::account(Job& job) {
  Usage& before = job.accounted;
  const Usage after{job.blob ? 0 : job.total - job.ended.size(), job.bytes(),
                    job.final() ? 0u : 1u};
  if (!job.usage) job.usage = &usage_[job.principal];
  Usage& mine = *job.usage;
  mine.tasks += after.tasks - before.tasks;
  // A file that is there is kept as long as there is room: nobody's quota pays for that.
  const std::uint64_t charged = job.blob && job.final() ? 0 : after.bytes;
  mine.bytes += charged - job.charged_bytes;
  job.charged_bytes = charged;
  mine.jobs += after.jobs - before.jobs;
  memory_used_ += after.bytes - before.bytes;
  before = after;
  account_unread(job, job.results.bytes());
}

void Core::account_unread(Job& job, std::uint64_t bytes) {
  if (bytes == job.unread && job.owner == job.unread_of) return;
  if (job.unread > 0)
    if (const auto of = unread_of_.find(job.unread_of); (of->second -= job.unread) == 0)
      unread_of_.erase(of);
  job.unread = bytes;
  job.unread_of = job.owner;
  if (bytes > 0) unread_of_[job.owner] += bytes;
}

void Core::unaccount(Job& job) {
  account_unread(job, 0);
  const Usage& before = job.accounted;
  Usage& mine = usage_[job.principal];
  mine.tasks -= before.tasks;
  mine.bytes -= job.charged_bytes;
  mine.jobs -= before.jobs;
  memory_used_ -= before.bytes;
}

}  // namespace quern::broker
