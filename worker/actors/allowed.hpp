// What a worker agrees to run, independently of its code and of the broker's requests.
#pragma once

#include <string>
#include <vector>

#include "quern/worker.hpp"

namespace quern::worker {

/// Those functions and named reducers of `all` whose names match one of the patterns (`*` and `?`,
/// see wire/glob.hpp). The others are removed: they are not offered, and a lease of them fails.
/// Throws UsageError if a pattern matches nothing, which is probably a typing error.
Functions only_allowed(const Functions& all, const std::vector<std::string>& patterns);

}  // namespace quern::worker
