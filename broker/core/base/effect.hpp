// What the core wants done. The router carries out the effects in order, after everything that
// arrived has been handled.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "broker/core/base/persist.hpp"

namespace quern::broker {

/// The router's name for a connection; routing ids never leave the router.
enum class PeerId : std::uint64_t {};

/// Send a message. `session` goes into its header. `prompt`: the peer waits for this
/// acknowledgement, and no other message will carry it soon.
struct Send {
  PeerId peer{};
  wire::SessionId session{};
  wire::Message message;
  bool prompt = false;
};

/// A line for the log.
struct Note {
  enum class Level : std::uint8_t { info, warning } level = Level::info;
  std::string text;
};

/// Make these operations durable as one transaction, then call on_committed(sequence). There is one
/// commit at a time; later changes go into the next.
struct Commit {
  std::uint64_t sequence = 0;
  StoreOps ops;
};

/// Read these payloads from the store, then call on_loaded() or on_load_failed().
struct Load {
  JobNumber job{};
  wire::Interval tasks;
};

/// Read the batch of a result entry from the store, then call on_result_loaded() or
/// on_result_load_failed().
struct LoadResult {
  JobNumber job{};
  std::uint64_t seq = 0;
};

/// A line for the audit log. `principal` is a name, or the key of an unknown peer.
struct Audit {
  PeerId peer{};
  std::string principal;
  std::string action;
  std::string object;
  bool allowed = false;
  std::string reason;
};

/// A peer with an unknown key presents an invitation: call on_enrolled() (after on_principals()
/// with its key) or on_enrol_refused().
struct AskEnrol {
  PeerId peer{};
  std::string user;
  std::string name;  ///< the requested name
  Bytes secret;
};

using Effect = std::variant<Send, Note, Commit, Load, LoadResult, Audit, AskEnrol>;
using Effects = std::vector<Effect>;

}  // namespace quern::broker
