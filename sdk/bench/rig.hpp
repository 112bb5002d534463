// What a bench runs against: the broker it was given, or a broker and workers of its own; the
// baseline beside it; a client.
#pragma once

#include <optional>
#include <string>

#include "bench/baseline.hpp"
#include "cli/process/cluster.hpp"
#include "cli/syntax/options.hpp"
#include "quern/client.hpp"

namespace quern::bench {

/// Options that every bench takes.
void add_rig_options(cli::Syntax& syntax);

/// A folder of its own for store and keys, on a real disk; gone with this.
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

class Rig {
 public:
  /// Throws cli::UsageError for what cannot be; cli::BrokerFailed.
  explicit Rig(const cli::Given& given);

  Client& client() { return *client_; }
  Baseline& baseline() { return *baseline_; }
  /// Nothing when the broker is somebody else's.
  std::optional<cli::Cluster>& cluster() { return cluster_; }

 private:
  void wait_for_workers(std::size_t count);

  std::optional<Baseline> baseline_;   // forks, so it comes first: before any thread
  std::optional<BenchFolder> folder_;  // outlives the broker that uses it
  std::optional<cli::Cluster> cluster_;
  std::optional<Client> client_;
};

}  // namespace quern::bench
