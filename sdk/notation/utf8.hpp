// Validation of untrusted UTF-8. Pure.
#pragma once

#include <cstddef>
#include <string_view>

namespace quern::notation {

/// Length in bytes of the sequence at the beginning of a text, 0 if it is invalid (also overlong
/// forms and surrogates). The text is not empty.
std::size_t sequence_length(std::string_view text);

}  // namespace quern::notation
