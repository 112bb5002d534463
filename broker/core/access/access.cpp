#include "broker/core/access/access.hpp"

#include "wire/blob.hpp"
#include "wire/glob.hpp"

namespace quern::broker {
namespace {

using wire::Message;

/// Which jobs a line of the table allows access to.
enum class OnJobs : std::uint8_t {
  none,   ///< the message is not about a job
  mine,   ///< only the owner's
  own,    ///< the owner's, or any job for admin
  state,  ///< as own, and the jobs whose state the principal may see
};

struct Line {
  std::string_view action;
  std::uint8_t rights;  ///< one of them is required; 0: nobody may
  OnJobs jobs = OnJobs::none;
};

constexpr std::uint8_t bit(Right right) { return static_cast<std::uint8_t>(right); }
constexpr std::uint8_t kSubmit = bit(Right::submit);
constexpr std::uint8_t kWork = bit(Right::work);
constexpr std::uint8_t kAdmin = bit(Right::admin);
constexpr std::uint8_t kMayLook = bit(Right::submit) | bit(Right::read) | bit(Right::admin);

// The table. A message type without a line does not compile.
constexpr Line line(const wire::Enrol&) { return {"enrol", 0}; }  // meaningless within a session
constexpr Line line(const wire::Beat&) { return {"beat", kAllRights}; }
constexpr Line line(const wire::Bye&) { return {"leave", kAllRights}; }
constexpr Line line(const wire::ErrorMessage&) { return {"complain", kAllRights}; }
// A task submits on behalf of the owner of its job. Its worker needs a lease of a job that allows
// it.
constexpr Line line(const wire::Submit& m) {
  return m.lease == wire::LeaseId{} ? Line{"submit", kSubmit, OnJobs::mine}
                                    : Line{"submit for a task", kWork};
}
constexpr Line line(const wire::Append&) { return {"append", kSubmit, OnJobs::mine}; }
constexpr Line line(const wire::Ack&) {
  return {"acknowledge", kMayLook | kWork};
}  // only for a job that it follows
// A dry run reveals what only those may know who may do it.
constexpr Line line(const wire::Cancel& m) {
  return {m.dry_run ? "count tasks to cancel" : "cancel", kSubmit | kAdmin, OnJobs::own};
}
constexpr Line line(const wire::Retry& m) {
  return {m.dry_run ? "count tasks to retry" : "retry", kSubmit | kAdmin, OnJobs::own};
}
constexpr Line line(const wire::Pause& m) {
  return {m.resume ? "resume" : "pause", kSubmit | kAdmin, OnJobs::own};
}
constexpr Line line(const wire::Schedule& m) {
  switch (m.action) {
    case wire::ScheduleAction::add:
    case wire::ScheduleAction::replace:
      return {"schedule", kSubmit};
    case wire::ScheduleAction::remove:
      return {"remove schedule", kSubmit | kAdmin};
    case wire::ScheduleAction::pause:
      return {"pause schedule", kSubmit | kAdmin};
    case wire::ScheduleAction::resume:
      break;
  }
  return {"resume schedule", kSubmit | kAdmin};
}
constexpr Line line(const wire::Drain&) { return {"drain", kAdmin}; }
constexpr Line line(const wire::Report&) { return {"report", kWork}; }  // only for a lease it holds
constexpr Line line(const wire::Reclaimed&) { return {"give back", kWork}; }
// A worker fetches only for a job whose COMMON it received; a client reads only files that its
// principal has uploaded, and admin those of others.
constexpr Line line(const wire::Fetch& m) {
  return m.token == 0 ? Line{"fetch", kWork} : Line{"read file", kMayLook, OnJobs::own};
}
constexpr Line line(const wire::Notes&) { return {"note", kWork}; }  // only for a lease it holds
constexpr Line line(const wire::Wait&) { return {"wait", kWork}; }   // and so is this
constexpr Line line(const wire::Draining&) { return {"drain itself", kWork}; }
constexpr Line line(const wire::Hello& m) {
  return m.role == wire::Role::worker ? Line{"join as worker", kWork}
                                      : Line{"connect as client", kMayLook};
}
constexpr Line line(const wire::Attach& m) {
  // Without results and without a claim to ownership, it only shows the state. A request that
  // compares the input needs the right to read it, because guessing would reveal what a job was
  // given.
  return m.window == 0 && !m.own && m.input_digest == 0 ? Line{"watch", kMayLook, OnJobs::state}
                                                        : Line{"read", kMayLook, OnJobs::own};
}
constexpr Line line(const wire::Query& m) {
  switch (m.what) {
    case wire::QueryWhat::jobs:
      return {"list jobs", kMayLook};  // only those that it may see
    case wire::QueryWhat::job:
    case wire::QueryWhat::timeline:
    case wire::QueryWhat::tasks:
    case wire::QueryWhat::explain:
      return {"look at", kMayLook, OnJobs::state};
    case wire::QueryWhat::errors:  // their texts are results
      return {"read the errors of", kMayLook, OnJobs::own};
    case wire::QueryWhat::notes:  // so are these
      return {"read the notes of", kMayLook, OnJobs::own};
    case wire::QueryWhat::schedules:
    case wire::QueryWhat::schedule:
      return {"list schedules", kMayLook};  // only those that it may see
    case wire::QueryWhat::workers:
    case wire::QueryWhat::broker:
      break;
  }
  return {"look at", kMayLook};
}
// Only the broker sends these.
constexpr Line line(const wire::Welcome&) { return {"welcome", 0}; }
constexpr Line line(const wire::Refused&) { return {"refused", 0}; }
constexpr Line line(const wire::HelloAgain&) { return {"hello again", 0}; }
constexpr Line line(const wire::Enrolled&) { return {"enrolled", 0}; }
constexpr Line line(const wire::Accepted&) { return {"accepted", 0}; }
constexpr Line line(const wire::Results&) { return {"results", 0}; }
constexpr Line line(const wire::JobUpdate&) { return {"job", 0}; }
constexpr Line line(const wire::Answer&) { return {"answer", 0}; }
constexpr Line line(const wire::Lease&) { return {"lease", 0}; }
constexpr Line line(const wire::Common&) { return {"common", 0}; }
constexpr Line line(const wire::Blob&) { return {"blob", 0}; }
constexpr Line line(const wire::Forget&) { return {"forget", 0}; }
constexpr Line line(const wire::Reported&) { return {"reported", 0}; }
constexpr Line line(const wire::Reclaim&) { return {"reclaim", 0}; }
constexpr Line line(const wire::Revoke&) { return {"revoke", 0}; }

Line line_of(const Message& message) {
  return std::visit([](const auto& m) { return line(m); }, message);
}

/// Checks what a job that will have this name asks for; returns the objection, or nothing.
std::string objection(const Principal& principal, const wire::Submit& submit,
                      const std::string& name) {
  // A blob runs nothing, so anyone who may submit jobs may upload one for them.
  const bool blob = submit.function == wire::kBlobFunction;
  if (!blob && !principal.functions.empty() &&
      !wire::matches_any(principal.functions, submit.function))
    return principal.name + " may not submit the function `" + submit.function + "`";
  if (!blob && !principal.jobs.empty() && !wire::matches_any(principal.jobs, name))
    return principal.name + " may not name a job '" + name +
           "' (the key allows only certain names: choose one with --name)";
  // Priorities are strict, so free choice of them would let one principal block all others.
  const std::int32_t ceiling =
      principal.max_priority.value_or(principal.may(Right::admin) ? INT32_MAX : 0);
  if (submit.options.priority > ceiling)
    return principal.name + " may use priorities up to " + std::to_string(ceiling);
  return {};
}

}  // namespace

std::string rights_text(std::uint8_t rights) {
  std::string text;
  const std::pair<Right, const char*> names[] = {{Right::submit, "submit"},
                                                 {Right::work, "work"},
                                                 {Right::read, "read"},
                                                 {Right::admin, "admin"}};
  for (const auto& [right, name] : names)
    if ((rights & bit(right)) != 0) text += (text.empty() ? "" : ", ") + std::string(name);
  return text.empty() ? "nothing" : text;
}

std::string_view action_of(const Message& message) { return line_of(message).action; }

bool may_see(const Principal& principal, const Subject& subject) {
  if (principal.may(Right::admin)) return true;
  if (!principal.may(Right::submit) && !principal.may(Right::read)) return false;
  return subject.owner == principal.name ||
         (principal.may(Right::read) && wire::matches_any(principal.reads, subject.name));
}

Verdict decide(const Principal& principal, const Message& message,
               const std::optional<Subject>& subject) {
  const Line rule = line_of(message);
  const auto* schedule = std::get_if<wire::Schedule>(&message);
  const bool foreign_schedule =
      schedule && !schedule->owner.empty() && schedule->owner != principal.name;
  const bool foreign = (subject && subject->owner != principal.name) || foreign_schedule;
  if (rule.rights == 0) return {false, "peers with a key do not send this message", foreign};
  if ((rule.rights & principal.rights) == 0)
    return {false,
            "the key of " + principal.name + " has the roles " + rights_text(principal.rights) +
                "; this needs one of the roles " + rights_text(rule.rights),
            foreign};
  if (foreign_schedule && !principal.may(Right::admin))
    return {
        false,
        "schedule " + schedule->name + " belongs to another principal: this needs the role admin",
        true};
  if (foreign && rule.jobs != OnJobs::none &&
      (rule.jobs == OnJobs::mine || !principal.may(Right::admin))) {
    if (rule.jobs != OnJobs::state || !may_see(principal, *subject))
      return {false,
              "job " + std::to_string(value(subject->number)) +
                  " belongs to another principal: this needs the role admin",
              true};
  }
  std::string no;
  const auto* submit = std::get_if<wire::Submit>(&message);
  if (submit && submit->lease == wire::LeaseId{})
    no = objection(principal, *submit, submit->options.name);
  if (schedule && schedule->job) {
    const std::string& name = schedule->job->options.name;
    no = objection(principal, *schedule->job, name.empty() ? schedule->name : name);
  }
  if (!no.empty()) return {false, std::move(no), foreign};
  const bool as_admin = foreign && (rule.jobs != OnJobs::none || foreign_schedule);
  return {true, as_admin ? "admin" : "role", foreign};
}

}  // namespace quern::broker
