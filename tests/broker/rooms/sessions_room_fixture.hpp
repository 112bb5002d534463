// The room `sessions/` and what is below it, without a core: nobody decodes or carries out
// anything, so a test sees exactly the effects of what it calls.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "broker/core/access/access_control.hpp"
#include "broker/core/base/context.hpp"
#include "broker/core/durability/commit_log.hpp"
#include "broker/core/sessions/conduct.hpp"
#include "broker/core/sessions/outbox.hpp"
#include "broker/core/sessions/session.hpp"
#include "broker/values.hpp"

namespace quern::broker {

using namespace std::chrono_literals;

class SessionsRoomTest : public ::testing::Test {
 protected:
  explicit SessionsRoomTest(Config config = {}) : context(std::move(config)) {}

  /// A new connection with a session.
  Session& connect(const std::string& user = "anonymous") {
    const PeerId peer{++last_peer};
    Session& session =
        sessions.open(peer, wire::Role::client, uuid(static_cast<std::uint8_t>(last_peer)));
    session.user = session.principal = user;
    session.name = "client" + std::to_string(last_peer);
    return session;
  }

  /// The messages that were sent since the last call.
  std::vector<Send> sent() {
    std::vector<Send> out;
    for (Effect& effect : std::exchange(context.effects, {}))
      if (auto* send = std::get_if<Send>(&effect)) out.push_back(std::move(*send));
    return out;
  }

  /// Begins a commit of some change. Returns its number.
  std::uint64_t begin_commit() {
    commits.add(DropJob{JobNumber{1}});
    Effects effects;
    commits.begin(effects, [](JobNumber) {});
    return std::get<Commit>(effects.at(0)).sequence;
  }

  Time now = Time{} + 1000s;
  Context context;
  CommitLog commits;
  AccessControl access{context};
  Sessions sessions;
  Outbox outbox{context, commits, sessions};
  Conduct conduct{context, access, sessions, outbox};
  std::uint64_t last_peer = 0;
};

}  // namespace quern::broker
