// Limits how much of an input is in flight: submitted, but without a result. Therefore an input
// larger than memory needs no more memory than the window, here, in the broker and in the workers.
// Any thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <unordered_map>

namespace quern::cli {

class IntakeWindow {
 public:
  IntakeWindow(std::uint64_t items, std::uint64_t bytes) : items_max_(items), bytes_max_(bytes) {}

  /// Waits until there is room for the next item, which gets the next index; false when the window
  /// was closed.
  bool enter(std::uint64_t bytes);
  /// Makes room for at least this many bytes, up to what every process between here and the workers
  /// can hold.
  void hold(std::uint64_t bytes);
  /// From now on there is room for this many items.
  void allow(std::uint64_t items);
  /// From now on there is room for everything.
  void open();
  /// The item of that index has its result.
  void leave(std::uint64_t index);
  /// Closes the window: no further items enter.
  void close();
  std::uint64_t entered() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable room_;
  std::uint64_t items_max_;
  std::uint64_t bytes_max_;
  std::uint64_t bytes_ = 0;
  std::uint64_t next_ = 0;
  std::unordered_map<std::uint64_t, std::uint64_t> inside_;
  bool closed_ = false;
};

}  // namespace quern::cli
