/// @file
/// The input of a job: one whole input, the integers of a range, or items that are pulled from a
/// source as there is room for them.
#pragma once

#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "quern/bytes.hpp"
#include "quern/edges.hpp"
#include "quern/feed.hpp"

namespace quern {

/// One input that is not split: a job of one task.
struct Whole {
  Bytes bytes;                        ///< at most 64 MiB
  Encoding encoding = Encoding::raw;  ///< how the function reads `bytes`
};

/// The integers begin, begin + 1, ..., end - 1, each of them a task. It costs nothing to send,
/// however long it is.
struct Range {
  std::int64_t begin = 0;  ///< first integer
  std::int64_t end = 0;    ///< one past the last integer; not below `begin`, at most 2^62 above it

  /// @return the number of integers; meaningful only when `begin` <= `end`
  std::uint64_t size() const {
    return static_cast<std::uint64_t>(end) - static_cast<std::uint64_t>(begin);
  }

  /// @return whether both ends are equal
  bool operator==(const Range&) const = default;
};

/// A list of items, each of them a task. Items are pulled one by one, so that a list may be larger
/// than memory, or endless: the job stays open until `next` returns false.
struct Items {
  /// Where `next` takes its items from.
  enum class Source : std::uint8_t {
    may_block,  ///< `next` may wait (for a pipe, a queue): only a thread of the SDK calls it
    in_memory  ///< `next` never waits: submit() itself takes the first batch (at most 1 MiB) on the
               ///< thread of the caller, and a short list needs no thread of its own
  };

  /// Writes the next item (at most 64 MiB) and returns true, or returns false after the last one.
  /// Called in order, by one thread at a time, until it returns false or throws. An exception
  /// cancels the job; the handle of the job rethrows it. Objects that it uses should be owned by
  /// it: a `next` that blocks may outlive its client for as long as it blocks.
  std::function<bool(Bytes& item)> next;
  /// How the function reads the items.
  Encoding encoding = Encoding::raw;
  /// Whether `next` may wait.
  Source source = Source::may_block;
  /// What an item costs, not negative, in any unit that is the same for all jobs of the function:
  /// twice the cost takes twice the time. Called after `next`, for each item in order, on the same
  /// thread. Empty: all items cost the same. With costs, expensive items are planned early instead
  /// of ending the job late.
  std::function<double(BytesView item)> cost = nullptr;
  /// Called once, on a thread of the SDK, when the idempotency key of the job
  /// (SubmitOptions::unique) is that of an existing job. The SDK then reads the source to its end,
  /// only to compare it with the input of that job, and delivers no result before. A source that
  /// waits for results must not wait for them any more.
  std::function<void()> on_existing = nullptr;

  /// Makes items from the elements of a container. Elements that are byte strings, such as those of
  /// std::vector<std::string>, are sent as they are; others, such as those of std::vector<double>,
  /// as values, which needs `quern/typed.hpp`. Any thread.
  /// @tparam Container a copyable or movable container with begin() and end()
  /// @param container the items; moved or copied into the result
  /// @param encoding how the function reads byte strings; other elements always have
  /// Encoding::value
  /// @return items with Source::in_memory. Copies of it share the container; each has its own
  /// position.
  template <typename Container>
  static Items of(Container container, Encoding encoding = Encoding::raw) {
    if constexpr (std::is_convertible_v<decltype(*container.begin()), BytesView>) {
      auto held = std::make_shared<Container>(std::move(container));
      return {[held, it = held->begin()](Bytes& item) mutable {
                if (it == held->end()) return false;
                item.assign(*it);
                ++it;
                return true;
              },
              encoding, Source::in_memory, nullptr};
    } else {
      return values_of(std::move(container));
    }
  }

  /// Makes items from the elements of a container, each encoded as a value: also strings, which
  /// typed functions then take as they are, while raw text would be read as JSON. Needs
  /// `quern/typed.hpp`. Any thread.
  /// @tparam Container a copyable or movable container with begin() and end(), whose elements Codec
  ///         knows
  /// @param container the items; moved or copied into the result
  /// @return items with Encoding::value and Source::in_memory, as of() makes them
  template <typename Container>
  static Items values_of(Container container) {
    auto held = std::make_shared<Container>(std::move(container));
    return {[held, it = held->begin()](Bytes& item) mutable {
              using T = std::iter_value_t<decltype(held->begin())>;
              if (it == held->end()) return false;
              item = Codec<T>::encode(*it);
              ++it;
              return true;
            },
            Encoding::value, Source::in_memory, nullptr};
  }
};

/// The lines of files as items, without their newlines. Files are read as items are needed, 1 MiB
/// at a time. The end of a file ends a line; a carriage return stays. Any thread.
/// @param files names of files, read one after the other; "-" is standard input
/// @return items that a job can be submitted with once. A line longer than 64 MiB fails the job
/// with
///         SubmitError (`limit`), and a file that cannot be read with std::system_error.
/// @throws std::system_error naming the file, at once, when it cannot be opened or is a directory
Items lines_of(std::vector<std::string> files);

/// The text of files as items of about the same size, for functions that take text in any portions
/// (`wordcount`). An item ends at a newline, else at white space, else at the end of a file: it
/// never spans two files, and it cuts no word, even one longer than `block`.
/// @param files names of files, read one after the other; "-" is standard input
/// @param block wanted size of an item in bytes, 1 to 64 MiB; other values are clamped
/// @return items that a job can be submitted with once; errors as for lines_of()
/// @throws std::system_error naming the file, at once, when it cannot be opened or is a directory
Items blocks_of(std::vector<std::string> files, std::size_t block = 64u << 10);

/// Items that are appended later, with Client::append(), by any client of the principal. The job
/// runs what it has, and stays open until somebody closes it (AppendOptions::close), also when it
/// is detached and its client is gone.
struct Open {
  Encoding encoding = Encoding::raw;  ///< how the function reads the items
};

/// What a job is submitted with. Which functions take which kind of input is in the decision table
/// of `sdk/wire/PROTOCOL.md`.
using Input = std::variant<Whole, Range, Items, Open, Feed, ResultsOf, Links>;

}  // namespace quern
