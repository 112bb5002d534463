#include "client/coalescer.hpp"

#include <algorithm>

namespace quern::client {
namespace {

// Groups kept open at once; the one unused for longest is closed. A program rarely has more than a
// few kinds of single submits.
constexpr std::size_t kGroupsMax = 32;

}  // namespace

std::shared_ptr<SingleJob> Coalescer::submit(const std::string& function, const Whole& input,
                                             const SubmitOptions& options) {
  std::lock_guard lock(mutex_);
  const auto line = std::find_if(lines_.begin(), lines_.end(), [&](const Line& l) {
    return l.encoding == input.encoding && l.function == function && l.options == options;
  });
  if (line != lines_.end()) {
    if (line != lines_.begin()) lines_.splice(lines_.begin(), lines_, line);
    if (line->group)
      if (auto job = line->group->submit(input.bytes)) return job;
    lines_.erase(
        line);  // it ended: the broker was unreachable for too long, or the job was cancelled
  } else if (!options.name.empty() || !options.metadata.empty()) {
    remember({function, input.encoding, options, nullptr});
    return nullptr;
  }
  auto [group, job] = make_(function, input, options);
  remember({function, input.encoding, options, std::move(group)});
  return job;
}

void Coalescer::remember(Line line) {
  lines_.push_front(std::move(line));
  if (lines_.size() <= kGroupsMax) return;
  if (lines_.back().group) lines_.back().group->close();
  lines_.pop_back();
}

void Coalescer::close() {
  std::lock_guard lock(mutex_);
  for (auto& line : lines_)
    if (line.group) line.group->close();
  lines_.clear();
}

}  // namespace quern::client
