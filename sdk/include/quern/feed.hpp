/// @file
/// Items that a program pushes into a running job, for programs that have them one after the other:
///
///     quern::Feed feed;
///     auto job = client.submit("square", feed);
///     while (read_sensor(sample)) feed.push(sample);
///     feed.close();
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "quern/bytes.hpp"

namespace quern {

/// The SDK behind the public interface; not for programs.
namespace client {
class InputQueue;
}

/// What became of an item that was pushed into a Feed.
enum class Pushed : std::uint8_t {
  taken,  ///< it will be a task of the job
  full,   ///< there was no room for it; try again later
  ended   ///< the job takes no more items: it has ended, or was not accepted. The Job says why.
};

/// A list of items that the program pushes, and closes after the last one: an input of a job. The
/// job runs what it has, and ends some time after close(). It takes no thread; an idle client sends
/// an item at once, a busy one sends full batches.
///
/// **Backpressure.** A feed holds about 5 MiB of items that the broker has no room for yet. Then
/// push() waits, and try_push() says Pushed::full. Before the feed is submitted nothing takes its
/// items, so push() then waits for the submission.
///
/// **Threads.** Any thread may push and close; items of one thread keep their order. Copies share
/// the items. The job stays open until somebody calls close(), also when all copies are gone.
///
/// The items are the client's: when it is destroyed, the job gets no more, and pushing says
/// Pushed::ended. For items that come from several clients, or from a detached job's successors,
/// see Open and Client::append().
class Feed {
 public:
  /// Makes a feed without items.
  /// @param encoding how the function reads the items
  explicit Feed(Encoding encoding = Encoding::raw);

  /// Adds an item and waits for room if there is none. Must not be called in a callback on a thread
  /// of the SDK that receives results: it throws std::logic_error there.
  /// @param item at most 64 MiB
  /// @return Pushed::taken, or Pushed::ended
  /// @throws Error `limit` when the item is larger
  /// @throws std::logic_error after close()
  Pushed push(BytesView item) const;

  /// Adds an item if there is room. Does not block.
  /// @param item at most 64 MiB
  /// @return any of the three
  /// @throws Error `limit` when the item is larger
  /// @throws std::logic_error after close()
  Pushed try_push(BytesView item) const;

  /// Adds an item and waits for room for a while if there is none.
  /// @param item at most 64 MiB
  /// @param timeout how long to wait at most
  /// @return any of the three
  /// @throws Error `limit` when the item is larger
  /// @throws std::logic_error after close(), and where push() throws it
  Pushed push_for(BytesView item, std::chrono::milliseconds timeout) const;

  /// Adds an object as push() does, encoded as a value. The feed should have been made with
  /// Encoding::value. Needs `quern/typed.hpp`.
  /// @tparam T a type that Codec knows
  /// @param object the item
  /// @return Pushed::taken, or Pushed::ended
  template <typename T>
  Pushed push_value(const T& object) const {
    return push(Codec<T>::encode(object));
  }

  /// No more items will come. Does nothing when it was called before. Does not block.
  void close() const;

  /// @return how the function reads the items
  Encoding encoding() const { return encoding_; }

  /// Used by Client.
  /// @return where the items wait
  const std::shared_ptr<client::InputQueue>& queue() const { return queue_; }

 private:
  std::shared_ptr<client::InputQueue> queue_;
  Encoding encoding_;
};

}  // namespace quern
