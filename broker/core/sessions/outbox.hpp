// Messages to peers. A message that reveals a change is held back until the change is durable: the
// outbox hands it to the commit log, and sends it when the commit is done.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "broker/core/base/context.hpp"
#include "broker/core/durability/commit_log.hpp"
#include "broker/core/sessions/session.hpp"

namespace quern::broker {

class Outbox {
 public:
  Outbox(Context& context, CommitLog& commits, Sessions& sessions)
      : context_(context), commits_(commits), sessions_(sessions) {}

  /// Sends a message to a peer that can be reached; drops it otherwise. `after`: the commit that
  /// covers what the message reveals; 0: it reveals nothing that must be durable.
  void send(const Session& session, wire::Message&& message, std::uint64_t after = 0);
  void send(wire::SessionId session, wire::Message&& message, std::uint64_t after = 0);
  /// The same for an acknowledgement that the peer waits for.
  void acknowledge(const Session& session, wire::Accepted&& accepted, std::uint64_t after);
  /// Sends an ERROR that does not end the session. `token`: the token of the request; 0: it has
  /// none.
  void complain(const Session& session, ErrorCode code, std::string text, std::optional<Uuid> job,
                std::uint64_t token);
  /// This commit is done: sends the messages that waited for it.
  void release(std::uint64_t commit);

 private:
  void pass(const Session& session, Send&& send, std::uint64_t after);

  Context& context_;
  CommitLog& commits_;
  Sessions& sessions_;
};

}  // namespace quern::broker
