// The part of UTF-8 that the protocol needs: every string on the wire is valid, so that readers in
// other languages and JSON writers never fail on the error text of a user's function.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace quern::wire {

bool valid_utf8(std::string_view text);

/// The longest prefix of at most `bytes_max` bytes that does not split a character.
std::string_view cut_utf8(std::string_view text, std::size_t bytes_max);

/// The text with every byte that is not part of valid UTF-8 replaced by '?'.
std::string clean_utf8(std::string_view text);

}  // namespace quern::wire
