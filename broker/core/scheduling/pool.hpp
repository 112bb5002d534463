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
  std::uint64_t slots() const { return sums_.slots; }
  /// The same number for pools of the same workers.
  std::uint64_t crew() const { return crew_; }
  double total_rate() const { return sums_.rate; }  ///< of all slots
  /// Of one slot, over those that are known; 0: none is.
  double mean_rate() const {
    return sums_.known > 0 ? sums_.known_rate / static_cast<double>(sums_.known) : 0;
  }
  std::size_t known() const { return sums_.known; }  ///< members whose rate is
  double best_rate() const { return sums_.best; }    ///< about: the best there was of late
  /// A quarter of those that are known are slower, about, and a quarter quicker; 0: none is known.
  /// A few that stand still change neither.
  double low_rate() const { return look_at_spread(), spread_.low; }
  double high_rate() const { return look_at_spread(), spread_.high; }
  /// How good a worker is at this beside the others here: 1 is average, or unknown.
  double fitness(const Member& member) const {
    return member.known ? member.rate / mean_rate() : 1;
  }

  std::size_t users = 0;  ///< live jobs
  std::size_t explorers =
      0;  ///< workers that know something else and are at their first lease of this
  mutable wire::Time look_at[2]{};  ///< with many members: not all are looked at before this; [1]:
                                    ///< by who leaves nothing to others, [0]: by who does
  mutable std::uint64_t no_room_in = 0;  ///< the serve() in which nobody here had room

 private:
  /// Kept by adding and subtracting, and made anew now and then.
  struct Sums {
    std::uint64_t slots = 0;
    double rate = 0;  ///< of all slots
    double best = 0;
    double known_rate = 0;  ///< of one slot of each that is known
    std::size_t known = 0;
    std::uint64_t changes = 0;   ///< since the sums were made anew
    bool somebody_left = false;  ///< since then
    std::uint64_t rates_changed = 1;
    std::uint64_t told = 0;
    double expected_of = 0;  ///< the mean rate that the unknown members' rates come from
  };
  struct Spread {
    double low = 0;
    double high = 0;
    std::uint64_t of = 0;  ///< Sums::rates_changed when they were looked at
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
  std::vector<std::uint32_t> counted_slots_;  ///< of each member, within sums_.slots and sums_.rate
  std::uint64_t crew_ = 0;
  Sums sums_;
  mutable Spread spread_;
};

}  // namespace quern::broker
