// What goes into the store, and what waits until it is there.
//
// The broker commits in groups: everything that happens while one commit is being written goes into
// the next one. So a slow disk leads to larger commits, not to a queue of them. Commits are
// numbered in sequence. A change remembers the number of the commit that will contain it, and a
// message that reveals the change is held back until that commit is done.
//
// Owned by the core, on its thread. Invariants: at most one commit is under way; committed() <
// next(); messages are held only for numbers above committed().
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/core/base/effect.hpp"
#include "broker/core/base/persist.hpp"

namespace quern::broker {

class CommitLog {
 public:
  /// The number of the commit that the next change goes into.
  std::uint64_t next() const { return next_; }
  /// The number of the last commit that is done.
  std::uint64_t committed() const { return committed_; }
  /// The number of the commit that covers everything that has happened so far.
  std::uint64_t latest() const { return is_empty() ? next_ - 1 : next_; }
  /// Nothing is on its way to the store, and nothing has to go there.
  bool is_idle() const { return !under_way_ && is_empty(); }

  /// Adds an operation to the next commit.
  void add(StoreOp op) { operations_.push_back(std::move(op)); }
  /// Saves the progress of this job in the next commit. The progress is read once, when that commit
  /// begins.
  void save(JobNumber job) { unsaved_.insert(job); }
  /// The job is gone: its progress is no longer saved.
  void forget(JobNumber job) { unsaved_.erase(job); }

  /// Begins a commit, if there is anything to commit and none is under way. `write(job)` adds the
  /// operations of a saved job.
  template <typename Write>
  void begin(Effects& effects, Write&& write) {
    if (under_way_) return;
    for (const JobNumber job : unsaved_) write(job);
    unsaved_.clear();
    if (operations_.empty()) return;
    under_way_ = true;
    effects.push_back(Commit{next_++, std::move(operations_)});
    operations_.clear();
  }
  /// A commit is done: returns the messages that waited for it, in the order in which they were
  /// held back.
  std::vector<Send> on_committed(std::uint64_t commit);

  /// Holds a message back until this commit, which is not done yet, is done.
  void hold(std::uint64_t commit, Send&& message) { held_[commit].push_back(std::move(message)); }

  /// Why the store cannot write now; empty: it can.
  const std::string& trouble() const { return trouble_; }
  void set_trouble(std::string why) { trouble_ = std::move(why); }

 private:
  bool is_empty() const { return operations_.empty() && unsaved_.empty(); }

  StoreOps operations_;
  std::set<JobNumber> unsaved_;
  std::uint64_t next_ = kFoundSequence + 1;
  std::uint64_t committed_ = kFoundSequence;
  bool under_way_ = false;
  std::map<std::uint64_t, std::vector<Send>> held_;  // by the commit that they wait for
  std::string trouble_;
};

}  // namespace quern::broker
