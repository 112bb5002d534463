/// @file
/// The calls of a client about schedules: jobs that the broker submits by itself when their time
/// has come.
#pragma once

#include <string>
#include <vector>

#include "quern/input.hpp"
#include "quern/options.hpp"
#include "quern/schedule.hpp"

namespace quern {

class Client;

/// The calls of a client about schedules; see Client::schedules(). All of them block until the
/// broker has answered, and throw ConnectionError when it cannot be reached, and Error with the
/// reason of the broker: `denied`, `unknown_job` when there is no such schedule, `bad_input`,
/// `limit`, `conflict`, `store`. Any thread. The client must outlive it.
class Schedules {
 public:
  /// Adds a schedule. From then on the broker submits the job at each due time, also when this
  /// client is gone. The jobs are detached and durable, so the broker needs a store. They have the
  /// name of the schedule unless `options` gives one, and the metadata `schedule` (its name) and
  /// `due` (the due time, RFC 3339), which their functions can read.
  /// @param name 1 to 100 bytes
  /// @param when when the job is submitted
  /// @param function name of the function
  /// @param input a single input, a range or items, of at most 1 MiB together
  /// @param options as for Client::submit(). Not together with a schedule: `unique`, `after`,
  ///        `start_at` and `start_in`, `stop`.
  /// @return the schedule with its next due time
  ScheduleStatus add(const std::string& name, const ScheduleOptions& when, std::string function,
                     Input input, SubmitOptions options = {});

  /// @param pattern names with `*` and `?`; empty: all
  /// @param owner of this principal only; empty: of all that this key may see
  /// @return the schedules, the oldest first, each with its last run
  std::vector<ScheduleStatus> list(const std::string& pattern = {}, const std::string& owner = {});

  /// @param name name of a schedule
  /// @param owner its owner; empty: this principal
  /// @return the schedule with its history
  ScheduleStatus get(const std::string& name, const std::string& owner = {});

  /// Removes a schedule. Jobs that it has submitted go on.
  /// @param name name of a schedule
  /// @param owner its owner; empty: this principal
  /// @return the schedule as it was
  ScheduleStatus remove(const std::string& name, const std::string& owner = {});

  /// Lets due times pass without a run, until resume().
  /// @param name name of a schedule
  /// @param owner its owner; empty: this principal
  /// @return the paused schedule
  ScheduleStatus pause(const std::string& name, const std::string& owner = {});

  /// Continues with the next due time from now on.
  /// @param name name of a schedule
  /// @param owner its owner; empty: this principal
  /// @return the schedule with its next due time
  ScheduleStatus resume(const std::string& name, const std::string& owner = {});

 private:
  friend class Client;
  explicit Schedules(Client& client) : client_(&client) {}

  Client* client_;
};

}  // namespace quern
