// A virtual client: the production client core submitting jobs with known answers and checking what
// comes back.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "client/core.hpp"
#include "sim/world.hpp"

namespace quern::sim {

/// The expected outcome of a job.
struct Expectation {
  /// fed: an echo of each result of another job; gathered: one task with all results of another.
  enum class Kind { echo, flaky, doomed, sum, join, cancelled, fed, gathered } kind = Kind::echo;
  std::vector<Bytes> items;         ///< by task
  std::int64_t begin = 0, end = 0;  ///< sum
  bool once = false;                ///< at-most-once: some tasks may end as lost_worker
  std::map<std::uint64_t, Bytes> results;
  std::map<std::uint64_t, std::string> errors;
  std::uint64_t appended = 0;  ///< items handed to the core so far
  std::optional<wire::JobUpdate> final;
  std::uint64_t entries = 0;         ///< delivered
  std::optional<std::string> ended;  ///< the reason if the core gave up
  std::set<std::uint64_t> bad;       ///< fed, gathered: tasks that must fail because of others
};

class SimClient : public Actor, public std::enable_shared_from_this<SimClient> {
 public:
  SimClient(World& world, std::uint64_t number);

  void start();
  void submit(Expectation expectation);
  /// From now on, some jobs get others that take their results.
  void with_edges() { edges_ = true; }
  /// From now on, tasks of some jobs submit jobs.
  void with_nested() { nested_ = true; }
  void die();
  bool finished() const;
  /// What is wrong with the outcome of a job; empty if it is correct. Only when finished().
  std::string verdict() const;
  std::string unfinished() const;
  std::size_t jobs() const { return jobs_.size(); }

 private:
  void carry_out();
  void submit_consumers(const Expectation& first, Uuid from);
  Uuid submit_fed(Expectation expectation, Uuid from, EdgePattern pattern);
  void pause_for_a_while(Uuid job);
  void feed(client::JobKey key);
  void on_ended(client::JobKey key, const client::Failure& failure);
  void on_results(client::JobKey key, const wire::Results& results);
  void plan_tick();
  void open();

  World& world_;
  std::uint64_t number_;
  client::ClientCore core_;
  std::shared_ptr<Wire> wire_;
  std::map<client::JobKey, Expectation> jobs_;
  std::uint64_t last_key_ = 0;
  std::optional<Time> tick_;
  std::uint64_t resubmitting_ = 0;
  bool edges_ = false;
  bool nested_ = false;
  std::string trouble_;
};

}  // namespace quern::sim
