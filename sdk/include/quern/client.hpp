// The SDK's entry: a connection to a broker. Move-only; any thread may call anything. All network
// work happens on one thread of its own. A lost broker is looked for, and everything resumes by
// itself.
//
//   quern::Client client;
//   auto job = client.submit("square", quern::Items::of(values), {.name = "squares"});
//   auto squares = job.get_all();
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "quern/error.hpp"
#include "quern/input.hpp"
#include "quern/job.hpp"
#include "quern/options.hpp"
#include "quern/status.hpp"

namespace quern {

class Client {
 public:
  /// Connects in the background; the first call that needs the broker waits for it
  /// (ClientOptions::first_wait).
  explicit Client(ClientOptions options = {});
  /// Tells the broker and closes, within a second at most, also when the broker is gone. Jobs not
  /// detached are cancelled by the broker after its grace.
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  /// Submits and returns at once. Single whole inputs to the same function with the same options
  /// are coalesced into one open job, so calling this in a loop is cheap. Errors come from the
  /// handle.
  Job submit(std::string function, Input input, SubmitOptions options = {});

  /// Gives a file of any size to the broker, unless it has it, and returns the file's name for
  /// SubmitOptions::blobs: the BLAKE2b-256 of its octets in hexadecimal digits. Blocks until the
  /// broker has all of it. It is kept as long as a job needs it, and an hour longer; for jobs of
  /// this principal only. `durability` must be that of the jobs. `sent` is called now and then on
  /// another thread with how many octets are on their way; `on_job` of the job that carries the
  /// file, which may be another client's of the same principal: cancelling it gives up. Throws
  /// std::system_error naming the file, ConnectionError, or Error with the broker's reason.
  std::string put(const std::string& file, std::optional<Durability> durability = {},
                  const std::function<void(std::uint64_t)>& sent = {},
                  const std::function<void(const Job&)>& on_job = {});

  /// Follows a job of any client by number or UUID; returns at once. Errors come from the handle:
  /// ConnectionError, or JobError with unknown_job. Results travel only when somebody reads them,
  /// and reading frees nothing at the broker. A job of this client gives the handle that submit()
  /// gave.
  Job attach(JobNumber number);
  Job attach(Uuid uuid);

  /// Where it connects to.
  const std::string& endpoint() const;

  // The following ask the broker and block for the answer. They throw ConnectionError, or Error
  // with the broker's reason.

  /// Connects if need be; throws ConnectionError with what to do when there is no broker.
  void connect();
  std::vector<JobStatus> jobs(std::size_t limit = 100);
  JobStatus job(JobNumber number);
  JobStatus cancel(JobNumber number, std::uint64_t first_task = 0, std::uint64_t task_count = 0);
  /// Cancels what no worker has begun, now and from now on: the job ends with what runs.
  JobStatus cancel_waiting(JobNumber number);
  /// Runs the failed tasks of a job that is over again, each with all its attempts; nothing else of
  /// it. Also throws when the job still runs or no task of it failed.
  JobStatus retry(JobNumber number);
  std::vector<WorkerStatus> workers();
  BrokerStatus broker();
  /// Sentences on why the job is where it is.
  std::vector<std::string> explain(JobNumber number);
  /// The job's status with what happened to its leases (JobStatus::spans).
  JobStatus timeline(JobNumber number);
  /// Asks a worker to finish what it runs and leave; returns the broker's sentence.
  std::string drain(std::string_view worker);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quern
