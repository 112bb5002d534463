// What happened to the leases of a job, for people to look at. Bounded: of very many leases the neighbours on a worker become one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "quern/status.hpp"
#include "wire/time.hpp"

namespace quern::broker {

class Timeline {
 public:
  /// A lease has ended. `begin`: when it was granted; what it waited behind other leases of its worker is no part of its span.
  void add(const std::string& worker, std::uint32_t slots, wire::Time begin, wire::Time end, std::uint64_t first, std::uint64_t tasks, const char* outcome);
  /// Times from `submitted` on.
  std::vector<LeaseSpan> spans(wire::Time submitted) const;
  /// The job is over: what is kept for hours is small.
  void finish();
  /// Coarser, until it is at most about so many bytes in a message.
  void fit(std::size_t bytes);

 private:
  struct Span {
    std::uint32_t worker = 0;
    std::uint32_t lane = 0;
    wire::Time begin{}, end{};
    std::uint64_t first = 0, tasks = 0;
    const char* outcome = "";
  };
  std::uint32_t lane_of(std::uint32_t worker, std::uint32_t slots, wire::Time& begin, wire::Time end);
  void coarsen();

  static constexpr std::size_t kSpansMost = 2048;
  std::vector<std::string> workers_;
  std::map<std::string, std::uint32_t> numbers_;
  std::vector<std::vector<wire::Time>> lanes_;  ///< of each worker: when each is free
  std::vector<Span> spans_;
  wire::Duration joined_{};  ///< gaps up to this are no gaps
  bool full_ = false;        ///< too many lanes for a picture: what comes is not kept
};

}  // namespace quern::broker
