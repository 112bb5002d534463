// A virtual client that submits ranges and notes when they end; it asks for nothing else, so that
// what is measured is the broker.
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

  /// Opens its session; jobs may be submitted once it stands (10 ms are enough).
  void start();
  /// One of its jobs, of so many tasks without payloads.
  void submit(std::size_t place, const std::string& function, std::uint64_t tasks);
  /// Which one an id is of.
  static std::size_t place_of(const Uuid& job);
  /// From now on asks for the first jobs' estimates every so often.
  void watch(Duration every);
  struct Estimate {
    Time at{};
    double left_s = -1;
  };
  /// Of each of the jobs that are watched, what it was told while they ran.
  const std::vector<std::vector<Estimate>>& estimates() const { return estimates_; }
  static constexpr std::size_t kWatched = 16;
  /// When each job ended; nothing: not yet.
  const std::vector<std::optional<Time>>& ended() const { return ended_; }
  bool finished() const { return open_ == 0; }
  /// The first job that did not end well, and why.
  const std::string& trouble() const { return trouble_; }

 private:
  void receive(const wire::Envelope& envelope);
  void beat();
  void answered(const wire::Answer& answer);

  World& world_;
  std::shared_ptr<Wire> wire_;
  wire::SessionId session_{};
  Duration beat_every_{};
  std::vector<std::optional<Time>> ended_;
  std::vector<bool> submitted_ = std::vector<bool>(kWatched);
  std::vector<std::vector<Estimate>> estimates_ = std::vector<std::vector<Estimate>>(kWatched);
  std::size_t open_;
  std::string trouble_;
};

}  // namespace quern::sim
