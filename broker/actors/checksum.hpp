// A sum over the bytes of a row: says that they are as they were written. Against broken disks, not
// against people.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace quern::broker {

/// Of parts in order; where one ends and the next begins counts. The stored value: it never changes
/// between versions.
std::int64_t checksum_of(std::initializer_list<std::string_view> parts);

}  // namespace quern::broker
