// Tables of counts as canonical bytes: one msgpack map from string to unsigned integer, keys in
// ascending order of their bytes, every length and number in its shortest form. Equal tables have
// equal bytes, however they were computed.
#pragma once

#include <cstdint>

#include "quern/bytes.hpp"

namespace quern::functions {

/// Builds a table from keys in ascending order, each once.
class CountsWriter {
 public:
  void add(BytesView key, std::uint64_t count);
  Bytes take();

 private:
  Bytes body_;
  std::uint64_t entries_ = 0;
};

/// Reads a table entry by entry. Throws std::invalid_argument when the bytes are not a table in
/// canonical order.
class CountsReader {
 public:
  explicit CountsReader(BytesView table);
  /// False at the end. key() and count() are then the entry's.
  bool next();
  BytesView key() const { return key_; }
  std::uint64_t count() const { return count_; }

 private:
  unsigned char tag();
  std::uint64_t big_endian(int bytes);

  BytesView rest_;
  std::uint64_t left_ = 0;
  bool begun_ = false;
  BytesView key_;
  std::uint64_t count_ = 0;
};

/// The sum of both tables. Linear; associative and commutative; an empty table is neutral.
Bytes merge_counts(BytesView left, BytesView right);

}  // namespace quern::functions
