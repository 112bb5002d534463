// The input of a job: one whole input, the integers of a range, or items pulled from a source as
// room allows.
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

  std::uint64_t size() const {
    return static_cast<std::uint64_t>(end) - static_cast<std::uint64_t>(begin);
  }
  bool operator==(const Range&) const = default;
};

/// A list of items, pulled one by one: it may be larger than memory, or endless. `next` is called
/// by one thread of the SDK at a time, in order, until it returns false; an exception it throws
/// cancels the job and is rethrown by its handle. What it captures should be owned by it: a `next`
/// that blocks (a pipe without input) may outlive the client for as long as it blocks.
struct Items {
  /// in_memory: `next` never blocks, so submit() takes the first batch (at most 1 MiB) on the
  /// caller's thread, and a short list costs no thread of its own. may_block: only a thread of the
  /// SDK calls it.
  enum class Source : std::uint8_t { may_block, in_memory };

  std::function<bool(Bytes& item)> next;
  Encoding encoding = Encoding::raw;
  Source source = Source::may_block;
  /// What each item costs, in any unit that is the same for all jobs of the function: twice the
  /// cost takes twice the time. Called for each item after `next`, in order, on its thread; >= 0.
  /// None: all cost the same. With it long items are planned and the last ones do not come last.
  std::function<double(BytesView item)> cost = nullptr;
  /// Called once, on a thread of the SDK, when the job's `unique` key is that of a job that exists:
  /// the rest of the source is read only to compare it with that job's input, and no result comes
  /// before its end. A source that waits for results must wait no more from then on.
  std::function<void()> on_existing = nullptr;

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
            encoding, Source::in_memory, nullptr};
  }
};

/// The lines of files, one item each, without the newline; streamed in reads of 1 MiB. The end of a
/// file ends a line; a carriage return stays. A file name of "-" is standard input. Throws
/// std::system_error, naming the file, at once when one cannot be opened or is a directory; a line
/// over 64 MiB fails the job with SubmitError (limit).
Items lines_of(std::vector<std::string> files);

/// The text of files in blocks of about `block` bytes that end at a newline (or at white space, or
/// at the end), one item each. A block never spans two files, and a word longer than `block` is not
/// cut. For functions that take text in any portions (wordcount). Errors as lines_of.
Items blocks_of(std::vector<std::string> files, std::size_t block = 64u << 10);

using Input = std::variant<Whole, Range, Items>;

}  // namespace quern
