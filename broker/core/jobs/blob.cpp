#include "broker/core/jobs/blob.hpp"

#include <algorithm>

#include "broker/core/jobs/job.hpp"
#include "wire/blob.hpp"

namespace quern::broker {

bool Blob::is_function(std::string_view function) { return function == wire::kBlobFunction; }

bool Blob::is_key(std::string_view key, bool memory) {
  constexpr std::size_t kBeforeName = wire::kBlobFunction.size() + 1;  // and a slash
  if (key.size() < kBeforeName) return false;
  const std::string_view name = key.substr(kBeforeName, wire::kBlobNameBytes);
  return wire::is_blob_name(name) && key == wire::blob_key(name, memory);
}

bool Blob::can_begin_with(const wire::Batch& chunks) {
  const std::uint64_t count = chunks.count();
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint32_t size = chunks.sizes.at(i);
    const bool last = i + 1 == count;
    if (last ? size == 0 || size > wire::kBlobChunk : size != wire::kBlobChunk) return false;
  }
  return true;
}

bool Blob::may_follow(const wire::Batch& chunks) const {
  return chunks.count() == 0 || (!last_chunk_ && can_begin_with(chunks));
}

void Blob::take(const wire::Batch& chunks) {
  last_chunk_ = chunks.sizes.at(chunks.count() - 1) < wire::kBlobChunk;
}

void Blob::recover(const StoredInput& chunks) {
  last_chunk_ = chunks.weight < chunks.count * wire::kBlobChunk;
}

bool Blob::is_complete() const { return job_.phase.state == JobState::done; }

Ending Blob::ending() const {
  // A file that lacks a chunk is useless.
  if (!job_.tasks.ended.empty()) return {JobState::cancelled, ErrorCode::cancelled, "cancelled"};
  return {};
}

void Blob::hold(wire::Time now) {
  ++holders_;
  want(now);
}

void Blob::release(wire::Time now) {
  --holders_;
  want(now);
}

bool Blob::is_unused(wire::Time now, wire::Duration time) const {
  return holders_ == 0 && now - wanted_ >= time;
}

std::uint64_t Blob::size() const { return job_.intake.payloads.queued_bytes(); }

std::uint64_t Blob::charged_bytes(std::uint64_t held) const {
  // A complete blob is kept only while there is room, so it does not count against a quota.
  return job_.final() ? 0 : held;
}

std::uint64_t Blob::memory_room(std::uint64_t limit) const {
  // What is in the store too can leave memory. Otherwise one file may take half of the memory.
  if (job_.durable()) return limit;
  return limit / 2 - std::min(limit / 2, job_.intake.payloads.bytes());
}

}  // namespace quern::broker
