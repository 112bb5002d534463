#include "broker/core/payloads.hpp"

#include <algorithm>

namespace quern::broker {
namespace {

// Below this a batch is copied into the tail slab: many small buffers would cost more than their content.
constexpr std::size_t kAdoptFrom = 64u << 10;

}  // namespace

std::uint64_t Payloads::Slab::offset_of(std::uint64_t index) {
  if (batch.sizes.is_uniform()) return index * batch.sizes.uniform_size();
  if (index < seen_index) seen_index = seen_offset = 0;
  seen_offset += batch.sizes.sum(seen_index, index);
  seen_index = index;
  return seen_offset;
}

void Payloads::append(const wire::Batch& batch) {
  const std::uint64_t count = batch.count();
  if (count == 0) return;
  bytes_ += batch.weight();
  if (batch.bytes.size() >= kAdoptFrom) {
    seal();
    slabs_.emplace(end_, Slab{batch, count, 0, 0});
    tail_first_ = end_ + count;
  } else {
    for (wire::BatchReader reader(batch); !reader.at_end();) tail_.add(reader.next());
    if (tail_.weight() >= kAdoptFrom) {
      end_ += count;
      seal();
      return;
    }
  }
  end_ += count;
}

void Payloads::seal() {
  if (tail_.empty()) return;
  const std::uint64_t count = tail_.count();
  slabs_.emplace(tail_first_, Slab{tail_.take(), count, 0, 0});
  tail_first_ += count;
}

std::map<std::uint64_t, Payloads::Slab>::iterator Payloads::slab_of(std::uint64_t task) {
  if (task >= tail_first_) seal();
  return std::prev(slabs_.upper_bound(task));
}

std::uint64_t Payloads::fitting(std::uint64_t first, std::uint64_t count, std::uint64_t bytes_max) {
  auto it = slab_of(first);
  Slab& slab = it->second;
  const std::uint64_t at = first - it->first;
  // A lease stays inside one slab, so that it is a slice; it is carved again a moment later for the rest.
  count = std::min(count, slab.batch.count() - at);
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

void Payloads::release(wire::Interval tasks) {
  while (!tasks.empty()) {
    auto it = slab_of(tasks.begin);
    const std::uint64_t end = std::min(tasks.end, it->first + it->second.batch.count());
    it->second.live -= end - tasks.begin;
    if (it->second.live == 0) {
      bytes_ -= std::min(bytes_, it->second.batch.weight());
      slabs_.erase(it);
    }
    tasks.begin = end;
  }
  if (slabs_.empty() && tail_.empty()) bytes_ = 0;
}

void Payloads::clear() {
  slabs_.clear();
  tail_ = {};
  tail_first_ = end_;
  bytes_ = 0;
}

}  // namespace quern::broker
