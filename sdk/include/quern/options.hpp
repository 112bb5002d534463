/// @file
/// What can be said about a job when it is submitted, and about a client when it is made. Every
/// field has a default that needs no thought. Set fields by name: `{.name = "x", .priority = 1}`.
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

/// Options of a job. A value that is not allowed makes the job fail with SubmitError: `limit` when
/// it is out of its bounds, `bad_input` when it makes no sense, `denied` when this principal may
/// not use it.
struct SubmitOptions {
  /// Name for people, at most 255 bytes. Jobs of one whole input that have a name are not coalesced
  /// with others.
  std::string name{};
  /// Jobs with a higher priority run first, strictly. Above 0 only where the key allows it.
  std::int32_t priority = 0;
  /// Share of the workers among the jobs of one priority, above 0: a job of weight 2 gets twice the
  /// slot time of a job of weight 1. Above 1 only where the key allows it.
  double weight = 1;
  /// Maximum number of runs of a task that fails, 1 to 1000. Runs that ended because a worker was
  /// lost do not count.
  std::uint32_t attempts = 3;
  /// Delay before the second attempt of a task; doubled for each further one, up to 10 s.
  std::chrono::milliseconds backoff{100};
  /// Time limit of one task, at most 10^12 ms; 0: none. A task that runs longer fails with
  /// `timeout`.
  std::chrono::milliseconds timeout{0};
  /// The job outlives this client. Otherwise the broker cancels it 30 s after the session of this
  /// client has ended.
  bool detach = false;
  /// Whether the job survives a restart of the broker. Default: durable when the broker has a
  /// store. `durable` is refused by a broker without one.
  std::optional<Durability> durability{};
  /// Idempotency key, at most 255 bytes; empty: none. While a job of this principal with the same
  /// key is known, no second job is created: the handle follows the existing one. When that job has
  /// another function or input, the submission fails with `conflict`; see `unique_any`.
  std::string unique{};
  /// Reducer that combines all results into one: `sum`, `min`, `max`, `count`, `concat`, or the
  /// name of one that workers offer. Empty: the default of the function for ranges, none otherwise.
  std::string reduce{};
  /// Cost of one task in units of the function's rate, not negative; 0 means 1. A job whose tasks
  /// take five times as long as those of another job of the function has five times its cost.
  double cost = 0;
  /// Common input of all tasks, at most 64 MiB: parameters, a model, a template. Each worker
  /// receives it once per job; functions read it with Task::common().
  std::optional<Bytes> common{};
  /// Labels that a worker must have (`quern-worker --label`), by name; at most 1000.
  std::map<std::string, std::string> require{};
  /// Counted resources that a running task takes (`quern-worker --resource`), e.g. `{{"gpu", 1}}`;
  /// not negative, at most 1000. Workers know `cpus` and `mem` (bytes) without being told.
  std::map<std::string, double> resources{};
  /// Files that the workers of the job must have, as Client::put() named them; at most 1000. For
  /// functions that use files, such as `exec`.
  std::vector<std::string> blobs{};
  /// A task that is slow may be started a second time on another worker while the first run goes on
  /// (a speculative attempt); the first result counts. Functions that declare themselves idempotent
  /// always allow it. Set it for commands that may run twice at the same time.
  bool idempotent = false;
  /// No task is ever started twice. A failed task is not tried again (`attempts` counts as 1), and
  /// a task whose worker was lost ends with `lost_worker`. Not together with `idempotent`.
  bool at_most_once = false;
  /// With `unique`: follow the existing job even if its function or input differs. Otherwise a
  /// difference is an error (`conflict`).
  bool unique_any = false;
  /// How long the job is kept after its end, at most 100 years; 0: as long as the broker keeps
  /// other jobs (one hour, `quern-broker --keep`).
  std::chrono::seconds ttl{0};

  /// @return whether all fields are equal
  bool operator==(const SubmitOptions&) const = default;
};

/// Options of a client.
struct ClientOptions {
  /// Where the broker listens, as "tcp://HOST:PORT" or "ipc://PATH". Empty: `$QUERN_BROKER`, else
  /// "tcp://127.0.0.1:7600".
  std::string endpoint{};
  /// Name for people, cut to 255 bytes. Empty: program name and process id.
  std::string name{};
  /// Folder of the keys. Empty: `$QUERN_KEYS`, else `$XDG_CONFIG_HOME/quern`, else
  /// `~/.config/quern`. Read again for every connection, so a client may start before the keys
  /// exist.
  std::string keys{};
  /// Connect as the key of this token (`quern keys token`) instead of the key in `keys`, which then
  /// needs to contain only the broker's public key. Empty: no token.
  std::string token{};
  /// Connect without encryption, to a broker that was started with `--insecure`. Never used as a
  /// fallback.
  bool insecure = false;
  /// How long the first connection may take before calls and jobs fail with `no_broker`.
  std::chrono::milliseconds first_wait{4000};
  /// How long a lost broker is looked for before calls and jobs fail with `no_broker`.
  std::chrono::milliseconds retry{30000};
};

}  // namespace quern
