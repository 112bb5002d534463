// Which results the tasks of one job still wait for, if a task needs several of them, or named
// ones: the patterns `group`, `all` and `list`. Columns only: about 30 bytes for each result and
// task, and 10 for each link between them. Pure; the results themselves stay in the log of the job
// that produced them, and the gather remembers where.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "quern/edges.hpp"
#include "wire/intervals.hpp"
#include "wire/task_graph.hpp"

namespace quern::broker {

/// Where a result is: bytes [offset, offset + size) of the batch of a result entry of its job.
struct ResultPlace {
  std::uint64_t entry = 0;
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
};

class Gather {
 public:
  /// The number of a source, as in TaskGraph. The patterns `group` and `all` have one, `kEdges`.
  using Source = std::uint16_t;

  /// `group`: tasks of `width` results each, `step` apart.
  Gather(std::uint64_t width, std::uint64_t step) : width_(width), step_(step) {
    sources_.resize(3);
  }
  /// `all`: one task.
  Gather() : Gather(0, 1) {}
  /// `list`, with this many `list` edges.
  Gather(wire::TaskGraph graph, std::size_t lists);

  /// Forgets which results there are, and where: they will be delivered again.
  void reset();

  /// The source has, or will have, this many results; `closed`: and no more. Returns the number of
  /// tasks that are known so far.
  std::uint64_t grow(std::uint64_t total, bool closed);

  /// A result is there. Results that are there already are ignored.
  void deliver(Source source, std::uint64_t index, const ResultPlace& place);
  /// The same, with bytes that are in no log.
  void deliver(Source source, std::uint64_t index, wire::Buffer made);
  /// There will be no result. Returns the tasks that cannot run because of it, and that no other
  /// missing result had stopped before.
  std::vector<std::uint64_t> fail(Source source, std::uint64_t index);
  /// These results may come after all. Returns the tasks that wait for them again.
  std::vector<std::uint64_t> revive(Source source, wire::Interval results);

  /// Tasks whose results are all there, ascending; each is returned once.
  std::vector<std::uint64_t> take_ready();
  bool has_ready() const { return !ready_.empty(); }
  /// A task that cannot be put together yet.
  void put_back(std::uint64_t task) { ready_.push_back(task); }

  /// A result of a source.
  struct Result {
    Source source = 0;
    std::uint64_t index = 0;
  };
  /// Tasks that became known only after a result that they need had failed, with that result; each
  /// is returned once.
  std::vector<std::pair<std::uint64_t, Result>> take_stopped() { return std::exchange(late_, {}); }

  /// One result that a ready task needs.
  struct Input {
    Source source = 0;
    ResultPlace place;                   ///< if neither of the others
    const wire::Buffer* made = nullptr;  ///< bytes that are in no log
    bool value = false;                  ///< a value of the graph: `bytes`
    BytesView bytes;
  };
  /// What a ready task needs, in order.
  std::vector<Input> inputs(std::uint64_t task) const;
  /// The payload of this task exists: it needs its results no longer.
  void release(std::uint64_t task);

  /// Result entries of this source below are needed no longer. `cursor`: entries from there on have
  /// not been delivered yet.
  std::uint64_t needs_from(Source source, std::uint64_t cursor);
  /// A result that this task waits for; nullopt: none.
  std::optional<Result> missing(std::uint64_t task) const;
  /// Whether this result was neither delivered nor given up.
  bool waits_for(Source source, std::uint64_t index) const;
  std::uint64_t results(Source source) const {
    return source < sources_.size() ? sources_[source].held.size() : 0;
  }
  /// How many results the tasks take together, if the source has this many: `group`, `all`.
  std::uint64_t links_of(std::uint64_t total) const {
    return graph_ || width_ == 0 ? 0 : std::min(width_, total) * (total / step_ + 1);
  }
  std::uint64_t tasks() const { return missing_.size(); }
  std::uint64_t bytes() const;  ///< of memory

 private:
  struct Held {
    std::uint32_t entry = kMissing;  ///< number of its entry; or one of the constants below
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
    std::uint32_t left = 0;  ///< tasks that still need it
  };
  static constexpr std::uint32_t kMissing = ~0u, kFailed = ~0u - 1, kMade = ~0u - 2,
                                 kGone = ~0u - 3;
  struct FromJob {
    std::vector<Held> held;  ///< by index of the result
    std::map<std::uint64_t, wire::Buffer> made;
    std::deque<std::uint32_t> live;  ///< by entry: results in it that are still needed
    std::uint64_t first_entry = 0;   ///< of `live`
    std::uint64_t base = 0;          ///< entry numbers in `held` count from here
    bool begun = false;
    std::uint64_t rows = 0;  ///< `list`: where its results begin in the reverse columns
  };

  template <typename F>
  void each_consumer(Source source, std::uint64_t index, F&& seen) const;
  template <typename F>
  void each_input(std::uint64_t task, F&& seen) const;
  void index_links();
  void arrived(Source source, std::uint64_t index);
  wire::Interval inputs_of_group(std::uint64_t task) const;
  void add_task();

  std::uint64_t width_ = 0;  ///< 0: all
  std::uint64_t step_ = 1;
  std::uint64_t total_ = 0;  ///< `group`, `all`: results of the source
  bool closed_ = false;      ///< and no more come
  std::optional<wire::TaskGraph> graph_;
  std::vector<std::uint32_t> value_offsets_;
  std::vector<std::uint32_t> reverse_offsets_;  ///< `list`: who needs a result, by row
  std::vector<std::uint32_t> reverse_;
  std::vector<FromJob> sources_;
  std::vector<std::uint32_t> missing_;  ///< by task: results that are not there yet
  std::vector<bool> stopped_;           ///< by task: it needs a result that will not come
  std::vector<std::uint64_t> ready_;
  std::vector<std::pair<std::uint64_t, Result>> late_;
};

}  // namespace quern::broker
