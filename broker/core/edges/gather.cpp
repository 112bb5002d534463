#include "broker/core/edges/gather.hpp"

#include <algorithm>

namespace quern::broker {
namespace {

constexpr Gather::Source kOnly = wire::TaskGraph::kEdges;

}  // namespace

Gather::Gather(wire::TaskGraph graph, std::size_t lists) : graph_(std::move(graph)) {
  sources_.resize(wire::TaskGraph::kEdges + lists);
  std::uint64_t offset = 0;
  for (const std::uint32_t size : graph_->value_sizes) {
    value_offsets_.push_back(static_cast<std::uint32_t>(offset));
    offset += size;
  }
  index_links();
}

void Gather::reset() {
  for (FromJob& source : sources_) source = {};
  total_ = 0;
  closed_ = false;
  missing_.clear();
  stopped_.clear();
  ready_.clear();
  late_.clear();
  if (graph_) index_links();
}

void Gather::index_links() {
  sources_[wire::TaskGraph::kSelf].held.resize(graph_->tasks());
  // Of other jobs, only the results up to the last one that is needed.
  for (std::size_t link = 0; link < graph_->indices.size(); ++link)
    if (graph_->source(link) >= wire::TaskGraph::kEdges) {
      auto& held = sources_[graph_->source(link)].held;
      held.resize(std::max<std::size_t>(held.size(), std::size_t{graph_->indices[link]} + 1));
    }
  std::uint64_t rows = 0;
  for (FromJob& source : sources_) {
    source.rows = rows;
    rows += source.held.size();
  }
  // The reverse columns: how many tasks need each result, where its list begins, and the list.
  reverse_offsets_.assign(rows + 1, 0);
  missing_.assign(graph_->tasks(), 0);
  stopped_.assign(graph_->tasks(), false);
  for (std::uint64_t task = 0; task < graph_->tasks(); ++task)
    each_input(task, [&](Source source, std::uint64_t index) {
      if (source == wire::TaskGraph::kValues) return;
      ++reverse_offsets_[sources_[source].rows + index + 1];
      ++sources_[source].held[index].left;
      ++missing_[task];
    });
  for (std::uint64_t row = 0; row < rows; ++row) reverse_offsets_[row + 1] += reverse_offsets_[row];
  reverse_.resize(reverse_offsets_.back());
  std::vector<std::uint32_t> next(reverse_offsets_.begin(), reverse_offsets_.end() - 1);
  for (std::uint64_t task = 0; task < graph_->tasks(); ++task) {
    each_input(task, [&](Source source, std::uint64_t index) {
      if (source != wire::TaskGraph::kValues)
        reverse_[next[sources_[source].rows + index]++] = static_cast<std::uint32_t>(task);
    });
    if (missing_[task] == 0) ready_.push_back(task);
  }
}

wire::Interval Gather::inputs_of_group(std::uint64_t task) const {
  if (width_ == 0) return {0, total_};
  const std::uint64_t begin = std::min(total_, task * step_);
  return {begin, begin + std::min(width_, total_ - begin)};
}

template <typename F>
void Gather::each_input(std::uint64_t task, F&& seen) const {
  if (graph_) {
    for (std::size_t link = graph_->offsets[task]; link < graph_->offsets[task + 1]; ++link)
      seen(graph_->source(link), std::uint64_t{graph_->indices[link]});
    return;
  }
  const wire::Interval inputs = inputs_of_group(task);
  for (std::uint64_t index = inputs.begin; index < inputs.end; ++index) seen(kOnly, index);
}

template <typename F>
void Gather::each_consumer(Source source, std::uint64_t index, F&& seen) const {
  if (graph_) {
    const std::uint64_t row = sources_[source].rows + index;
    for (std::uint32_t at = reverse_offsets_[row]; at < reverse_offsets_[row + 1]; ++at)
      seen(std::uint64_t{reverse_[at]});
    return;
  }
  if (width_ == 0) {
    if (tasks() > 0) seen(std::uint64_t{0});
    return;
  }
  // Task i needs [i * step, i * step + width).
  const std::uint64_t last = index / step_;
  const std::uint64_t first = index < width_ ? 0 : (index - width_) / step_ + 1;
  for (std::uint64_t task = first; task <= last && task < tasks(); ++task) seen(task);
}

void Gather::add_task() {
  const std::uint64_t task = missing_.size();
  missing_.push_back(0);
  stopped_.push_back(false);
  each_input(task, [&](Source source, std::uint64_t index) {
    Held& held = sources_[source].held[index];
    ++held.left;
    if (held.entry == kMissing || held.entry == kFailed) ++missing_[task];
    if (held.entry != kFailed || stopped_[task]) return;
    stopped_[task] = true;
    late_.push_back({task, {source, index}});
  });
  if (missing_[task] == 0) ready_.push_back(task);
}

std::uint64_t Gather::grow(std::uint64_t total, bool closed) {
  if (graph_) return tasks();
  total_ = std::max(total_, total);
  closed_ = closed;
  sources_[kOnly].held.resize(total_);
  if (width_ == 0) {
    if (closed && tasks() == 0) add_task();
    return tasks();
  }
  // The last groups may be shorter, which is known only when no more results come.
  const auto is_known = [&](std::uint64_t task) {
    if (task * step_ >= total_) return false;
    if (task * step_ + width_ <= total_) return true;
    // A shorter group brings something new, or it is the only one.
    return closed && (task == 0 || (task - 1) * step_ + width_ < total_);
  };
  while (is_known(tasks())) add_task();
  return tasks();
}

void Gather::arrived(Source source, std::uint64_t index) {
  each_consumer(source, index, [&](std::uint64_t task) {
    if (--missing_[task] == 0 && !stopped_[task]) ready_.push_back(task);
  });
}

void Gather::deliver(Source source, std::uint64_t index, const ResultPlace& place) {
  FromJob& from = sources_[source];
  if (index >= from.held.size()) return;
  Held& held = from.held[index];
  if (held.entry != kMissing) return;
  if (!from.begun) {
    from.begun = true;
    from.base = from.first_entry = place.entry;
  }
  while (from.first_entry + from.live.size() <= place.entry) from.live.push_back(0);
  held.entry = static_cast<std::uint32_t>(place.entry - from.base);
  held.offset = place.offset;
  held.size = place.size;
  // Of a group, who needs the result may become known only later.
  const bool in_gap = width_ > 0 && index % step_ >= width_;
  if (held.left > 0 || (!graph_ && !in_gap))
    ++from.live[place.entry - from.first_entry];
  else
    held.entry = kGone;
  arrived(source, index);
}

void Gather::deliver(Source source, std::uint64_t index, wire::Buffer made) {
  FromJob& from = sources_[source];
  if (index >= from.held.size()) return;
  Held& held = from.held[index];
  if (held.entry != kMissing) return;
  held.entry = kMade;
  from.made[index] = std::move(made);
  arrived(source, index);
}

std::vector<std::uint64_t> Gather::fail(Source source, std::uint64_t index) {
  std::vector<std::uint64_t> stopped;
  FromJob& from = sources_[source];
  if (index >= from.held.size() || from.held[index].entry != kMissing) return stopped;
  from.held[index].entry = kFailed;
  each_consumer(source, index, [&](std::uint64_t task) {
    if (stopped_[task]) return;
    stopped_[task] = true;
    stopped.push_back(task);
  });
  return stopped;
}

std::vector<std::uint64_t> Gather::revive(Source source, wire::Interval results) {
  FromJob& from = sources_[source];
  std::vector<std::uint64_t> again;
  results.end = std::min(results.end, from.held.size());
  for (std::uint64_t index = results.begin; index < results.end; ++index) {
    if (from.held[index].entry != kFailed) continue;
    from.held[index].entry = kMissing;
    each_consumer(source, index, [&](std::uint64_t task) {
      bool stopped = false;
      each_input(task, [&](Source other, std::uint64_t i) {
        if (other != wire::TaskGraph::kValues)
          stopped = stopped || sources_[other].held[i].entry == kFailed;
      });
      if (stopped || !stopped_[task]) return;
      stopped_[task] = false;
      again.push_back(task);
    });
  }
  return again;
}

std::vector<std::uint64_t> Gather::take_ready() {
  std::vector<std::uint64_t> ready;
  ready.swap(ready_);
  std::sort(ready.begin(), ready.end());
  return ready;
}

std::vector<Gather::Input> Gather::inputs(std::uint64_t task) const {
  std::vector<Input> out;
  each_input(task, [&](Source source, std::uint64_t index) {
    Input& input = out.emplace_back();
    input.source = source;
    if (source == wire::TaskGraph::kValues) {
      input.value = true;
      input.bytes = graph_->values.view().substr(value_offsets_[index], graph_->value_sizes[index]);
      return;
    }
    const FromJob& from = sources_[source];
    const Held& held = from.held[index];
    if (held.entry == kMade)
      input.made = &from.made.at(index);
    else
      input.place = {from.base + held.entry, held.offset, held.size};
  });
  return out;
}

void Gather::release(std::uint64_t task) {
  each_input(task, [&](Source source, std::uint64_t index) {
    if (source == wire::TaskGraph::kValues) return;
    FromJob& from = sources_[source];
    Held& held = from.held[index];
    if (--held.left > 0) return;
    const bool later = !graph_ && !closed_ && width_ > step_ && index / step_ >= tasks();
    if (later) return;  // groups that are not known yet need it too
    if (held.entry == kMade)
      from.made.erase(index);
    else
      --from.live[from.base + held.entry - from.first_entry];
    held.entry = kGone;
  });
}

std::uint64_t Gather::needs_from(Source source, std::uint64_t cursor) {
  FromJob& from = sources_[source];
  while (!from.live.empty() && from.live.front() == 0) {
    from.live.pop_front();
    ++from.first_entry;
  }
  return from.begun && !from.live.empty() ? std::min(cursor, from.first_entry) : cursor;
}

std::optional<Gather::Result> Gather::missing(std::uint64_t task) const {
  std::optional<Result> found;
  if (task >= tasks()) return found;
  each_input(task, [&](Source source, std::uint64_t index) {
    if (found || source == wire::TaskGraph::kValues) return;
    if (sources_[source].held[index].entry == kMissing) found = Result{source, index};
  });
  return found;
}

bool Gather::waits_for(Source source, std::uint64_t index) const {
  const FromJob& from = sources_[source];
  return index < from.held.size() && from.held[index].entry == kMissing;
}

std::uint64_t Gather::bytes() const {
  std::uint64_t bytes = 4 * (missing_.size() + reverse_.size() + reverse_offsets_.size());
  for (const FromJob& from : sources_) bytes += sizeof(Held) * from.held.size();
  if (graph_)
    bytes += 4 * (graph_->offsets.size() + graph_->indices.size() + graph_->value_sizes.size()) +
             2 * graph_->sources.size() + graph_->values.size();
  return bytes;
}

}  // namespace quern::broker
