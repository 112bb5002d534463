#include "broker/core/timeline.hpp"

#include <algorithm>

namespace quern::broker {
namespace {

using std::chrono::microseconds;

constexpr std::chrono::hours kForEver{1000};
// Of a job that is over; and what one takes in a message, without its worker's name.
constexpr std::size_t kSpansKept = 256;
constexpr std::size_t kSpanBytes = 100;

std::uint64_t micros_of(wire::Duration d) { return static_cast<std::uint64_t>(std::max<std::int64_t>(0, std::chrono::duration_cast<microseconds>(d).count())); }

}  // namespace

std::uint32_t Timeline::lane_of(std::uint32_t worker, std::uint32_t slots, wire::Time& begin, wire::Time end) {
  auto& lanes = lanes_[worker];
  if (lanes.size() < std::max(1u, slots)) lanes.resize(std::max(1u, slots));
  // Where it fits; else it was queued, and ran where the slot was free first.
  auto lane = std::find_if(lanes.begin(), lanes.end(), [&](wire::Time free) { return free <= begin; });
  if (lane == lanes.end()) lane = std::min_element(lanes.begin(), lanes.end());
  begin = std::min(end, std::max(begin, *lane));
  *lane = std::max(*lane, end);
  return static_cast<std::uint32_t>(lane - lanes.begin());
}

void Timeline::add(const std::string& worker, std::uint32_t slots, wire::Time begin, wire::Time end, std::uint64_t first, std::uint64_t tasks,
                   const char* outcome) {
  if (full_) return;
  const auto [it, fresh] = numbers_.try_emplace(worker, static_cast<std::uint32_t>(workers_.size()));
  if (fresh) {
    workers_.push_back(worker);
    lanes_.emplace_back();
  }
  const std::uint32_t lane = lane_of(it->second, slots, begin, end);
  spans_.push_back({it->second, lane, begin, end, first, tasks, outcome});
  if (spans_.size() < kSpansMost) return;
  // To half, so that it is not done for every lease.
  while (spans_.size() > kSpansMost / 2 && joined_ < kForEver) coarsen();
  full_ = spans_.size() > kSpansMost / 2;
}

void Timeline::coarsen() {
  // Gaps that are no longer seen double until enough neighbours have met.
  joined_ = std::max<wire::Duration>(std::chrono::milliseconds(1), 2 * joined_);
  std::stable_sort(spans_.begin(), spans_.end(), [](const Span& a, const Span& b) { return std::pair(a.worker, a.lane) < std::pair(b.worker, b.lane); });
  std::size_t kept = 0;
  for (std::size_t i = 1; i < spans_.size(); ++i) {
    Span& last = spans_[kept];
    const Span& next = spans_[i];
    if (next.worker == last.worker && next.lane == last.lane && next.outcome == last.outcome && next.begin - last.end <= joined_) {
      last.end = std::max(last.end, next.end);
      last.first = std::min(last.first, next.first);
      last.tasks += next.tasks;
    } else {
      spans_[++kept] = next;
    }
  }
  spans_.resize(kept + 1);
}

void Timeline::finish() {
  while (spans_.size() > kSpansKept && joined_ < kForEver) coarsen();
  spans_.resize(std::min(spans_.size(), kSpansMost / 2));
  spans_.shrink_to_fit();
  lanes_ = {};
  numbers_ = {};
  full_ = true;
}

void Timeline::fit(std::size_t bytes) {
  std::size_t longest = 0;
  for (const auto& worker : workers_) longest = std::max(longest, worker.size());
  const std::size_t most = bytes / (kSpanBytes + longest);
  while (spans_.size() > most && joined_ < kForEver) coarsen();
  if (spans_.size() > most) spans_.resize(most);
}

std::vector<LeaseSpan> Timeline::spans(wire::Time submitted) const {
  std::vector<LeaseSpan> out;
  for (const Span& span : spans_)
    out.push_back({workers_[span.worker], span.lane, micros_of(span.begin - submitted), micros_of(span.end - submitted), span.first, span.tasks, span.outcome});
  return out;
}

}  // namespace quern::broker
