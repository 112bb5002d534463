// An immutable slice of shared bytes. Copying one copies a pointer: payloads pass through the
// broker as slices of the memory they arrived in. Any thread may hold one; the bytes it
// refers to never change.
#pragma once

#include <cstring>
#include <memory>

#include "quern/bytes.hpp"

namespace quern::wire {

class Buffer {
 public:
  Buffer() = default;

  /// A slice of memory that `owner` keeps alive.
  Buffer(std::shared_ptr<const void> owner, BytesView view)
      : owner_(std::move(owner)), view_(view) {}

  static Buffer copy(BytesView bytes) { return adopt(Bytes(bytes)); }

  static Buffer adopt(Bytes&& bytes) {
    if (bytes.empty()) return {};
    auto owner = std::make_shared<const Bytes>(std::move(bytes));
    BytesView view = *owner;
    return Buffer(std::move(owner), view);
  }

  BytesView view() const { return view_; }
  const char* data() const { return view_.data(); }
  std::size_t size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }
  const std::shared_ptr<const void>& owner() const { return owner_; }

  /// Bytes [offset, offset + length) of this slice, with the same owner. The caller must check the
  /// bounds.
  Buffer slice(std::size_t offset, std::size_t length) const {
    return Buffer(owner_, view_.substr(offset, length));
  }

  bool operator==(const Buffer& other) const { return view_ == other.view_; }

 private:
  std::shared_ptr<const void> owner_;
  BytesView view_;
};

}  // namespace quern::wire
