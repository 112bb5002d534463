// The workers that can run one kind of work, and how fast each is at it. Jobs that want the same
// share a pool.
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
    double rate = 0;  ///< work/s of one slot: measured, declared, or what is to be expected of it;
                      ///< 0 only when nobody's is known
    bool known = false;  ///< measured or declared
  };

  explicit Pool(Need need) : need_(std::move(need)) {}

  const Need& need() const { return need_; }
  void add(Worker& worker);
  void remove(const Worker& worker);
  const Member* of(const Worker& worker) const;
  /// A member's rate, slots or availability may have changed.
  void update(const Worker& worker);
  /// What is to be expected of those whose rate is not known follows those whose is. Cheap when
  /// nothing has changed. `told`: another number whenever rates of members may have changed without
  /// update().
  void refresh(std::uint64_t told);

  const std::vector<Member>& members() const { return members_; }
  bool empty() const { return members_.empty(); }
  std::uint64_t slots() const { return slots_; }
  /// The same number for pools of the same workers.
  std::uint64_t crew() const { return crew_; }
  double total_rate() const { return total_; }  ///< of all slots
  /// Of one slot, over those that are known; 0: none is.
  double mean_rate() const { return known_ > 0 ? known_sum_ / static_cast<double>(known_) : 0; }
  std::size_t known() const { return known_; }  ///< members whose rate is
  double best_rate() const { return best_; }    ///< about: the best there was of late
  /// A quarter of those that are known are slower, about, and a quarter quicker; 0: none is known.
  /// A few that stand still change neither.
  double low_rate() const { return look_at_spread(), low_; }
  double high_rate() const { return look_at_spread(), high_; }
  /// How good a worker is at this beside the others here: 1 is average, or unknown.
  double fitness(const Member& member) const {
    return member.known ? member.rate / mean_rate() : 1;
  }

  std::size_t users = 0;  ///< live jobs
  std::size_t scouts =
      0;  ///< workers that know something else and are at their first lease of this
  mutable wire::Time look_at[2]{};  ///< with many members: not all are looked at before this; [1]:
                                    ///< by who leaves nothing to others, [0]: by who does
  mutable std::uint64_t no_room_in = 0;  ///< the serve() in which nobody here had room

 private:
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
  std::vector<std::uint32_t> counted_slots_;  ///< of each member, within slots_ and total_
  std::uint64_t slots_ = 0;
  std::uint64_t crew_ = 0;
  double total_ = 0;
  double best_ = 0;
  mutable double low_ = 0, high_ = 0;
  mutable std::uint64_t spread_of_ = 0;  ///< rates_changed_ when they were looked at
  std::uint64_t rates_changed_ = 1;
  double known_sum_ = 0;
  std::size_t known_ = 0;
  std::uint64_t changes_ = 0;  ///< since the sums were made anew
  bool changed_ = false;       ///< somebody left since then
  std::uint64_t told_ = 0;
  double expected_of_ = 0;  ///< the mean rate that the unknown members' rates come from
};

}  // namespace quern::broker
