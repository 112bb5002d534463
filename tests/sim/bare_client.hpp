// A virtual client that only submits ranges and notes when they end, so that the broker is what is
// measured.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/world.hpp"

namespace quern::sim {

class BareClient : public Actor, public std::enable_shared_from_this<BareClient> {
 public:
  BareClient(World& world, std::size_t jobs) : world_(world), ended_(jobs), open_(jobs) {}

  /// Opens its session; jobs may be submitted once it is open (after 10 ms).
  void start();
  /// Submits a job of tasks without payloads.
  void submit(std::size_t place, const std::string& function, std::uint64_t tasks);
  /// The index of the job with this id.
  static std::size_t place_of(const Uuid& job);
  /// From now on queries the estimates of the first jobs periodically.
  void watch(Duration every);
  struct Estimate {
    Time at{};
    double left_s = -1;
  };
  /// The estimates of each watched job while it ran.
  const std::vector<std::vector<Estimate>>& estimates() const { return estimates_; }
  static constexpr std::size_t kWatched = 16;
  /// When each job ended; empty if it has not.
  const std::vector<std::optional<Time>>& ended() const { return ended_; }
  bool finished() const { return open_ == 0; }
  /// The first job that failed, and why.
  const std::string& trouble() const { return trouble_; }

 private:
  void receive(const wire::Envelope& envelope);
  void send_heartbeats();
  void answered(const wire::Answer& answer);

  World& world_;
  std::shared_ptr<Wire> wire_;
  wire::SessionId session_{};
  Duration heartbeat_every_{};
  std::vector<std::optional<Time>> ended_;
  std::vector<bool> submitted_ = std::vector<bool>(kWatched);
  std::vector<std::vector<Estimate>> estimates_ = std::vector<std::vector<Estimate>>(kWatched);
  std::size_t open_;
  std::string trouble_;
};

}  // namespace quern::sim
