// Results of one job between the network and its readers. Keeps the batches as they arrived, with
// their intervals, and gives out slices of them: in input order, in completion order, or a whole
// batch at a time. Decides when to acknowledge what was read. Pure; its owner (a job handle) guards
// it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "quern/job.hpp"
#include "wire/messages.hpp"

namespace quern::client {

/// A run of tasks inside one result entry.
struct Fragment {
  std::uint64_t begin = 0;  ///< first task
  std::uint64_t count = 0;
  std::uint64_t position = 0;        ///< of the first task in the batch
  std::size_t offset = 0;            ///< of its bytes
  const TaskError* error = nullptr;  ///< set: all these tasks ended with it
  bool has_bytes = true;             ///< an error has bytes if the task had written output
};

/// One entry's results, or what earlier readers left of it.
struct Portion {
  std::shared_ptr<const wire::Results> results;
  std::vector<Fragment> fragments;
};

class ResultShelf {
 public:
  /// What the reader is doing when it calls ack_due().
  enum class Reader : std::uint8_t { reads, waits, waits_for_any };

  explicit ResultShelf(std::uint64_t window = wire::kResultWindow) : window_(window) {}
  void set_window(std::uint64_t window) { window_ = window; }

  /// The entry with seq == received().
  void add(wire::Results results);
  /// No entry will follow: gaps in the order (tasks that never ended) are skipped from now on.
  void complete() { complete_ = true; }

  std::optional<TaskResult> next_in_order();
  std::optional<TaskResult> next_completed();
  std::optional<Portion> next_portion();

  std::uint64_t received() const { return base_ + entries_.size(); }
  /// Bytes that were received and not acknowledged.
  std::int64_t unread() const {
    return static_cast<std::int64_t>(weight_received_) - static_cast<std::int64_t>(weight_acked_);
  }
  /// Nothing was handed out yet.
  bool untouched() const { return untouched_; }

  /// Entries [0, cursor) are to be acknowledged now, if that is due: when an eighth of the window
  /// was read and the reader is about to wait, or half of it in any case. A reader that waits for a
  /// missing task (`waits`) causes everything that was received to be acknowledged and kept here,
  /// so that the missing task can arrive.
  std::optional<std::uint64_t> ack_due(Reader reader);

 private:
  struct Entry {
    std::shared_ptr<const wire::Results> results;
    std::vector<Fragment> fragments;  // not handed out, ascending
    std::uint64_t weight = 0;
  };
  struct Place {
    std::uint64_t seq = 0;
    std::size_t fragment = 0;
    bool operator==(const Place&) const = default;
  };

  Entry& entry(std::uint64_t seq) { return entries_[static_cast<std::size_t>(seq - base_)]; }
  TaskResult take_from_open();
  void open(Place place);
  void unlist(Place place);
  void put_back();
  void close_open();
  void on_taken(std::uint64_t seq);

  std::deque<Entry> entries_;  // entry base_ + i
  std::uint64_t base_ = 0;
  std::uint64_t oldest_ = 0;                // entries before it have nothing left
  std::map<std::uint64_t, Place> by_task_;  // a node per fragment, usually one per entry
  // The fragment being handed out task by task; not in by_task_.
  struct Open {
    Fragment fragment;
    Place place;
    std::shared_ptr<const wire::Results> results;
  };
  std::optional<Open> open_;
  std::uint64_t next_task_ = 0;
  bool complete_ = false;
  bool untouched_ = true;

  std::uint64_t window_;
  std::uint64_t weight_received_ = 0;
  std::uint64_t weight_consumed_ = 0;  // of entries [0, base_)
  std::uint64_t weight_acked_ = 0;
  std::uint64_t acked_ = 0;
};

}  // namespace quern::client
