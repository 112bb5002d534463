/// @file
/// Byte strings of the public interface.
#pragma once

#include <string>
#include <string_view>

/// Everything of Quern that a program may use.
namespace quern {

/// Owned bytes. The type is std::string because small results (8 bytes, say) then need no
/// allocation. The content is arbitrary bytes, not text, unless the documentation says otherwise.
using Bytes = std::string;

/// Borrowed bytes. A view is valid as long as the object that it was taken from is unchanged.
using BytesView = std::string_view;

/// How objects of a type become inputs, and results become objects of it. `quern/typed.hpp` defines
/// it for all types; include that header where objects are used. A program may specialise it for a
/// type of its own, before its first use, with the two functions that are described there.
/// @tparam T the type of the objects
template <typename T>
struct Codec;

/// How the bytes of an input or of a result are to be read.
enum class Encoding : unsigned char {
  raw = 0,   ///< bytes as they are
  value = 1  ///< exactly one msgpack value; see quern/typed.hpp and quern/value.hpp
};

}  // namespace quern
