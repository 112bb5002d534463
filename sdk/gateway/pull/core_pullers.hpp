// The pulls that wait, first come, first served, and who pulls: which worker gave which tasks back
// and should not be offered them again.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "gateway/pull/core_types.hpp"

namespace quern::gateway::pull {

class WaitingPulls {
 public:
  void add(Pull pull);
  std::optional<Pull> remove(Ticket ticket);
  /// Gives a pull that was removed until `until` for the session to open.
  void defer(Pull pull, Time until);
  /// The session is open: what was deferred is answered soon.
  void on_open(Time now);
  /// The waiting pull that has this request id.
  std::optional<Ticket> find_request(const std::string& request_id) const;
  /// A pull whose time is over by now.
  std::optional<Ticket> next_due(Time now) const;
  std::optional<Time> next_deadline() const;
  bool empty() const { return pulls_.empty(); }
  const std::map<Ticket, Pull>& all() const { return pulls_; }
  /// Tasks that all of them want.
  std::uint64_t wanted() const { return wanted_; }

 private:
  std::map<Ticket, Pull> pulls_;  ///< tickets grow with time
  std::set<std::pair<Time, Ticket>> due_;
  std::map<std::string, Ticket> by_request_;
  std::uint64_t wanted_ = 0;
};

/// Bounded: the oldest marks are dropped.
class Skips {
 public:
  void on_pull(const std::string& worker, Time now);
  /// The worker gave this task back.
  void add(const Uuid& job, std::uint64_t task, const std::string& worker);
  bool empty() const { return skips_.empty(); }
  /// Whether the task should be left to others, of which there have to be some.
  bool is_left_to_others(const Uuid& job, std::uint64_t task, const std::string& worker,
                         Time now) const;

 private:
  using Skip = std::pair<std::pair<Uuid, std::uint64_t>, std::string>;
  std::set<Skip> skips_;
  std::deque<Skip> order_;
  std::map<std::string, Time> seen_;  ///< when each worker pulled last
};

}  // namespace quern::gateway::pull
