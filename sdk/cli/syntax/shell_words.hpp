// Words as one would type them to a shell. Pure.
#pragma once

#include <string>
#include <vector>

namespace quern::cli {

/// Quoted when a shell would read it as something else.
std::string quoted(const std::string& word);
/// All of them, a blank between each two.
std::string quoted(const std::vector<std::string>& words);

}  // namespace quern::cli
