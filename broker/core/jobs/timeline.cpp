#include "broker/core/jobs/timeline.hpp"

#include <algorithm>

namespace quern::broker {
namespace {

using std::chrono::microseconds;

constexpr std::chrono::hours kForEver{1000};
// The number of spans kept for an ended job, and the size of one in a message, without the worker's
// name.
constexpr std::size_t kSpansKept = 256;
constexpr std::size_t kSpanBytes = 100;

std::uint64_t micros_of(wire::Duration d) {
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, std::chrono::duration_cast<microseconds>(d).count()));
}

}  // namespace

std::uint32_t Timeline::lane_of(std::vector<wire::Time>& lanes, std::uint32_t slots,
                                wire::Time& begin, wire::Time end) {
  if (lanes.size() < std::max(1u, slots)) lanes.resize(std::max(1u, slots));
  // A lane that is free at the start. If there is none, the lease was queued, and ran in the lane
  // that was free first.
  auto lane =
      std::find_if(lanes.begin(), lanes.end(), [&](wire::Time free) { return free <= begin; });
  if (lane == lanes.end()) lane = std::min_element(lanes.begin(), lanes.end());
  begin = std::min(end, std::max(begin, *lane));
  *lane = std::max(*lane, end);
  return static_cast<std::uint32_t>(lane - lanes.begin());
}

void Timeline::add(const std::string& worker, std::uint32_t slots, wire::Time begin, wire::Time end,
                   std::uint64_t first, std::uint64_t tasks, const char* outcome) {
  if (drawn_->full) return;
  Drawn& drawn = drawn_.edit();
  const auto [it, fresh] =
      drawn.numbers.try_emplace(worker, static_cast<std::uint32_t>(drawn.workers.size()));
  if (fresh) {
    drawn.workers.push_back(worker);
    drawn.lanes.emplace_back();
  }
  const std::uint32_t lane = lane_of(drawn.lanes[it->second], slots, begin, end);
  drawn.spans.push_back({it->second, lane, begin, end, first, tasks, outcome});
  if (drawn.spans.size() < kSpansMost) return;
  // Coarsening to half the size means that it is not needed for every lease.
  while (drawn.spans.size() > kSpansMost / 2 && drawn.joined < kForEver) coarsen(drawn);
  drawn.full = drawn.spans.size() > kSpansMost / 2;
}

void Timeline::coarsen(Drawn& drawn) {
  std::vector<Span>& spans = drawn.spans;
  // The gaps that are closed double in length until enough neighbours have been joined.
  drawn.joined = std::max<wire::Duration>(std::chrono::milliseconds(1), 2 * drawn.joined);
  std::stable_sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) {
    return std::pair(a.worker, a.lane) < std::pair(b.worker, b.lane);
  });
  std::size_t kept = 0;
  for (std::size_t i = 1; i < spans.size(); ++i) {
    Span& last = spans[kept];
    const Span& next = spans[i];
    if (next.worker == last.worker && next.lane == last.lane && next.outcome == last.outcome &&
        next.begin - last.end <= drawn.joined) {
      last.end = std::max(last.end, next.end);
      last.first = std::min(last.first, next.first);
      last.tasks += next.tasks;
    } else {
      spans[++kept] = next;
    }
  }
  spans.resize(kept + 1);
}

void Timeline::finish() {
  if (drawn_->spans.empty()) return drawn_.reset();
  Drawn& drawn = drawn_.edit();
  while (drawn.spans.size() > kSpansKept && drawn.joined < kForEver) coarsen(drawn);
  drawn.spans.resize(std::min(drawn.spans.size(), kSpansMost / 2));
  drawn.spans.shrink_to_fit();
  drawn.lanes = {};
  drawn.numbers = {};
  drawn.full = true;
}

void Timeline::fit(std::size_t bytes) {
  if (drawn_->spans.empty()) return;
  Drawn& drawn = drawn_.edit();
  std::size_t longest = 0;
  for (const auto& worker : drawn.workers) longest = std::max(longest, worker.size());
  const std::size_t most = bytes / (kSpanBytes + longest);
  while (drawn.spans.size() > most && drawn.joined < kForEver) coarsen(drawn);
  if (drawn.spans.size() > most) drawn.spans.resize(most);
}

std::vector<LeaseSpan> Timeline::spans(wire::Time submitted) const {
  std::vector<LeaseSpan> out;
  for (const Span& span : drawn_->spans)
    out.push_back({drawn_->workers[span.worker], span.lane, micros_of(span.begin - submitted),
                   micros_of(span.end - submitted), span.first, span.tasks, span.outcome});
  return out;
}

}  // namespace quern::broker
