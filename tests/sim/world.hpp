// A world in virtual time around the production cores: one broker core with its store, many worker
// and client cores, a network that delays, cuts and duplicates, a disk that is slow, full, or loses
// what was not synced. One seed reproduces a run, bit for bit. Single-threaded.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "broker/core/core.hpp"
#include "sim/memory_store.hpp"
#include "wire/codec.hpp"
#include "wire/time.hpp"

namespace quern::sim {

using broker::PeerId;
using wire::Duration;
using wire::Time;
using namespace std::chrono_literals;

/// The faults of one run, as probabilities per event or mean times between.
struct Faults {
  double duplicate = 0.01;          ///< of a message that may arrive twice
  std::optional<Duration> latency;  ///< of each message, if set
  Duration latency_most = 5ms;  ///< otherwise uniform from 50 us; order within a connection is kept
  Duration cut_every = 1500ms;  ///< mean time between cut connections
  Duration freeze_every = 4s;   ///< a worker freezes for up to 10 s
  Duration kill_every = 5s;     ///< a worker dies and is replaced
  Duration crash_every = 4s;    ///< the broker dies, loses unsynced data and restarts; only with
                                ///< a store
  Duration full_every = 8s;     ///< the disk is full for up to a few seconds
};

class World;

/// An actor that can be frozen or dead: its events then wait or vanish.
class Actor {
 public:
  virtual ~Actor() = default;
  bool dead = false;
  Time frozen_until{};
  Time disturbed{};  ///< last time it was frozen or cut off by the network (not by a dead broker)
};

/// The connection of a peer, which opens a new one for each session.
struct Wire {
  PeerId id{};
  bool open = true;
  bool reached = false;  ///< whether it has reached the broker; until then, the socket keeps trying
  std::weak_ptr<Actor> owner;
  Time up_free{};  ///< earliest arrival of the next message towards the broker
  Time down_free{};
  std::function<void(wire::Envelope)> deliver;  ///< to the peer
  std::function<void()> lost;                   ///< the peer learns that the connection is gone
};

/// A lease that has just ended on a slot.
struct Ran {
  std::uint64_t machine;  ///< its number
  std::uint32_t slot;
  const wire::Lease& lease;
  std::uint64_t tasks;  ///< number of tasks that ended
  Time began;
  bool reported;
};

class World {
 public:
  World(std::uint64_t seed, broker::Config config);

  Time now() const { return now_; }
  std::mt19937_64& random() { return random_; }
  std::uint64_t below(std::uint64_t n) { return n == 0 ? 0 : random_() % n; }
  double uniform() { return std::uniform_real_distribution<double>(0, 1)(random_); }
  bool chance(double p) { return uniform() < p; }
  Duration exponential(Duration mean) {
    return std::chrono::duration_cast<Duration>(mean *
                                                std::exponential_distribution<double>(1)(random_));
  }

  /// Runs `what` at `when`, or when `actor` wakes if it is frozen then; never if it is dead.
  void at(Time when, std::shared_ptr<Actor> actor, std::function<void()> what);
  void after(Duration d, std::shared_ptr<Actor> actor, std::function<void()> what) {
    at(now_ + d, std::move(actor), std::move(what));
  }

  /// The broker dies now and restarts after `down` with the content of its store. All messages in
  /// transit are lost.
  void crash(Duration down);
  /// The disk is full for this time.
  void fill_disk(Duration time);
  bool broker_up() const { return core_ != nullptr; }
  const broker::Core& core() const { return *core_; }
  std::uint64_t restarts() const { return restarts_; }
  Time restarted() const { return restarted_; }

  /// Runs `reached` once `wire` has reached the broker.
  void reach(const std::shared_ptr<Wire>& wire, std::shared_ptr<Actor> actor,
             std::function<void()> reached);
  std::shared_ptr<Wire> connect();
  void send_up(const std::shared_ptr<Wire>& wire, wire::Envelope envelope);
  void cut(const std::shared_ptr<Wire>& wire, bool peer_notices);
  /// The network cuts the connection, if it is established.
  void sever(const std::shared_ptr<Wire>& wire, bool peer_notices);
  /// A random open connection, or null.
  std::shared_ptr<Wire> any_wire();

  /// Runs events until `end` or until `done` returns true. Every step checks the broker's
  /// invariants.
  void run(Time end, const std::function<bool()>& done);

  Faults faults;
  bool healed = false;  ///< no more faults
  /// Checks the invariants of the broker's core after each step and passes each message through the
  /// codec. Without it, runs of millions of leases are fast.
  bool checked = true;
  bool timed = false;  ///< fills core_s and settle_s_most
  std::uint64_t steps = 0;
  double core_s = 0;         ///< spent inside the broker's core
  double settle_s_most = 0;  ///< processor time of the longest settle()
  double plan_s = 0;         ///< processor time of calls that planned
  double plan_s_most = 0;
  /// Called for each lease that a worker starts to run.
  std::function<void(const Actor& worker, const wire::Lease& lease)> on_run;
  /// Called for each lease that a worker has finished or died during.
  std::function<void(const Ran& ran)> on_ran;

 private:
  struct Event {
    Time when;
    std::uint64_t order;
    std::size_t place;  ///< in happenings_
    bool operator<(const Event& o) const {
      return when != o.when ? when > o.when : order > o.order;
    }
  };
  /// An event: a call, or the arrival of a message.
  struct Happening {
    std::shared_ptr<Actor> actor;
    std::function<void()> what;
    std::shared_ptr<Wire> wire;
    bool up = false;
    wire::Envelope envelope;
  };

  void plan(Time when, std::uint64_t order, Happening&& happening);
  void happen(Happening& happening);
  wire::Envelope copied(const wire::Envelope& envelope) const;
  /// Runs a call of the core and counts its time.
  template <class Call>
  void in_core(Call&& call);
  void arrive(const std::shared_ptr<Wire>& wire, wire::Envelope&& envelope);
  void settle();
  void check() const;
  void start_broker();
  void commit(broker::Commit commit);
  void load(const broker::Load& load);
  void load(const broker::LoadResult& load);
  void carry_out(broker::Effects& effects);
  void send_down(broker::Send& send);
  Duration latency();

  broker::Config config_;
  std::unique_ptr<broker::Core> core_;
  MemoryStore store_;
  std::uint64_t life_ = 0;  ///< events of an earlier broker are ignored
  std::optional<broker::Commit> committing_;
  Time disk_full_until_{};
  bool in_trouble_ = false;
  std::uint64_t restarts_ = 0;
  Time restarted_{};
  std::mt19937_64 random_;
  Time now_{std::chrono::hours(1)};
  std::uint64_t order_ = 0;
  std::priority_queue<Event> events_;  // small, because the heap moves them
  std::deque<Happening> happenings_;
  std::vector<std::size_t> free_places_;
  std::map<PeerId, std::shared_ptr<Wire>> wires_;
  std::uint64_t last_peer_ = 0;
  broker::Effects
      effects_;  ///< reused, as in the router: a new vector each time would be cold memory
  bool settling_ = false;  ///< settle() is due after everything that arrives now
  std::optional<Time> wake_;
};

}  // namespace quern::sim
