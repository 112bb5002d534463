#include "broker/core/membership/gate.hpp"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <utility>

#include "broker/core/access/access.hpp"
#include "wire/glob.hpp"

namespace quern::broker {
namespace {

std::string object_of(const wire::Message& message, const std::optional<Subject>& subject) {
  if (const auto* submit = std::get_if<wire::Submit>(&message))
    return "function " + submit->function;
  if (const auto* drain = std::get_if<wire::Drain>(&message)) return "worker " + drain->worker;
  if (const auto* schedule = std::get_if<wire::Schedule>(&message))
    return "schedule " + schedule->name +
           (schedule->owner.empty() ? "" : " of " + schedule->owner) +
           (schedule->job ? ", function " + schedule->job->function : "");
  if (const auto* hello = std::get_if<wire::Hello>(&message)) return hello->name;
  if (const auto* fetch = std::get_if<wire::Fetch>(&message)) return "file " + fetch->blob;
  return subject ? "job " + std::to_string(value(subject->number)) : "";
}

/// Whether a message is recorded if it is allowed; denied messages always are.
bool is_recorded(const wire::Message& message, bool foreign) {
  return std::visit(
      [&]<typename M>([[maybe_unused]] const M& m) {
        if constexpr (std::is_same_v<M, wire::Submit>)
          return m.lease == wire::LeaseId{};  // NestedSubmissions records those of tasks
        else if constexpr (std::is_same_v<M, wire::Hello> || std::is_same_v<M, wire::Cancel> ||
                           std::is_same_v<M, wire::Retry> || std::is_same_v<M, wire::Pause> ||
                           std::is_same_v<M, wire::Drain> || std::is_same_v<M, wire::Schedule>)
          return true;
        else if constexpr (std::is_same_v<M, wire::Attach> || std::is_same_v<M, wire::Fetch>)
          return foreign;
        else
          return false;
      },
      message);
}

/// Which job a message is about, and which token its answer carries.
struct Address {
  Uuid job;
  JobNumber number{};
  std::uint64_t token = 0;
};

Address address_of(const wire::Message& message) {
  return std::visit(
      []<typename M>(const M& m) -> Address {
        if constexpr (std::is_same_v<M, wire::Submit> || std::is_same_v<M, wire::Ack>)
          return {m.job, {}, 0};
        else if constexpr (std::is_same_v<M, wire::Append> || std::is_same_v<M, wire::Attach> ||
                           std::is_same_v<M, wire::Cancel> || std::is_same_v<M, wire::Retry> ||
                           std::is_same_v<M, wire::Pause> || std::is_same_v<M, wire::Query>)
          return {m.job, m.number, m.token};
        else if constexpr (std::is_same_v<M, wire::Drain> || std::is_same_v<M, wire::Fetch> ||
                           std::is_same_v<M, wire::Schedule>)
          return {{}, {}, m.token};
        else
          return {};
      },
      message);
}

}  // namespace

bool Gate::permit(Session& session, const Principal& principal, const wire::Message& message,
                  Time now) {
  const Address about = address_of(message);
  std::optional<Subject> subject;
  const auto* fetch = std::get_if<wire::Fetch>(&message);
  const bool reads_file = fetch && fetch->token != 0;
  const Job* job =
      reads_file ? blobs_.readable(principal, *fetch) : jobs_.find(about.job, about.number);
  if (job) subject = subject_of(*job);
  Verdict verdict = decide(principal, message, subject);
  // Privileged requests must leave a record, so they are refused while the audit log cannot be
  // written.
  const bool privileged = std::holds_alternative<wire::Drain>(message) ||
                          (verdict.foreign && is_recorded(message, true));
  if (verdict.allowed && privileged && !access_.audit_trouble().empty())
    verdict = {false,
               "requests that need the role `admin` are refused because the audit log cannot be "
               "written: " +
                   access_.audit_trouble(),
               verdict.foreign};
  // Who reads another's file is recorded once for the file, not for each chunk.
  const bool again = reads_file && verdict.allowed && verdict.foreign && job &&
                     std::exchange(session.reading.file, job->number) == job->number;
  if (!verdict.allowed || (is_recorded(message, verdict.foreign) && !again))
    access_.record(session.peer, principal.name, action_of(message), object_of(message, subject),
                   verdict.allowed, verdict.reason);
  if (verdict.allowed) return true;
  ++context_.counters.denied;
  const bool names_job = !about.job.is_nil();
  conduct_.offend(session.peer, session.user, 1, "requests that the key does not allow", now);
  outbox_.complain(session, ErrorCode::denied, verdict.reason,
                   names_job ? std::optional(about.job) : std::nullopt, about.token);
  return false;
}

void Gate::on_stranger(PeerId peer, const std::string& user, const wire::Message& message,
                       Time now) {
  const auto refuse = [&](std::string why) {
    ++context_.counters.denied;
    access_.record(peer, user, action_of(message), "", false, why);
    context_.effects.push_back(Send{peer, {}, wire::Refused{ErrorCode::denied, std::move(why)}});
  };
  conduct_.offend(peer, user, 1, "messages from an unknown key", now);
  const auto* enrol = std::get_if<wire::Enrol>(&message);
  if (!enrol) {
    // Only a HELLO is answered; nothing else that a stranger sends is worth an answer.
    if (std::holds_alternative<wire::Hello>(message))
      refuse(
          "the broker does not know your key, or no longer knows it: ask its operator to add it "
          "(`quern keys add`) or to invite you (`quern keys invite`)");
    return;
  }
  if (!access_.invitations_open())
    return refuse("no invitation is open: ask the operator for a new code (`quern keys invite`)");
  if (!access_.audit_trouble().empty())
    return refuse("no key can join because the audit log cannot be written: " +
                  access_.audit_trouble());
  context_.effects.push_back(AskEnrol{peer, user, enrol->name, enrol->secret});
}

void Gate::on_enrolled(PeerId peer, const std::string& user, const std::string& name,
                       std::uint8_t rights, bool fresh) {
  if (fresh) {
    access_.record(peer, name, "enrol", "key " + user, true, "invitation");
    context_.note(name + " joined with the roles: " + rights_text(rights));
  }
  context_.effects.push_back(Send{peer, {}, wire::Enrolled{name, rights_text(rights)}});
}

void Gate::on_enrol_refused(PeerId peer, const std::string& user, const std::string& why) {
  ++context_.counters.denied;
  access_.record(peer, user, "enrol", "", false, why);
  context_.warn("a key was not allowed to join: " + why);
  context_.effects.push_back(Send{peer, {}, wire::Refused{ErrorCode::denied, why}});
}

}  // namespace quern::broker
