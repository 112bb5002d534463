// How connections have behaved of late, each over all the sessions it has had. PURE.
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
  bool blocked =
      false;  ///< it went too far: nothing of it is heard any more (a ROUTER cannot close it)
};

/// Nobody tells of a connection that has gone, so the oldest are forgotten. Who makes new ones that
/// fast is limited as a principal.
class Connections {
 public:
  static constexpr std::size_t kMost = 120'000;  ///< more than there may be sessions

  Connection& of(PeerId peer) {
    const auto [it, fresh] = by_peer_.try_emplace(peer);
    if (!fresh) return it->second;
    order_.push_back(peer);
    if (order_.size() > kMost) {
      // Those that were cut off are remembered longest.
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
  /// Those that were forgotten since the last call.
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
