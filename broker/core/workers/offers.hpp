// What the connected workers offer, by name. It is counted when workers come and go, so that no
// question about a job has to examine every worker.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "quern/status.hpp"

namespace quern::broker {

struct Worker;

class Offers {
 public:
  /// Adds a worker that takes work (one that is not draining). Idempotent.
  void add(Worker& worker);
  /// Must be called before the worker's offer changes. Idempotent.
  void remove(Worker& worker);

  bool has(const std::string& function) const { return functions_.contains(function); }
  bool has_reducer(const std::string& reducer) const { return reducers_.contains(reducer); }
  /// The distinct declarations of this function, without rates; empty if no worker offers it.
  std::vector<FunctionDecl> declarations(const std::string& function) const;
  /// The reduction of no results, if a worker offers this reducer with an identity.
  const Bytes* identity(const std::string& reducer) const;
  /// The function whose name is most similar to this one; empty if none is similar.
  std::string nearest(std::string_view name) const;

  /// Functions that somebody offers now and nobody offered at the last call.
  std::set<std::string> take_new_functions() { return std::exchange(new_functions_, {}); }
  /// The same for reducers.
  bool take_new_reducers() { return std::exchange(new_reducers_, false); }
  bool news() const { return !new_functions_.empty() || new_reducers_; }

 private:
  struct Declared {
    FunctionDecl decl;
    std::size_t workers = 0;
  };
  struct Reducer {
    ReducerDecl decl;
    std::size_t workers = 0;
  };
  std::unordered_map<std::string, std::vector<Declared>> functions_;
  std::map<std::string, std::vector<Reducer>> reducers_;
  std::set<std::string> new_functions_;
  bool new_reducers_ = false;
};

}  // namespace quern::broker
