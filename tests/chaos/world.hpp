// The processes of a chaos run and their faults: one broker, workers, clients, and a proxy between
// some of them.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "chaos/process.hpp"
#include "chaos/proxy.hpp"

namespace quern::chaos {

struct Setting {
  std::uint64_t seed = 1;
  bool durable = true;
  bool verbose = false;
  std::string folder;  ///< of this run, with store, journals and logs
  std::string bin;     ///< the folder of quern-broker and the other programs
  std::string plugin;
};

class World {
 public:
  explicit World(Setting setting);

  /// Injects one fault, dealt from a shuffled deck: a run that is long enough has all of them.
  void disturb();
  /// Restarts processes that ended by a fault; reports those that ended on their own.
  void tend();
  /// Ends all faults and continues every stopped process.
  void heal();
  /// Tells the clients to end with their last job.
  void let_clients_end();
  bool clients_ended();
  /// Collects the detached jobs that no client has read; false if that takes too long.
  bool collect(const std::string& jobs, std::chrono::steady_clock::time_point until);
  /// Ends everything in order. Reports exit codes of the broker or a worker other than 0.
  void stop();

  const std::map<std::string, std::uint64_t>& kills() const { return kills_; }
  /// Process ids of workers that were killed, stopped or behind the proxy.
  const std::set<pid_t>& disturbed() const { return disturbed_; }
  /// Process ids of workers without any fault that no broker has reported as lost.
  std::set<pid_t> steady_workers() const;
  const std::set<std::uint64_t>& killed_clients() const { return killed_clients_; }
  const std::vector<std::string>& complaints() const { return complaints_; }
  std::string endpoint() const { return "tcp://127.0.0.1:" + std::to_string(port_); }

 private:
  using Clock = std::chrono::steady_clock;
  enum class Mishap : std::uint8_t;
  struct Member {
    Process process;
    bool proxied = false;
    bool commands = false;       ///< a client that submits commands
    std::uint64_t seed = 0;      ///< of a client
    Clock::time_point resume{};  ///< when a stopped process continues; zero if it is not stopped
    bool doomed = false;         ///< its end is caused by a fault
  };

  Mishap draw();
  void start_broker();
  void start_worker(bool proxied);
  void start_client(bool proxied, bool commands);
  void stop_worker(std::chrono::milliseconds time);
  void inflict(Fault fault);
  std::vector<std::string> broker_words() const;
  std::string endpoint_for(bool proxied) const;
  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  void note(const std::string& what);

  Setting setting_;
  std::mt19937_64 random_;
  std::vector<Mishap> deck_;
  std::uint16_t port_ = 0;
  std::unique_ptr<Proxy> proxy_;
  Member broker_;
  Clock::time_point broker_back_{};  ///< when a killed broker is restarted
  std::vector<Member> workers_, clients_;
  std::uint64_t last_worker_ = 0, last_client_ = 0;
  bool ending_ = false;
  std::map<std::string, std::uint64_t> kills_;
  std::map<pid_t, std::string> worker_names_;
  std::set<pid_t> disturbed_;
  std::set<std::uint64_t> killed_clients_;
  std::vector<std::string> complaints_;
};

}  // namespace quern::chaos
