// What a worker's brain is told once. The defaults need no tuning.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "wire/messages.hpp"

namespace quern::worker {

using std::chrono::milliseconds;

/// One of the worker's slots, counted from 0.
enum class SlotId : std::uint32_t {};
constexpr std::size_t index(SlotId slot) { return static_cast<std::size_t>(slot); }

/// A mistake that the simulator makes on purpose, to show that it would find it. Never set outside
/// of tests.
enum class Mistake : std::uint8_t { none, forget_outbox };

struct Config {
  Mistake mistake = Mistake::none;
  Uuid identity;     ///< the same for ever: over reconnects the broker knows us by it
  std::string name;  ///< for people
  std::string software = "quern";
  std::uint32_t slots = 1;
  wire::WorkerOffer offer;  ///< functions, reducers, labels, resources, credit; the rest is filled
                            ///< in at each HELLO

  bool keeps_blobs = false;                   ///< it has a place for the files of jobs
  std::uint64_t blob_bytes_max = 4ULL << 30;  ///< of blobs that are kept for later jobs

  milliseconds backoff_first{
      100};  ///< before the second try to reach the broker; doubled for each further one
  milliseconds backoff_most{2000};
  milliseconds welcome_wait{5000};  ///< how long a connected broker may take to answer HELLO
  milliseconds drain_wait{30000};   ///< after a stop was requested, running tasks get this long
  milliseconds alone_wait{3000};    ///< of it, without a broker to report to
  std::uint64_t held_bytes_max =
      128u << 10;  ///< of HELLO's header that may name leases; what does not fit is let go
};

}  // namespace quern::worker
