// What a worker agrees to run, whatever it has code for and whatever a broker asks of it.
#pragma once

#include <string>
#include <vector>

#include "quern/worker.hpp"

namespace quern::worker {

/// Those functions and named reducers of `all` whose names match one of the patterns (`*` and `?`,
/// see wire/glob.hpp). What is left out is not there at all: it is not offered, and a lease of it
/// that comes all the same fails. Throws UsageError when a pattern matches nothing, because that is
/// a typing error.
Functions only_allowed(const Functions& all, const std::vector<std::string>& patterns);

}  // namespace quern::worker
