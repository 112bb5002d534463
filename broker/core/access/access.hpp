// Access decisions: a table with one line per message type, and the one function that reads it.
// PURE.
//
// The principal is the one that the transport authenticated, never one that a message claims.
// `decide` sees every message of a peer with a known key before anything acts on it. The subject of
// a message (a job) is looked up first and passed in.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "broker/core/access/principal.hpp"
#include "wire/messages.hpp"

namespace quern::broker {

/// The job that a message is about.
struct Subject {
  JobNumber number{};
  std::string_view owner;  ///< name of its principal
  std::string_view name;   ///< of the job
};

struct Verdict {
  bool allowed = false;
  std::string reason;    ///< a sentence for the peer and the audit log
  bool foreign = false;  ///< the message is about another principal's job
};

/// The requested action as the audit log names it: "submit", "cancel".
std::string_view action_of(const wire::Message& message);

Verdict decide(const Principal& principal, const wire::Message& message,
               const std::optional<Subject>& subject);

/// Whether the principal may see the state of a job (lists, QUERY): its own jobs, every job for
/// admin, and those that `reads` names.
bool may_see(const Principal& principal, const Subject& subject);

/// For example "submit, read"; "nothing" if there are none.
std::string rights_text(std::uint8_t rights);

}  // namespace quern::broker
