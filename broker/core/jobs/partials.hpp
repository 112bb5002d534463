// The partials of a reduced job: disjoint intervals of tasks, each with its folded result. With a
// built-in reducer, neighbouring partials are folded at once; with a named reducer, workers merge
// them (merge leases).
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>

#include "wire/batch.hpp"
#include "wire/intervals.hpp"
#include "wire/reducer.hpp"

namespace quern::broker {

class Partials {
 public:
  /// How many partials make a merge lease worthwhile while more are still to come.
  static constexpr std::size_t kMergeFrom = 8;

  Partials() = default;
  explicit Partials(std::optional<wire::Builtin> builtin) : builtin_(builtin) {}

  /// Adds the folded result of `tasks`. Returns why it cannot be folded, or nothing.
  std::optional<std::string> add(wire::Interval tasks, Bytes value);

  /// Takes a run of neighbouring partials that are merged by a worker: at least `at_least`, at most
  /// `at_most` and at most `bytes_max` bytes (but always at least two). nullopt if there is no such
  /// run.
  struct Run {
    wire::Interval tasks;
    wire::Batch values;
  };
  std::optional<Run> take_run(std::size_t at_least, std::size_t at_most, std::uint64_t bytes_max);
  /// The run could not be merged (its worker is gone): its parts are available again.
  void put_back(wire::Interval tasks);
  /// The merge of a run has arrived: it replaces its parts.
  void replace(wire::Interval tasks, Bytes value);

  /// What the store keeps after add(tasks, value): the piece that the value is now part of. For
  /// concat, whose pieces grow without bound, it is only the value itself; these are joined again
  /// when they are read.
  struct Kept {
    wire::Interval tasks;
    Bytes value;
  };
  Kept kept(wire::Interval tasks, const Bytes& value) const;
  bool joins_lazily() const { return builtin_ == wire::Builtin::concat; }

  std::size_t count() const { return pieces_.size(); }
  std::size_t out() const { return out_; }  ///< pieces that are being merged
  std::uint64_t bytes() const { return bytes_; }

  /// The fold of everything, skipping gaps of failed tasks; nullopt if there is nothing. For named
  /// reducers, only the first piece: the caller merges until one is left.
  std::optional<Bytes> value() const;
  std::optional<std::string> error() const;  ///< why the final value cannot be shown

 private:
  struct Piece {
    std::uint64_t end = 0;
    std::list<Bytes> chunks;  ///< only one, except for concat: then the value is their
                              ///< concatenation, spliced in O(1)
    bool out = false;
  };
  using Map = std::map<std::uint64_t, Piece>;

  std::optional<std::string> join(Piece& left, Piece&& right);

  std::optional<wire::Builtin> builtin_;
  Map pieces_;  // by first task
  std::uint64_t bytes_ = 0;
  std::size_t out_ = 0;
};

}  // namespace quern::broker
