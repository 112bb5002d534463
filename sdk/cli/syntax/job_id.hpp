// "12", or "12.5" for task 5 of job 12, as people write them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "quern/ids.hpp"

namespace quern::cli {

struct JobId {
  JobNumber number{};
  std::optional<std::uint64_t> task;

  bool operator==(const JobId&) const = default;
};

/// Throws UsageError when the text is not an id.
JobId job_id(const std::string& text);
/// The same for commands that do not accept the id of a task.
JobNumber job_number(const std::string& text);

}  // namespace quern::cli
