// Bytes as base64 (RFC 4648). Pure; any thread. The time taken does not depend on the bytes, which
// may be secrets.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "quern/bytes.hpp"

namespace quern::notation {

enum class Base64 : unsigned char {
  standard,  ///< + and /, padded with =
  url        ///< - and _, without padding: a shell takes it without quotes
};

std::string base64(BytesView bytes, Base64 form = Base64::standard);
/// Decodes the whole text; nothing if it does not have this form.
std::optional<Bytes> from_base64(std::string_view text, Base64 form = Base64::standard);

}  // namespace quern::notation
