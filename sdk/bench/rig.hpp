// The environment of a benchmark: the given broker, or a broker and workers of its own; the
// baseline; a client.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "bench/baseline.hpp"
#include "cli/process/cluster.hpp"
#include "cli/syntax/options.hpp"
#include "quern/client.hpp"

namespace quern::bench {

/// Options that every bench takes.
void add_rig_options(cli::Syntax& syntax);

/// A temporary folder for store and keys, on a real disk.
class BenchFolder {
 public:
  BenchFolder();
  ~BenchFolder();
  BenchFolder(const BenchFolder&) = delete;
  BenchFolder& operator=(const BenchFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Reports on standard error if there is no worker for the tasks. Owns a thread; destroy before the
/// client.
class Lookout {
 public:
  explicit Lookout(Client& client);
  ~Lookout();
  Lookout(const Lookout&) = delete;
  Lookout& operator=(const Lookout&) = delete;

 private:
  void follow();
  void look();

  Client& client_;
  bool said_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

class Rig {
 public:
  /// Throws cli::UsageError for invalid combinations; cli::BrokerFailed.
  explicit Rig(const cli::Given& given);

  Client& client() { return *client_; }
  Baseline& baseline() { return *baseline_; }
  /// Nothing if the broker was not started by the benchmark.
  std::optional<cli::Cluster>& cluster() { return cluster_; }

 private:
  void wait_for_workers(std::size_t count);

  std::optional<Baseline> baseline_;   // forks, so it comes first: before any thread
  std::optional<BenchFolder> folder_;  // outlives the broker that uses it
  std::optional<cli::Cluster> cluster_;
  std::optional<Client> client_;
  std::optional<Lookout> lookout_;
};

}  // namespace quern::bench
