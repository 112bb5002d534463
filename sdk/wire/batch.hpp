// A columnar batch: the payloads (or results) of consecutive tasks as sizes and bytes. Format:
// PROTOCOL.md, "Batches".
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "wire/buffer.hpp"

namespace quern::wire {

/// The sizes of n payloads: u32 little endian each, or one u32 if all are equal. Stored exactly as
/// sent.
class Sizes {
 public:
  Sizes() = default;
  /// n payloads of the same size.
  static Sizes uniform(std::uint64_t count, std::uint32_t each);
  /// Adopts the column as received; nullopt if its length matches neither form.
  static std::optional<Sizes> from_column(std::uint64_t count, Buffer column);

  std::uint64_t count() const { return count_; }
  bool is_uniform() const { return column_.empty(); }
  std::uint32_t at(std::uint64_t i) const;
  /// Bytes of payloads [begin, end). One multiplication if uniform; otherwise a pass over the
  /// column.
  std::uint64_t sum(std::uint64_t begin, std::uint64_t end) const;
  std::uint64_t total() const { return sum(0, count_); }
  Sizes slice(std::uint64_t begin, std::uint64_t end) const;
  /// The part to send; 4 bytes if uniform.
  Buffer column() const;
  std::uint32_t uniform_size() const { return each_; }

  bool operator==(const Sizes& o) const;

 private:
  std::uint64_t count_ = 0;
  std::uint32_t each_ = 0;
  Buffer column_;  // empty if uniform
};

struct Batch {
  Sizes sizes;
  Buffer bytes;  ///< back to back, sizes.total() bytes

  std::uint64_t count() const { return sizes.count(); }
  std::uint64_t weight() const {
    return bytes.size() + (sizes.is_uniform() ? 4 : 4 * sizes.count());
  }
  bool operator==(const Batch&) const = default;
};

/// Walks the payloads of a batch in order without allocating.
class BatchReader {
 public:
  explicit BatchReader(const Batch& batch) : batch_(&batch) {}
  bool at_end() const { return index_ == batch_->count(); }
  BytesView next() {
    const std::uint32_t n = batch_->sizes.at(index_++);
    BytesView out = batch_->bytes.view().substr(offset_, n);
    offset_ += n;
    return out;
  }

 private:
  const Batch* batch_;
  std::uint64_t index_ = 0;
  std::size_t offset_ = 0;
};

/// Builds a batch payload by payload; detects whether all sizes are equal.
class BatchBuilder {
 public:
  void add(BytesView payload);
  /// For results written directly into bytes(): call once per payload after appending `n` bytes.
  Bytes& bytes() { return bytes_; }
  void close_payload(std::uint32_t n);
  std::uint64_t count() const { return count_; }
  std::uint64_t weight() const { return bytes_.size() + sizes_.size(); }
  bool empty() const { return count_ == 0; }
  /// Returns the batch and begins a new one.
  Batch take();

 private:
  Bytes bytes_;
  Bytes sizes_;  // u32 LE column, filled only when two sizes differ
  std::uint64_t count_ = 0;
  std::uint32_t each_ = 0;
};

}  // namespace quern::wire
