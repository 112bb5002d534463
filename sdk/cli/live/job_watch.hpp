// `quern job --watch`: shows a job until it has ended.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "cli/syntax/exit.hpp"
#include "cli/syntax/extent.hpp"
#include "quern/client.hpp"

namespace quern::cli {

struct Watch {
  JobNumber number{};
  std::chrono::milliseconds interval{};
  bool json = false;
};

/// On a terminal redraws the view of the job in place, otherwise prints a line (or an object) per
/// change. Ends as `quern wait` does. Throws ConnectionError if the broker does not come back.
Exit watch_job(Client& client, const Watch& watch);

/// Text that replaces the previous text, of which `lines_before` lines are above the cursor. Sets
/// lines_before to the lines of this one: at most one less than the terminal has, because the
/// cursor stays below them. Pure.
std::string redrawn(std::string_view text, Extent extent, std::size_t& lines_before);

}  // namespace quern::cli
