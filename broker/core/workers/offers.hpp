// What the connected workers offer, by name: counted when a worker comes and goes, so that no look
// at a job looks at every worker.
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
  /// A worker that takes work (not one that is draining). Idempotent.
  void add(Worker& worker);
  /// To be called before what it offers changes. Idempotent.
  void remove(Worker& worker);

  bool has(const std::string& function) const { return functions_.contains(function); }
  bool has_reducer(const std::string& reducer) const { return reducers_.contains(reducer); }
  /// The different declarations of this function, without rates; empty: nobody offers it.
  std::vector<FunctionDecl> declarations(const std::string& function) const;
  /// The reduction of nothing, where somebody offers this reducer with one.
  const Bytes* identity(const std::string& reducer) const;
  /// The function whose name is most like this one; empty: none is like it.
  std::string nearest(std::string_view name) const;

  /// Functions that nobody offered at the last call, and now somebody does.
  std::set<std::string> take_new_functions() { return std::exchange(new_functions_, {}); }
  /// The same of reducers.
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
