// A checksum over the bytes of a row. It detects defective disks, not deliberate changes.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace quern::broker {

/// Covers the parts in order and their boundaries. The value is stored, so it must never change
/// between versions.
std::int64_t checksum_of(std::initializer_list<std::string_view> parts);

}  // namespace quern::broker
