// The partial aggregates of a reduced job: disjoint intervals of tasks, each with the fold of their
// results. Partials of a built-in reducer are folded with their neighbours at once; those of a
// named one are merged by workers (merge leases).
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
  /// How many must have gathered before it is worth a lease to merge them, as long as more are to
  /// come.
  static constexpr std::size_t kMergeFrom = 8;

  Partials() = default;
  explicit Partials(std::optional<wire::Builtin> builtin) : builtin_(builtin) {}

  /// Adds the fold of `tasks`. Returns why it cannot be folded, or nothing.
  std::optional<std::string> add(wire::Interval tasks, Bytes value);

  /// Takes a run of neighbouring partials to be merged elsewhere: at least `at_least` of them, at
  /// most `at_most` and `bytes_max` (but always two). nullopt when there is no such run.
  struct Run {
    wire::Interval tasks;
    wire::Batch values;
  };
  std::optional<Run> take_run(std::size_t at_least, std::size_t at_most, std::uint64_t bytes_max);
  /// The run could not be merged (its worker is gone): its parts are there again.
  void put_back(wire::Interval tasks);
  /// The merge of a run arrived: it replaces its parts.
  void replace(wire::Interval tasks, Bytes value);

  /// What a store keeps after add(tasks, value): the piece that it is part of now, or for concat,
  /// whose pieces grow without bound, its own bytes (they are joined again when they are read).
  struct Kept {
    wire::Interval tasks;
    Bytes value;
  };
  Kept kept(wire::Interval tasks, const Bytes& value) const;
  bool joins_lazily() const { return builtin_ == wire::Builtin::concat; }

  std::size_t count() const { return pieces_.size(); }
  std::size_t out() const { return out_; }  ///< pieces that are being merged
  std::uint64_t bytes() const { return bytes_; }

  /// The fold of everything, gaps of failed tasks skipped; nullopt when there is nothing. Named
  /// reducers: the first piece only (the caller merges until one is left).
  std::optional<Bytes> value() const;
  std::optional<std::string> error() const;  ///< why the final value cannot be shown

 private:
  struct Piece {
    std::uint64_t end = 0;
    std::list<Bytes>
        chunks;  ///< one, except for concat: then the value is their concatenation, spliced in O(1)
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
