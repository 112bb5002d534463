// What a store must do. SQLite is one implementation (broker/actors/sqlite_store.hpp); a database
// with a standby could be another. The core never calls it: the store actor applies what the core's
// effects ask for, and tells the core when it is durable.
//
// One thread owns a store for its whole life.
#pragma once

#include <stdexcept>

#include "broker/core/base/persist.hpp"

namespace quern::broker {

/// What a store throws; the text is for people and says what to do.
class StoreError : public std::runtime_error {
 public:
  enum class Kind {
    trouble,  ///< it may pass (a full disk): the same operations may be applied again later
    corrupt,  ///< the data on the disk contradicts itself
    unusable  ///< wrong version, not a Quern store, locked by another broker, not writable
  };
  StoreError(Kind kind, const std::string& text) : std::runtime_error(text), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

class Store {
 public:
  virtual ~Store() = default;

  /// Begins a new incarnation (durably) and reads what was committed. Called once, before anything
  /// else.
  virtual Recovered recover() = 0;

  /// Applies all operations, in order, as one transaction that survives a loss of power once this
  /// returns. If it throws, none of them has been applied.
  virtual void apply(const StoreOps& ops) = 0;

  /// The payloads of tasks that were added as input and not dropped; `tasks` begins and ends at row
  /// boundaries.
  virtual wire::Batch load(JobNumber job, wire::Interval tasks) = 0;

  /// The batch of a result entry that was put and not dropped.
  virtual wire::Batch load_result(JobNumber job, std::uint64_t seq) = 0;

  /// Deletes a little of what was dropped; true while there is more. Called when there is nothing
  /// else to do, and now and then between transactions.
  virtual bool sweep() = 0;

  /// Throws StoreError if what was committed could not be found again because its files are gone.
  virtual void look() {}
};

}  // namespace quern::broker
