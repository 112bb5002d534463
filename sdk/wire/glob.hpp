// Patterns of names: `*` matches any characters, `?` one byte, everything else itself. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace quern::wire {

/// Takes at most |pattern| x |text| steps, whatever the pattern.
bool matches(std::string_view pattern, std::string_view text);
bool matches_any(const std::vector<std::string>& patterns, std::string_view text);

}  // namespace quern::wire
