// Rules between the fields of a message: conditions on its lists, its batch and its kind. Rules
// for a single field (its type, its bounds) are in keys.hpp. Pure; msgpack-free.
#pragma once

#include <optional>

#include "wire/codec.hpp"

namespace quern::wire {

/// What counts against kMetadataBytesMax.
inline std::size_t metadata_bytes(const std::map<std::string, std::string>& metadata) {
  std::size_t bytes = 0;
  for (const auto& [name, value] : metadata) bytes += name.size() + value.size();
  return bytes;
}

/// The rule that a decoded message breaks, if any; the text names the field.
std::optional<DecodeError> broken_rule(const Message& message);

}  // namespace quern::wire
