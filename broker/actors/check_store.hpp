// `quern-broker --check-store`: is what a store holds whole? Reads only.
#pragma once

#include <ostream>
#include <string>

namespace quern::broker {

/// Prints a report for people; true when nothing is wrong. Throws StoreError when it cannot be read
/// at all.
bool check_store(const std::string& folder, std::ostream& out);

}  // namespace quern::broker
