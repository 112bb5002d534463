/// @file
/// C++ objects as values (one msgpack value each), and back. The only public header that needs
/// msgpack-cxx.
#pragma once

#include <msgpack.hpp>
#include <stdexcept>
#include <string>

#include "quern/bytes.hpp"

namespace quern {

/// Encodes an object as a value. Any thread.
/// @tparam T anything that msgpack-cxx can pack: numbers, strings, vectors, maps, tuples, and
///         structs with MSGPACK_DEFINE
/// @param object what to encode
/// @return one msgpack value (https://github.com/msgpack/msgpack/blob/master/spec.md)
template <typename T>
Bytes to_value(const T& object) {
  msgpack::sbuffer buffer;
  msgpack::pack(buffer, object);
  return Bytes(buffer.data(), buffer.size());
}

/// Decodes a value. Lengths inside the bytes are bounded by the size of the bytes, so hostile input
/// cannot ask for more memory than a small multiple of its own size; nesting is bounded by 64
/// levels. Any thread.
/// @tparam T anything that msgpack-cxx can convert to
/// @param bytes one msgpack value; bytes after it are ignored
/// @return the decoded object
/// @throws std::invalid_argument when the bytes do not begin with a value, or when the value has
///         another type
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
