#include "client/result_shelf.hpp"

#include <algorithm>

namespace quern::client {
namespace {

std::uint64_t weight_of(const wire::Results& results) {
  std::uint64_t weight = results.batch.weight();
  for (const auto& error : results.errors) weight += error.text.size();
  return weight;
}

/// A fragment per failed task that had written something. A payload without its error (the task was
/// retried) is ignored.
void add_written(const wire::Results& results,
                 const std::map<std::uint64_t, const TaskError*>& errors, std::uint64_t position,
                 std::size_t offset, std::vector<Fragment>& out) {
  for (const auto& tasks : results.written) {
    for (std::uint64_t task = tasks.begin; task < tasks.end; ++task, ++position) {
      const auto after = errors.upper_bound(task);
      const TaskError* error = after == errors.begin() ? nullptr : std::prev(after)->second;
      if (error && task - error->first < error->count)
        out.push_back({task, 1, position, offset, error, true});
      offset += results.batch.sizes.at(position);
    }
  }
}

std::vector<Fragment> fragments_of(const wire::Results& results) {
  std::vector<Fragment> out;
  out.reserve(results.tasks.size() + results.errors.size());
  std::uint64_t position = 0;
  std::size_t offset = 0;
  for (const auto& tasks : results.tasks) {
    out.push_back({tasks.begin, tasks.size(), position, offset, nullptr, true});
    offset += static_cast<std::size_t>(results.batch.sizes.sum(position, position + tasks.size()));
    position += tasks.size();
  }
  if (results.written.empty()) {
    for (const auto& error : results.errors)
      out.push_back({error.first, error.count, 0, 0, &error, false});
    return out;
  }
  std::map<std::uint64_t, const TaskError*> errors;
  for (const auto& error : results.errors) errors.emplace(error.first, &error);
  add_written(results, errors, position, offset, out);
  // The remaining part of each error has no bytes.
  for (const auto& error : results.errors) {
    const wire::Interval all{error.first, error.first + error.count};
    for (const auto& part : wire::IntervalSet(results.written).missing(all))
      out.push_back({part.begin, part.size(), 0, 0, &error, false});
  }
  return out;
}

}  // namespace

void ResultShelf::add(wire::Results results) {
  const std::uint64_t seq = received();
  Entry entry;
  entry.weight = weight_of(results);
  entry.results = std::make_shared<const wire::Results>(std::move(results));
  entry.fragments = fragments_of(*entry.results);
  for (std::size_t i = 0; i < entry.fragments.size(); ++i)
    by_task_.insert({entry.fragments[i].begin, {seq, i}});
  weight_received_ += entry.weight;
  const bool nothing = entry.fragments.empty();
  entries_.push_back(std::move(entry));
  if (nothing) on_taken(seq);
}

// Entries whose fragments have all been handed out (count 0) are consumed; the consumed prefix is
// released.
void ResultShelf::on_taken(std::uint64_t seq) {
  Entry& taken = entry(seq);
  for (const auto& fragment : taken.fragments) {
    if (fragment.count != 0) return;
  }
  if (open_ && open_->place.seq == seq) return;
  taken.results.reset();
  taken.fragments.clear();
  while (!entries_.empty() && !entries_.front().results) {
    weight_consumed_ += entries_.front().weight;
    entries_.pop_front();
    ++base_;
  }
  oldest_ = std::max(oldest_, base_);
}

void ResultShelf::open(Place place) {
  Fragment& fragment = entry(place.seq).fragments[place.fragment];
  open_ = Open{fragment, place, entry(place.seq).results};
  unlist(place);
  fragment.count = 0;
}

// A defective broker may send a task twice; only one of the two is listed by index, but both can be
// read in completion order.
void ResultShelf::unlist(Place place) {
  const auto at = by_task_.find(entry(place.seq).fragments[place.fragment].begin);
  if (at != by_task_.end() && at->second == place) by_task_.erase(at);
}

void ResultShelf::put_back() {
  if (!open_) return;
  entry(open_->place.seq).fragments[open_->place.fragment] = open_->fragment;
  by_task_.insert({open_->fragment.begin, open_->place});
  open_.reset();
}

void ResultShelf::close_open() {
  const std::uint64_t seq = open_->place.seq;
  open_.reset();
  on_taken(seq);
}

TaskResult ResultShelf::take_from_open() {
  untouched_ = false;
  Fragment& at = open_->fragment;
  TaskResult result;
  result.index = at.begin;
  result.encoding = open_->results->encoding;
  if (at.error) {
    result.ok = false;
    result.code = at.error->code;
    result.text = at.error->text;
  }
  if (at.has_bytes) {
    const std::size_t size = open_->results->batch.sizes.at(at.position);
    result.bytes.assign(open_->results->batch.bytes.data() + at.offset, size);
    at.offset += size;
    ++at.position;
  }
  ++at.begin;
  if (--at.count == 0) close_open();
  return result;
}

std::optional<TaskResult> ResultShelf::next_in_order() {
  if (!open_ || open_->fragment.begin != next_task_) {
    put_back();
    auto first = by_task_.begin();
    // Tasks that were read in completion order leave gaps, which can be distinguished from missing
    // tasks only at the end.
    if (first == by_task_.end()) return std::nullopt;
    if (first->first > next_task_ && !complete_) return std::nullopt;
    open(first->second);
  }
  TaskResult result = take_from_open();
  next_task_ = result.index + 1;
  return result;
}

std::optional<TaskResult> ResultShelf::next_completed() {
  if (!open_) {
    for (oldest_ = std::max(oldest_, base_); oldest_ < received(); ++oldest_) {
      const auto& fragments = entry(oldest_).fragments;
      const auto left = std::find_if(fragments.begin(), fragments.end(),
                                     [](const Fragment& f) { return f.count != 0; });
      if (left == fragments.end()) continue;
      open({oldest_, static_cast<std::size_t>(left - fragments.begin())});
      break;
    }
    if (!open_) return std::nullopt;
  }
  if (open_->fragment.begin == next_task_) ++next_task_;
  return take_from_open();
}

std::optional<Portion> ResultShelf::next_portion() {
  put_back();
  for (oldest_ = std::max(oldest_, base_); oldest_ < received(); ++oldest_) {
    Entry& from = entry(oldest_);
    Portion portion{from.results, {}};
    for (std::size_t i = 0; i < from.fragments.size(); ++i) {
      if (from.fragments[i].count == 0) continue;
      portion.fragments.push_back(from.fragments[i]);
      unlist({oldest_, i});
      from.fragments[i].count = 0;
    }
    if (portion.fragments.empty()) continue;
    untouched_ = false;
    on_taken(oldest_);
    return portion;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> ResultShelf::ack_due(Reader reader) {
  const bool take_all = reader == Reader::waits;
  const std::uint64_t to = take_all ? received() : base_;
  const std::uint64_t weight = take_all ? weight_received_ : weight_consumed_;
  const std::uint64_t due = reader == Reader::reads ? window_ / 2 : window_ / 8;
  const bool all_read = complete_ && entries_.empty();
  if (to <= acked_ || (!all_read && weight < weight_acked_ + due)) return std::nullopt;
  acked_ = to;
  weight_acked_ = weight;
  return to;
}

}  // namespace quern::client
