// The workers that can run one kind of work, and the rate of each. Jobs with the same need share a
// pool.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "broker/core/scheduling/need.hpp"
#include "broker/core/workers/worker.hpp"

namespace quern::broker {

class Pool {
 public:
  struct Member {
    Worker* worker = nullptr;
    FunctionRecord* record = nullptr;
    double rate = 0;  ///< work/s of one slot: measured, declared or expected; 0 only if no member's
                      ///< rate is known
    bool known = false;            ///< measured or declared
    bool people = false;           ///< people do the tasks: the rate is never known
    std::uint64_t lease_most = 0;  ///< tasks that it takes in a lease; 0: any number
  };

  explicit Pool(Need need) : need_(std::move(need)) {}

  const Need& need() const { return need_; }
  void add(Worker& worker);
  void remove(const Worker& worker);
  const Member* of(const Worker& worker) const;
  /// A member's rate, slots or availability may have changed.
  void update(const Worker& worker);
  /// Derives the expected rates of members with an unknown rate from the known rates. Cheap if
  /// nothing has changed. `told`: a different number whenever rates of members may have changed
  /// without a call of update().
  void refresh(std::uint64_t told);

  const std::vector<Member>& members() const { return members_; }
  bool empty() const { return members_.empty(); }
  std::uint64_t slots() const { return sums_.slots; }
  /// Equal for pools of the same workers.
  std::uint64_t crew() const { return crew_; }
  double total_rate() const { return sums_.rate; }  ///< of all slots
  /// The mean rate of one slot, over members with a known rate; 0 if there is none.
  double mean_rate() const {
    return sums_.known > 0 ? sums_.known_rate / static_cast<double>(sums_.known) : 0;
  }
  std::size_t known() const { return sums_.known; }  ///< members with a known rate
  double best_rate() const { return sums_.best; }    ///< approximate: the best recent one
  /// About a quarter of the known rates are below low_rate(), and a quarter above high_rate(); 0 if
  /// none is known. A few workers that stand still change neither.
  double low_rate() const { return look_at_spread(), spread_.low; }
  double high_rate() const { return look_at_spread(), spread_.high; }
  /// How good a worker is at this compared with the other members: 1 is average, or unknown.
  double fitness(const Member& member) const {
    return member.known ? member.rate / mean_rate() : 1;
  }

  std::size_t users = 0;  ///< live jobs
  std::size_t explorers =
      0;  ///< workers that know another function and are running their first lease of this one
  mutable wire::Time look_at[2]{};  ///< when all members may be compared again (large pools): [0]
                                    ///< if workers leave jobs to others, [1] if they do not
  mutable std::uint64_t no_room_in = 0;  ///< the pass in which no member had room

 private:
  /// Updated by adding and subtracting, and recomputed now and then.
  struct Sums {
    std::uint64_t slots = 0;
    double rate = 0;  ///< of all slots
    double best = 0;
    double known_rate = 0;  ///< of one slot of each member with a known rate
    std::size_t known = 0;
    std::uint64_t changes = 0;   ///< since the sums were recomputed
    bool somebody_left = false;  ///< since the sums were recomputed
    std::uint64_t rates_changed = 1;
    std::uint64_t told = 0;
    double expected_of = 0;  ///< the mean rate from which the unknown rates were derived
  };
  struct Spread {
    double low = 0;
    double high = 0;
    std::uint64_t of = 0;  ///< Sums::rates_changed when the rates were examined
  };

  static constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);
  std::size_t place_of(const Worker& worker) const;
  void take_in(Member& member);
  void count(const Member& member, std::uint32_t slots);
  void leave_out(const Member& member);
  void add_up();
  void look_at_spread() const;

  Need need_;
  std::vector<Member> members_;
  std::unordered_map<const Worker*, std::size_t> at_;
  std::vector<std::uint32_t> counted_slots_;  ///< of each member, as counted in sums_.slots and
                                              ///< sums_.rate
  std::uint64_t crew_ = 0;
  Sums sums_;
  mutable Spread spread_;
};

}  // namespace quern::broker
