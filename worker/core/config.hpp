// The configuration of the worker core. The defaults need no tuning.
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

/// A deliberate defect, with which the simulator shows that it would be found. Never set outside of
/// tests.
enum class Mistake : std::uint8_t { none, forget_outbox };

struct Config {
  Mistake mistake = Mistake::none;
  Uuid identity;     ///< constant: the broker recognises the worker by it after a reconnect
  std::string name;  ///< for people
  std::string software = "quern";
  std::uint32_t slots = 1;
  wire::WorkerOffer offer;  ///< functions, reducers, labels, resources, credit; the other fields
                            ///< are set at each HELLO

  bool keeps_blobs = false;                   ///< whether it can store the files of jobs
  std::uint64_t blob_bytes_max = 4ULL << 30;  ///< limit of the blobs that are kept for later jobs

  milliseconds backoff_first{
      100};  ///< before the second attempt to connect; doubled for each further one
  milliseconds backoff_most{2000};
  milliseconds welcome_wait{5000};  ///< how long a connected broker may take to answer HELLO
  milliseconds drain_wait{30000};   ///< after a stop was requested, running tasks get this long
  milliseconds alone_wait{3000};    ///< the same without a connection to the broker
  std::uint64_t held_bytes_max =
      128u << 10;  ///< limit of the leases in the header of HELLO; what does not fit is dropped
};

}  // namespace quern::worker
