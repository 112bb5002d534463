// Access decisions: a table with a line per message type, and the one function that reads it. PURE.
//
// The principal is the one that the transport authenticated, never what a message claims. `decide`
// sees every message of a peer with a key before anything acts on it; what a message is about (a
// job) is looked up first and handed in.
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
  bool foreign = false;  ///< it is about somebody else's job
};

/// What the message wants, as the audit log calls it: "submit", "cancel".
std::string_view action_of(const wire::Message& message);

Verdict decide(const Principal& principal, const wire::Message& message,
               const std::optional<Subject>& subject);

/// Whether it may see the state of a job (lists, QUERY): its own, everybody's for admin, and what
/// `reads` names.
bool may_see(const Principal& principal, const Subject& subject);

/// "submit, read"; "nothing".
std::string rights_text(std::uint8_t rights);

}  // namespace quern::broker
