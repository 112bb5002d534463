#include "broker/core/jobs/payloads.hpp"

#include <algorithm>

namespace quern::broker {
namespace {

// Smaller batches are copied into the tail slab, because many small buffers would cost more than
// their content.
constexpr std::size_t kAdoptFrom = 64u << 10;

// Narrows the number of tasks or bytes of a slab. They fit, because a batch has at most
// kBatchTasksMax tasks and kPartBytesMax bytes.
std::uint32_t small(std::uint64_t n) { return static_cast<std::uint32_t>(n); }

}  // namespace

std::uint64_t Payloads::Slab::offset_of(std::uint64_t index) {
  if (batch.sizes.is_uniform()) return index * batch.sizes.uniform_size();
  if (index < seen_index) seen_index = seen_offset = 0;
  seen_offset += small(batch.sizes.sum(seen_index, index));
  seen_index = small(index);
  return seen_offset;
}

void Payloads::append(const wire::Batch& batch, std::uint64_t sequence) {
  const std::uint64_t count = batch.count();
  if (count == 0) return;
  const std::uint64_t weight = batch.weight();
  bytes_ += weight;
  if (batch.bytes.size() >= kAdoptFrom) {
    seal();
    slabs_.emplace(end_,
                   Slab{batch, small(count), small(count), weight, sequence, Place::memory, 0, 0});
    end_ += count;
    tail_first_ = end_;
    return;
  }
  Tail& tail = tail_.edit();
  for (wire::BatchReader reader(batch); !reader.at_end();) tail.batch.add(reader.next());
  tail.sequence = sequence;
  tail.counted += weight;
  end_ += count;
  if (tail.batch.weight() >= kAdoptFrom || tail.batch.count() >= kSlabTasksMost) seal();
}

void Payloads::put(std::uint64_t first, const wire::Batch& batch, std::uint64_t sequence) {
  const std::uint64_t count = batch.count();
  const std::uint64_t weight = batch.weight();
  bytes_ += weight;
  slabs_.emplace(first,
                 Slab{batch, small(count), small(count), weight, sequence, Place::memory, 0, 0});
  end_ = tail_first_ = std::max(end_, first + count);
}

void Payloads::append_stored(const StoredInput& row) {
  absent_ += row.weight;
  // Neighbouring small rows form one slab, as they did before the restart.
  if (!slabs_.empty()) {
    auto& [first, last] = *slabs_.rbegin();
    if (last.place == Place::store && first + last.count == row.first &&
        last.weight + row.weight <= kAdoptFrom && last.count + row.count <= kSlabTasksMost) {
      last.count += small(row.count);
      last.live += small(row.count);
      last.weight += row.weight;
      end_ = tail_first_ = row.first + row.count;
      return;
    }
  }
  slabs_.emplace(row.first,
                 Slab{{}, small(row.count), small(row.count), row.weight, 0, Place::store, 0, 0});
  end_ = tail_first_ = row.first + row.count;
}

void Payloads::skip_to(std::uint64_t task) {
  if (task > end_) end_ = tail_first_ = task;
}

void Payloads::seal() {
  const std::uint64_t count = tail_->batch.count();
  if (count == 0) return;
  Slab slab{tail_.edit().batch.take(),
            small(count),
            small(count),
            0,
            tail_->sequence,
            Place::memory,
            0,
            0};
  slab.weight = slab.batch.weight();
  bytes_ += slab.weight - tail_->counted;  // each small batch was counted with its own sizes column
  tail_.reset();
  slabs_.emplace(tail_first_, std::move(slab));
  tail_first_ += count;
}

Payloads::Slabs::iterator Payloads::slab_of(std::uint64_t task) {
  if (task >= tail_first_) seal();
  auto it = slabs_.upper_bound(task);
  if (it == slabs_.begin()) return slabs_.end();
  --it;
  return task < it->first + it->second.count ? it : slabs_.end();
}

bool Payloads::resident(std::uint64_t task) {
  if (absent_ == 0) return true;
  auto it = slab_of(task);
  return it == slabs_.end() || it->second.place == Place::memory;
}

std::optional<wire::Interval> Payloads::wanted(std::uint64_t first, std::uint64_t ahead) {
  if (absent_ == 0) return std::nullopt;
  auto it = slabs_.upper_bound(first);
  if (it != slabs_.begin()) --it;
  for (std::uint64_t seen = 0; it != slabs_.end() && seen < ahead; ++it) {
    seen += it->second.weight;
    if (it->second.place != Place::store || it->first + it->second.count <= first) continue;
    it->second.place = Place::coming;
    return wire::Interval{it->first, it->first + it->second.count};
  }
  return std::nullopt;
}

void Payloads::on_loaded(wire::Interval tasks, wire::Batch batch) {
  auto it = slabs_.find(tasks.begin);
  if (it == slabs_.end() || it->second.place != Place::coming || it->second.count != batch.count())
    return;  // dropped meanwhile
  Slab& slab = it->second;
  absent_ -= slab.weight;
  slab.batch = std::move(batch);
  slab.weight = slab.batch.weight();
  slab.place = Place::memory;
  slab.seen_index = slab.seen_offset = 0;
  slab.sequence = kFoundSequence;
  bytes_ += slab.weight;
}

void Payloads::on_load_failed(wire::Interval tasks) {
  auto it = slabs_.find(tasks.begin);
  if (it != slabs_.end() && it->second.place == Place::coming) it->second.place = Place::store;
}

std::uint64_t Payloads::evict(std::uint64_t first, std::uint64_t keep, std::uint64_t bytes,
                              std::uint64_t committed) {
  seal();
  std::uint64_t keep_to = first;
  std::uint64_t kept = 0;
  for (auto it = slabs_.lower_bound(first); it != slabs_.end() && kept < keep; ++it) {
    kept += it->second.weight;
    keep_to = it->first;
  }
  std::uint64_t freed = 0;
  for (auto it = slabs_.rbegin();
       it != slabs_.rend() && (keep == 0 || it->first > keep_to) && freed < bytes; ++it) {
    Slab& slab = it->second;
    if (slab.place != Place::memory || slab.sequence == 0 || slab.sequence > committed) continue;
    slab.batch = {};
    slab.place = Place::store;
    bytes_ -= slab.weight;
    absent_ += slab.weight;
    freed += slab.weight;
  }
  return freed;
}

std::uint64_t Payloads::fitting(std::uint64_t first, std::uint64_t count, std::uint64_t bytes_max) {
  auto it = slab_of(first);
  Slab& slab = it->second;
  const std::uint64_t at = first - it->first;
  // A lease stays within one slab, so that its batch is a slice. The rest goes into the next lease
  // a moment later.
  count = std::min(count, slab.count - at);
  if (slab.batch.sizes.is_uniform()) {
    const std::uint64_t each = std::max<std::uint64_t>(1, slab.batch.sizes.uniform_size());
    return std::clamp<std::uint64_t>(bytes_max / each, 1, count);
  }
  std::uint64_t sum = 0;
  for (std::uint64_t n = 0; n < count; ++n) {
    sum += slab.batch.sizes.at(at + n) + 4;
    if (sum > bytes_max) return std::max<std::uint64_t>(1, n);
  }
  return count;
}

std::uint64_t Payloads::bytes_of(wire::Interval tasks) {
  auto it = slab_of(tasks.begin);
  const std::uint64_t from = it->second.offset_of(tasks.begin - it->first);
  return it->second.offset_of(tasks.end - it->first) - from;
}

wire::Batch Payloads::gather(const wire::Intervals& tasks) {
  if (tasks.size() == 1) {
    auto it = slab_of(tasks[0].begin);
    Slab& slab = it->second;
    const std::uint64_t begin = tasks[0].begin - it->first;
    const std::uint64_t end = tasks[0].end - it->first;
    if (end <= slab.batch.count()) {
      const std::uint64_t from = slab.offset_of(begin);
      const std::uint64_t to = slab.offset_of(end);
      return {slab.batch.sizes.slice(begin, end), slab.batch.bytes.slice(from, to - from)};
    }
  }
  wire::BatchBuilder builder;
  for (const auto& interval : tasks) {
    for (std::uint64_t at = interval.begin; at < interval.end;) {
      auto it = slab_of(at);
      Slab& slab = it->second;
      const std::uint64_t last = std::min(interval.end, it->first + slab.batch.count());
      std::uint64_t offset = slab.offset_of(at - it->first);
      for (; at < last; ++at) {
        const std::uint32_t n = slab.batch.sizes.at(at - it->first);
        builder.add(slab.batch.bytes.view().substr(offset, n));
        offset += n;
      }
    }
  }
  return builder.take();
}

void Payloads::drop(Slabs::iterator slab, wire::Intervals& dropped) {
  std::uint64_t& counted = slab->second.place == Place::memory ? bytes_ : absent_;
  counted -= std::min(counted, slab->second.weight);
  dropped.push_back({slab->first, slab->first + slab->second.count});
  slabs_.erase(slab);
}

void Payloads::release(wire::Interval tasks, wire::Intervals& dropped) {
  while (!tasks.empty()) {
    auto it = slab_of(tasks.begin);
    if (it == slabs_.end()) {  // dropped earlier
      auto next = slabs_.lower_bound(tasks.begin);
      tasks.begin = next == slabs_.end() ? tasks.end : std::min(tasks.end, next->first);
      continue;
    }
    const std::uint64_t end = std::min(tasks.end, it->first + it->second.count);
    it->second.live -= small(end - tasks.begin);
    if (it->second.live == 0) drop(it, dropped);
    tasks.begin = end;
  }
}

void Payloads::keep_only(const wire::IntervalSet& wanted, wire::Intervals& dropped) {
  seal();
  for (auto it = slabs_.begin(); it != slabs_.end();) {
    const auto at = it++;
    if (wanted.intersect({at->first, at->first + at->second.count}).empty()) drop(at, dropped);
  }
}

void Payloads::clear() {
  slabs_.clear();
  tail_.reset();
  tail_first_ = end_;
  bytes_ = absent_ = 0;
}

}  // namespace quern::broker
