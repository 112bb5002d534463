// Words quoted for a shell. Pure.
#pragma once

#include <string>
#include <vector>

namespace quern::cli {

/// Quotes the word if a shell would interpret it.
std::string quoted(const std::string& word);
/// All words, separated by spaces.
std::string quoted(const std::vector<std::string>& words);

}  // namespace quern::cli
