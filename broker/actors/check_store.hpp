// `quern-broker --check-store`: verifies a store. Read-only.
#pragma once

#include <ostream>
#include <string>

namespace quern::broker {

/// Prints a report; true if there are no problems. Throws StoreError if it cannot be read at all.
bool check_store(const std::string& folder, std::ostream& out);

}  // namespace quern::broker
