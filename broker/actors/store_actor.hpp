// The store actor: one thread that owns a Store. Group commit: everything that arrived while the
// last commit ran becomes one transaction. While the store cannot write, pending operations wait
// here, in order, and are retried.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "broker/core/base/effect.hpp"
#include "broker/core/durability/store.hpp"
#include "runtime/mailbox.hpp"

namespace quern::broker {

// Messages of the actor to the router.
struct Committed {
  std::uint64_t sequence = 0;  ///< this sequence and all earlier ones are committed
};
struct Loaded {
  JobNumber job{};
  wire::Interval tasks;
  wire::Batch batch;
};
struct LoadFailed {
  JobNumber job{};
  wire::Interval tasks;
  std::string text;
};
struct ResultLoaded {
  JobNumber job{};
  std::uint64_t seq = 0;
  wire::Batch batch;
};
struct ResultLoadFailed {
  JobNumber job{};
  std::uint64_t seq = 0;
  std::string text;
};
struct StoreTrouble {
  std::string text;
};
struct StoreHealthy {};
using StoreEvent = std::variant<Committed, Loaded, LoadFailed, ResultLoaded, ResultLoadFailed,
                                StoreTrouble, StoreHealthy>;

class StoreActor {
 public:
  /// Takes over a store that was recovered. `events` must outlive the actor.
  StoreActor(std::unique_ptr<Store> store, runtime::Mailbox<StoreEvent>& events);
  /// Commits pending operations, for at most five seconds, and ends. The rest was never
  /// acknowledged.
  ~StoreActor();

  void commit(Commit commit) { mailbox_.post(std::move(commit)); }
  void load(Load load) { mailbox_.post(load); }
  void load(LoadResult load) { mailbox_.post(load); }

 private:
  struct Stop {};
  using Request = std::variant<Commit, Load, LoadResult, Stop>;

  void run();
  void take(std::vector<Request>& requests);
  void write();
  /// Checks from time to time whether the store still exists.
  void look();
  void read(const Load& load);
  void read(const LoadResult& load);
  bool sweep();
  void wait(int timeout_ms);

  std::unique_ptr<Store> store_;
  runtime::Mailbox<StoreEvent>& events_;
  runtime::Mailbox<Request> mailbox_;
  StoreOps ops_;                // to be written, in order
  std::uint64_t sequence_ = 0;  // of the last of them
  std::string trouble_;
  bool written_ = false;  ///< they are written, but not yet reported
  std::chrono::steady_clock::time_point looked_at_{};
  bool stopping_ = false;
  std::thread thread_;  // last, so that all other members exist when it starts
};

}  // namespace quern::broker
