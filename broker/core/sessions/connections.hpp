// How connections have behaved recently, each over all of its sessions. PURE.
#pragma once

#include <deque>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/core/base/budget.hpp"
#include "broker/core/base/effect.hpp"

namespace quern::broker {

struct Connection {
  Budget hellos, beats, queries, fetches, stale, offences;
  bool blocked = false;  ///< the broker ignores all of its messages, because a ROUTER socket cannot
                         ///< close a connection
};

/// Nobody reports that a connection has gone, so the oldest records are dropped. A peer that opens
/// new connections so fast that this matters is limited as a principal.
class Connections {
 public:
  static constexpr std::size_t kMost = 120'000;  ///< more than the number of sessions

  Connection& of(PeerId peer) {
    const auto [it, fresh] = by_peer_.try_emplace(peer);
    if (!fresh) return it->second;
    order_.push_back(peer);
    if (order_.size() > kMost) {
      // Blocked connections are remembered longest.
      for (int tries = 0; tries < kSpared && blocked(order_.front()); ++tries) {
        order_.push_back(order_.front());
        order_.pop_front();
      }
      by_peer_.erase(order_.front());
      forgotten_.push_back(order_.front());
      order_.pop_front();
    }
    return it->second;
  }
  /// The connections that have been forgotten since the last call.
  std::vector<PeerId> take_forgotten() { return std::exchange(forgotten_, {}); }
  bool knows(PeerId peer) const { return by_peer_.contains(peer); }
  bool blocked(PeerId peer) const {
    const auto it = by_peer_.find(peer);
    return it != by_peer_.end() && it->second.blocked;
  }

 private:
  static constexpr int kSpared = 16;
  std::unordered_map<PeerId, Connection> by_peer_;
  std::deque<PeerId> order_;
  std::vector<PeerId> forgotten_;
};

}  // namespace quern::broker
