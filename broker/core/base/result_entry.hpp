// One entry of a job's results: what a report brought, in the form in which clients receive it.
#pragma once

#include <cstdint>
#include <vector>

#include "wire/messages.hpp"

namespace quern::broker {

struct ResultEntry {
  wire::Intervals tasks{};
  std::vector<TaskError> errors{};
  wire::Intervals written{};  ///< failed tasks whose output follows the results in the batch
  wire::Batch batch{};
  std::uint64_t weight = 0;    ///< bytes that count against windows and memory
  std::uint64_t sequence = 0;  ///< the commit that makes it durable; 0: none does
  enum class Place : std::uint8_t {
    memory,
    store,
    coming
  } place = Place::memory;  ///< of the batch
};

}  // namespace quern::broker
