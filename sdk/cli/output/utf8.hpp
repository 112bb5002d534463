// UTF-8 as it is read from others. Pure.
#pragma once

#include <cstddef>
#include <string_view>

namespace quern::cli {

/// Octets of the sequence that a text begins with, 0 when it is none (overlong forms and surrogates
/// are none). The text is not empty.
std::size_t sequence_length(std::string_view text);

}  // namespace quern::cli
