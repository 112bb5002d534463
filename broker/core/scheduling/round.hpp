// The state of one dispatch(): how much of its budget is left, and what it has found out.
#pragma once

#include <cstdint>

namespace quern::broker {

struct Round {
  std::int64_t budget = 0;      ///< examinations of a worker that are left
  bool cut_short = false;       ///< not every worker with room was examined
  std::uint64_t number = 1;     ///< of this dispatch(), see Worker::reserved_in
  std::uint64_t pass = 0;       ///< of the pass over one priority, see Pool::no_room_in
  bool left_to_others = false;  ///< in this pass, some worker left a job to others
  int loading = 0;              ///< jobs in this pass whose payloads are not in memory
};

}  // namespace quern::broker
