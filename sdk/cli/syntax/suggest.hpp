// "Did you mean": the nearest known word. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quern::cli {

/// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other
/// (optimal string alignment).
std::size_t edit_distance(std::string_view left, std::string_view right);

/// The known word that `word` most likely meant; nothing if none is similar (at most a third of it
/// may differ).
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace quern::cli
