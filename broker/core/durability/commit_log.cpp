#include "broker/core/durability/commit_log.hpp"

#include <iterator>
#include <utility>

namespace quern::broker {

std::vector<Send> CommitLog::on_committed(std::uint64_t commit) {
  under_way_ = false;
  committed_ = commit;
  std::vector<Send> released;
  while (!held_.empty() && held_.begin()->first <= commit) {
    auto& messages = held_.begin()->second;
    released.insert(released.end(), std::make_move_iterator(messages.begin()),
                    std::make_move_iterator(messages.end()));
    held_.erase(held_.begin());
  }
  return released;
}

}  // namespace quern::broker
