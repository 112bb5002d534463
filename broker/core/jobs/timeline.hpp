// What happened to the leases of a job, for people to look at. Its size is bounded: when there are
// very many leases, neighbouring ones on a worker are joined.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "broker/core/base/lazy.hpp"
#include "quern/status.hpp"
#include "wire/time.hpp"

namespace quern::broker {

class Timeline {
 public:
  /// A lease has ended. `begin`: when it was granted; the time that it waited behind other leases
  /// of its worker is not part of its span.
  void add(const std::string& worker, std::uint32_t slots, wire::Time begin, wire::Time end,
           std::uint64_t first, std::uint64_t tasks, const char* outcome);
  /// The spans, with times relative to `submitted`.
  std::vector<LeaseSpan> spans(wire::Time submitted) const;
  /// The job has ended: shrinks the timeline, because it is kept for hours.
  void finish();
  /// Coarsens the timeline until it takes about `bytes` in a message.
  void fit(std::size_t bytes);

 private:
  struct Span {
    std::uint32_t worker = 0;
    std::uint32_t lane = 0;
    wire::Time begin{}, end{};
    std::uint64_t first = 0, tasks = 0;
    const char* outcome = "";
  };
  static std::uint32_t lane_of(std::vector<wire::Time>& lanes, std::uint32_t slots,
                               wire::Time& begin, wire::Time end);

  static constexpr std::size_t kSpansMost = 2048;
  struct Drawn {
    std::vector<std::string> workers;
    std::map<std::string, std::uint32_t> numbers;
    std::vector<std::vector<wire::Time>> lanes;  ///< for each worker: when each of its lanes is
                                                 ///< free
    std::vector<Span> spans;
    wire::Duration joined{};  ///< gaps up to this length are closed
    bool full = false;        ///< there are too many lanes to draw: further spans are dropped
  };
  static void coarsen(Drawn& drawn);
  Lazy<Drawn> drawn_;
};

}  // namespace quern::broker
