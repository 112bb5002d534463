// What can be said about a job when it is submitted. Everything has a default that needs no
// thought.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "quern/bytes.hpp"
#include "quern/status.hpp"

namespace quern {

struct SubmitOptions {
  std::string name{};          ///< for people
  std::int32_t priority = 0;   ///< higher runs first
  double weight = 1;           ///< share of the workers within one priority, > 0
  std::uint32_t attempts = 3;  ///< runs of a failing task before it counts as failed
  std::chrono::milliseconds backoff{
      100};  ///< before the second attempt; doubled for each further one, at most 10 s
  std::chrono::milliseconds timeout{0};    ///< per task; 0: none
  bool detach = false;                     ///< the job outlives this client
  std::optional<Durability> durability{};  ///< default: durable when the broker has a store
  std::string unique{};                    ///< the same key attaches to the job that exists
  std::string reduce{};  ///< reducer: sum, min, max, count, concat, or one that workers offer
  double cost = 0;       ///< cost of one task relative to the function's rate; 0: 1
  std::optional<Bytes> common{};                 ///< common input, sent to each worker once
  std::map<std::string, std::string> require{};  ///< labels a worker must have
  std::map<std::string, double> resources{};  ///< counted resources a task takes, e.g. {"gpu", 1}
  std::vector<std::string> blobs{};  ///< files its workers must have, as Client::put() named them;
                                     ///< for functions that use files

  /// A task that is slow may be started a second time, on another worker, while the first still
  /// runs. For functions that declare themselves idempotent this is always so; set it for commands
  /// that may run twice at once.
  bool idempotent = false;
  /// No task is ever started twice: a failed one is not tried again (`attempts` counts as 1), and
  /// one whose worker was lost ends with the code lost_worker.
  bool at_most_once = false;
  /// With `unique`: take the job that has this key although its input is another. Otherwise that is
  /// an error (conflict).
  bool unique_any = false;
  std::chrono::seconds ttl{
      0};  ///< how long the ended job is kept; 0: as long as the broker keeps others

  bool operator==(const SubmitOptions&) const = default;
};

struct ClientOptions {
  std::string endpoint{};  ///< empty: $QUERN_BROKER, else tcp://127.0.0.1:7600
  std::string name{};      ///< for people; default: program name and process id
  std::string keys{};      ///< folder of the keys; empty: $QUERN_KEYS, else $XDG_CONFIG_HOME/quern
  bool insecure =
      false;  ///< connect without encryption, to a broker that was started with --insecure
  std::chrono::milliseconds first_wait{4000};  ///< how long the first connection may take
  std::chrono::milliseconds retry{
      30000};  ///< how long a lost broker is looked for before jobs fail with no_broker
};

}  // namespace quern
