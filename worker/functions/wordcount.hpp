// Counting words: runs of [A-Za-z], lower-cased, whatever the locale.
#pragma once

#include "quern/bytes.hpp"

namespace quern::functions {

/// The words of a text and how often each occurs, as a table of counts (counts.hpp). At most 4 GiB
/// of text.
Bytes count_words(BytesView text);

}  // namespace quern::functions
