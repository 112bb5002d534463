/// @file
/// C++ objects as values (one msgpack value each), and back: for inputs, and for results
/// (`Job::get<T>()`, Future). The only public header that needs msgpack-cxx.
#pragma once

#include <msgpack.hpp>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "quern/bytes.hpp"
#include "quern/value.hpp"

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

/// How objects of a type travel: as values. A specialisation for a type of your own has the same
/// two functions. Any thread.
/// @tparam T anything that msgpack-cxx can pack, or convert to
template <typename T>
struct Codec {
  /// Encodes an object as an input, with Encoding::value.
  /// @param object what to encode
  /// @return one msgpack value
  static Bytes encode(const T& object) { return to_value(object); }

  /// Decodes a result: a value, or raw bytes. Raw bytes are a string as they are; for any other
  /// type they are read as JSON, which is what typed functions make of raw inputs.
  /// @param bytes the result
  /// @param encoding how to read it, as Job::encoding() says
  /// @return the object
  /// @throws std::invalid_argument when the bytes are not such an object; the text says why
  static T decode(BytesView bytes, Encoding encoding) {
    if (encoding == Encoding::value) return from_value<T>(bytes);
    if constexpr (std::is_same_v<T, std::string>) {
      return T(bytes);
    } else {
      const auto value = value_from_json(bytes);
      if (!value)
        throw std::invalid_argument("the result is raw bytes and not JSON: " +
                                    std::string(bytes.substr(0, 80)));
      return from_value<T>(*value);
    }
  }
};

}  // namespace quern
