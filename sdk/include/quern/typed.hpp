// C++ objects <-> values. The only public header that needs msgpack.
#pragma once

#include <msgpack.hpp>
#include <stdexcept>
#include <string>

#include "quern/bytes.hpp"

namespace quern {

/// Encodes anything msgpack-cxx can pack (numbers, strings, vectors, maps, structs with
/// MSGPACK_DEFINE) as a value.
template <typename T>
Bytes to_value(const T& object) {
  msgpack::sbuffer buffer;
  msgpack::pack(buffer, object);
  return Bytes(buffer.data(), buffer.size());
}

/// Decodes a value. Throws std::invalid_argument when the bytes are not a value of that type.
/// Lengths inside the bytes are bounded by the bytes themselves, so hostile input cannot ask for
/// more memory than a small multiple of its own size.
template <typename T>
T from_value(BytesView bytes) {
  try {
    const std::size_t n = bytes.size();
    const msgpack::unpack_limit limit(n, n, n, n, n, 64);
    auto handle = msgpack::unpack(bytes.data(), n, nullptr, nullptr, limit);
    return handle->as<T>();
  } catch (const msgpack::unpack_error& error) {
    throw std::invalid_argument(std::string("not a msgpack value: ") + error.what());
  } catch (const msgpack::type_error&) {
    throw std::invalid_argument("the value has another type than the function takes");
  }
}

}  // namespace quern
