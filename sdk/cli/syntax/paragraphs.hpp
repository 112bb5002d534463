// Text for people, wrapped to a number of columns. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace quern::cli {

/// Wraps each paragraph of `text` at spaces and newlines; empty lines separate paragraphs. A word
/// that is longer than `columns` gets a line of its own. Without a newline at the end.
std::string wrapped(std::string_view text, std::size_t columns);

}  // namespace quern::cli
