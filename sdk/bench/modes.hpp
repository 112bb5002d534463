// A run of no-op tasks for each kind of job; every result is checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "quern/client.hpp"

namespace quern::bench {

/// map: one submit of all items. single: a submit and a future per task. range: the integers of a
/// range, without payloads.
enum class Mode : unsigned char { map, single, range };
std::optional<Mode> mode_of(const std::string& word);

struct Load {
  Mode mode = Mode::map;
  std::uint64_t tasks = 0;
  std::uint64_t jobs = 1;     ///< the tasks of a map are divided among this many simultaneous jobs
  std::uint32_t payload = 0;  ///< bytes of a task
  std::optional<std::uint32_t> result;  ///< bytes of a result; nothing: the default of noop
};

/// This number of items that begin with their index.
Items numbered_items(std::uint64_t tasks, std::uint32_t payload);

/// Seconds from the submission to the last checked result. Throws std::runtime_error for a wrong or
/// missing one.
double run_load(Client& client, const Load& load);

}  // namespace quern::bench
