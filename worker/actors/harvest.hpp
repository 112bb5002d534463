// The results of a running lease: unchanged, or folded if the lease has a reducer. Ascending order.
// One thread at a time: the slot's, or the link's after it has fenced the run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "worker/actors/folder.hpp"
#include "worker/actors/report_builder.hpp"

namespace quern::worker {

class Harvest {
 public:
  /// `reducer`: folds the results of each interval.
  Harvest(const wire::Lease& lease, std::optional<Reducer> reducer, Encoding results);

  /// Where the next result is appended; then either end_result() or discard_result().
  Bytes& begin_result();
  void end_result(wire::Interval tasks);
  void discard_result();

  /// A value for a merge or finish lease, which represents all its tasks.
  void add_whole(wire::Interval tasks, BytesView value);
  void add_error(wire::Interval tasks, ErrorCode code, const std::string& text);
  /// The task failed after writing output, which is dropped if results are folded.
  void add_failure(std::uint64_t task, ErrorCode code, const std::string& text,
                   const Bytes& output);
  /// The next result begins a new partial, even if it is a neighbour of the last one.
  void break_partial();

  bool full() const { return reports_.full(); }
  bool empty() const { return reports_.empty(); }
  /// Returns everything that is complete; with `last`, also the partial that is being folded.
  std::vector<wire::Report> take(bool last, std::uint64_t busy_us);

 private:
  std::optional<std::string> begin_partial(wire::Interval tasks);
  void fold_in(wire::Interval tasks);
  void fail_fold(ErrorCode code, const std::string& text);

  ReportBuilder reports_;
  std::optional<Folder> folder_;  // with a reducer
  wire::Interval folded_;         // what is in the folder
  Encoding encoding_;
  bool counts_tasks_ = false;  // one result of a range function represents many tasks
  Bytes scratch_;              // a result on its way into the folder
  std::size_t mark_ = 0;       // where the current result begins in the batch
};

}  // namespace quern::worker
