// The input of a job: one whole input, the integers of a range, or items pulled from a source as room allows.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "quern/bytes.hpp"

namespace quern {

/// One input that is not split: a job of one task.
struct Whole {
  Bytes bytes;
  Encoding encoding = Encoding::raw;
};

/// The integers begin, begin + 1, ..., end - 1. Costs nothing to send, however long.
struct Range {
  std::int64_t begin = 0;
  std::int64_t end = 0;

  std::uint64_t size() const { return static_cast<std::uint64_t>(end) - static_cast<std::uint64_t>(begin); }
  bool operator==(const Range&) const = default;
};

/// A list of items, pulled one by one: it may be larger than memory, or endless. `next` is called by one thread of the SDK
/// at a time, in order, until it returns false; an exception it throws cancels the job and is rethrown by its handle.
struct Items {
  std::function<bool(Bytes& item)> next;
  Encoding encoding = Encoding::raw;

  /// Items from any container of byte strings.
  template <typename Container>
  static Items of(Container container, Encoding encoding = Encoding::raw) {
    auto held = std::make_shared<Container>(std::move(container));
    return {[held, it = held->begin()](Bytes& item) mutable {
              if (it == held->end()) return false;
              item.assign(*it);
              ++it;
              return true;
            },
            encoding};
  }
};

/// The lines of files, one item each, without the newline; streamed. Throws std::system_error at once when a file cannot be
/// opened. A file name of "-" is standard input.
Items lines_of(std::vector<std::string> files);

/// The text of files in blocks of about `block` bytes that end at a newline (or at white space, or at the end), one item each.
/// For functions that take text in any portions (wordcount).
Items blocks_of(std::vector<std::string> files, std::size_t block = 64u << 10);

using Input = std::variant<Whole, Range, Items>;

}  // namespace quern
