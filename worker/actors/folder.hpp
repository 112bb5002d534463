// Folds partials that arrive in ascending order. Named reducers are folded as a balanced tree (a
// binary counter: equal numbers of leaves meet), so that a reducer whose partials grow, like a
// table of words, is not quadratic.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "quern/worker.hpp"
#include "wire/reducer.hpp"

namespace quern::worker {

/// A reducer by its name: built in, or one of the worker's own.
class Reducer {
 public:
  static std::optional<Reducer> find(const std::string& name, const Functions& functions);

  std::optional<wire::Builtin> builtin() const { return builtin_; }
  const std::string& name() const { return name_; }
  /// left and right are partials of adjacent intervals. Throws Permanent when the reducer says that
  /// another attempt is of no use, else std::runtime_error, with a text for the job's owner.
  Bytes fold(Bytes left, BytesView right) const;

 private:
  std::string name_;
  std::optional<wire::Builtin> builtin_;
  const ReducerEntry* named_ = nullptr;
};

class Folder {
 public:
  explicit Folder(Reducer reducer) : reducer_(std::move(reducer)) {}

  /// Adds the partial of the next higher interval. Throws what the reducer throws.
  void add(Bytes partial);
  bool empty() const { return stack_.empty(); }
  /// Returns the fold of everything and empties the folder, which must not be empty. Throws what
  /// the reducer throws.
  Bytes take();
  void clear() { stack_.clear(); }
  const Reducer& reducer() const { return reducer_; }

 private:
  struct Piece {
    Bytes bytes;
    unsigned rank = 0;  // 2^rank leaves
  };
  void fold_last_two();

  Reducer reducer_;
  std::vector<Piece> stack_;  // ascending in position, descending in rank
};

}  // namespace quern::worker
