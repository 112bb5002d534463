// Who is connected. A session begins with a HELLO; a peer that comes back gets a new session.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "broker/core/base/budget.hpp"
#include "broker/core/base/effect.hpp"
#include "wire/time.hpp"

namespace quern::broker {

struct Worker;

/// Backpressure: what a client is sent without acknowledging it is bounded. A peer that does not
/// read gets nothing more (jobs/followers.hpp, clients/questions.hpp).
struct Reading {
  std::unordered_set<Uuid> followed;  ///< jobs
  std::deque<wire::Query> questions;  ///< not answered yet
  Budget looks;                       ///< work done for its questions
  std::size_t unread = 0;  ///< bytes of answers and news since it last showed that it reads
  std::optional<wire::Time> probed;  ///< when it was asked whether it reads, until it answers
  std::uint64_t results_out = 0;     ///< bytes of results of all jobs that it has not acknowledged
  // Jobs that wait until it reads; each is listed once (Follower::news_held, results_held).
  std::deque<JobNumber> held_news;  ///< with news, until it shows that it has read what it was sent
  std::deque<JobNumber> held_results;  ///< with results, until it acknowledges others
  JobNumber file{};                    ///< of another principal, whose reading was recorded last
  JobNumber wanted{};  ///< the job that it attached to last, whose results are sent regardless
};

struct Session {
  wire::SessionId id{};
  PeerId peer{};
  wire::Role role = wire::Role::client;
  Worker* worker = nullptr;         ///< in a worker's session
  std::uint64_t welcome_after = 0;  ///< the commit that its WELCOME waits for
  bool reachable = true;  ///< false: its connection is gone; the peer may come back with a new
                          ///< session
  wire::Time heard{};
  wire::Time connected{};
  std::string user;  ///< the public key that the transport authenticated
  Uuid identity;
  std::string name;
  std::string principal;  ///< the name of its principal
  Reading reading;        ///< in a client's session
};

class Sessions {
 public:
  Session& open(PeerId peer, wire::Role role, Uuid identity) {
    const wire::SessionId id{++last_};
    Session& session = by_id_[id];
    session.id = id;
    session.peer = peer;
    session.role = role;
    session.identity = identity;
    by_peer_[peer] = &session;
    by_identity_[Key{role, identity}] = id;
    return session;
  }

  void close(wire::SessionId id) {
    auto it = by_id_.find(id);
    if (it == by_id_.end()) return;
    const Session& session = it->second;
    if (auto p = by_peer_.find(session.peer); p != by_peer_.end() && p->second == &session)
      by_peer_.erase(p);
    const Key key{session.role, session.identity};
    if (auto k = by_identity_.find(key); k != by_identity_.end() && k->second == id)
      by_identity_.erase(k);
    by_id_.erase(it);
  }

  Session* find(wire::SessionId id) {
    auto it = by_id_.find(id);
    return it == by_id_.end() ? nullptr : &it->second;
  }
  const Session* find(wire::SessionId id) const { return const_cast<Sessions*>(this)->find(id); }
  Session* of_peer(PeerId peer) {
    auto it = by_peer_.find(peer);
    return it == by_peer_.end() ? nullptr : it->second;
  }
  Session* of_identity(wire::Role role, Uuid identity) {
    auto it = by_identity_.find(Key{role, identity});
    return it == by_identity_.end() ? nullptr : find(it->second);
  }

  const std::unordered_map<wire::SessionId, Session>& all() const { return by_id_; }
  std::unordered_map<wire::SessionId, Session>& all() { return by_id_; }

 private:
  struct Key {
    wire::Role role;
    Uuid identity;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept {
      return std::hash<Uuid>{}(key.identity) ^ static_cast<std::size_t>(key.role);
    }
  };

  std::uint64_t last_ = 0;
  std::unordered_map<wire::SessionId, Session> by_id_;
  std::unordered_map<PeerId, Session*> by_peer_;
  std::unordered_map<Key, wire::SessionId, KeyHash> by_identity_;
};

}  // namespace quern::broker
