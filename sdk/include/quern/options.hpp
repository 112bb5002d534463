/// @file
/// What can be said about a job when it is submitted, and about a client when it is made. Every
/// field has a default that needs no thought. Set fields by name: `{.name = "x", .priority = 1}`.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "quern/bytes.hpp"
#include "quern/edges.hpp"
#include "quern/status.hpp"

namespace quern {

/// Options of a job. A value that is not allowed makes the job fail with SubmitError: `limit` when
/// it is out of its bounds, `bad_input` when it makes no sense, `denied` when this principal may
/// not use it.
struct SubmitOptions {
  /// Name for people, at most 255 bytes.
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
  /// Whether the client follows the job from the beginning. With false, which needs `detach`, the
  /// broker sends nothing about the job after it has accepted it: cheap for a program that hands
  /// jobs in and does not wait for them. Job::wait(), everything that reads results and
  /// Job::on_progress() follow the job from then on.
  bool follow = true;
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
  /// Jobs that have to end before this one starts: edges of the pattern EdgePattern::after; at most
  /// 10,000. If one of them fails or is cancelled, this job fails with `upstream_failed`, unless
  /// JobEdge::ended is set. See Job::edge().
  std::vector<JobEdge> after{};
  /// The results of this job are only for the jobs that take them (ResultsOf, Links). The broker
  /// drops them when the last of these jobs has taken them, and does not keep them for clients.
  bool intermediate = false;
  /// How long the job may take from its acceptance to its end, at most 10^12 ms; 0: no limit. When
  /// the time is over, the job ends as failed with the code `deadline`; what has not ended is
  /// cancelled, results that exist stay. The time goes on while the broker is down.
  std::chrono::milliseconds deadline{0};
  /// The job starts at this time of the broker's clock and not before; none: at once. It is
  /// accepted and listed until then, and kept over a restart like any other job. A time that has
  /// passed means at once. The deadline counts from the acceptance all the same.
  std::optional<std::chrono::system_clock::time_point> start_at{};
  /// The job starts so long after its acceptance, at most 10^12 ms; 0: at once. Not together with
  /// `start_at`.
  std::chrono::milliseconds start_in{0};
  /// For functions (Task::metadata()) and people (JobStatus::metadata); it means nothing to Quern.
  /// Names and values have at most 255 bytes each, and 16 KiB together.
  std::map<std::string, std::string> metadata{};
  /// Whether tasks of the job may submit jobs (Task::submit()), which belong to the principal of
  /// this job, count against its quotas and end with it.
  bool nested = false;
  /// Requesting a stop cancels the job, or this one task of a coalesced job, as Job::cancel() does,
  /// on the thread that requests it. A stop that was requested before cancels it at once. A default
  /// token never does.
  std::stop_token stop{};

  /// @return whether all fields are equal
  bool operator==(const SubmitOptions&) const = default;
};

/// How items are appended to a job; see Client::append().
struct AppendOptions {
  /// Index that the first item gets. The call fails with `conflict` when the job has another number
  /// of items, so that a call that is repeated after an error does not append twice. None: after
  /// the items that the job has.
  std::optional<std::uint64_t> first{};
  /// Whether these are the last items: the job is closed after them.
  bool close = false;
  /// How long to wait for room at the broker before the call fails with `queue_full`.
  std::chrono::milliseconds patience{30000};
};

/// Which thread runs what a program asked to be called with; see Client::dispatch().
enum class Callbacks : std::uint8_t {
  thread,   ///< threads of the client
  dispatch  ///< the thread that calls Client::dispatch()
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
  /// Which thread runs callbacks, continuations and coroutines of this client.
  Callbacks callbacks = Callbacks::thread;
};

}  // namespace quern
