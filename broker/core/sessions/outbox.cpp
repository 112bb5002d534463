#include "broker/core/sessions/outbox.hpp"

#include <algorithm>
#include <utility>

namespace quern::broker {

void Outbox::send(const Session& session, wire::Message&& message, std::uint64_t after) {
  pass(session, {session.peer, session.id, std::move(message)}, after);
}

void Outbox::acknowledge(const Session& session, wire::Accepted&& accepted, std::uint64_t after) {
  pass(session, {session.peer, session.id, std::move(accepted), true}, after);
}

void Outbox::pass(const Session& session, Send&& send, std::uint64_t after) {
  if (!session.reachable) return;
  after = std::max(after, session.welcome_after);  // a peer accepts nothing before its WELCOME
  if (after > commits_.committed() && context_.config.mistake != Mistake::acknowledge_early)
    commits_.hold(after, std::move(send));
  else
    context_.effects.emplace_back(std::move(send));
}

void Outbox::send(wire::SessionId id, wire::Message&& message, std::uint64_t after) {
  if (const Session* session = sessions_.find(id)) send(*session, std::move(message), after);
}

void Outbox::complain(const Session& session, ErrorCode code, std::string text,
                      std::optional<Uuid> job, std::uint64_t token) {
  send(session, wire::ErrorMessage{code, std::move(text), job, token, false});
}

void Outbox::release(std::uint64_t commit) {
  for (Send& message : commits_.on_committed(commit)) {
    // The session may have ended meanwhile; its successor has been told what it needs.
    const Session* session = sessions_.find(message.session);
    if (session && session->reachable && session->peer == message.peer)
      context_.effects.push_back(std::move(message));
  }
}

}  // namespace quern::broker
