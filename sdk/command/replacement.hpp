// Replacement strings: {} {.} {/} {//} {/.} {#} and, for one of several arguments, {2} {2.} {2/}
// {2//} {2/.} {-1} They mean the same as in GNU parallel. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quern::command {

struct Replacement {
  enum class Kind : std::uint8_t { whole, no_extension, no_folder, folder, stem, number };
  Kind kind = Kind::whole;
  std::int32_t position =
      0;  ///< which argument, from 1; from -1: counted from the last; 0: all of them
  std::size_t length = 0;  ///< of the replacement string in the text
};

/// The replacement string that `text` begins with.
std::optional<Replacement> replacement_at(std::string_view text);

/// The index of the argument at a position other than 0, or nothing.
std::optional<std::size_t> index_of(std::int32_t position, std::size_t arguments);

/// A replacement string of GNU parallel that has no meaning here and that `text` begins with: {%}
/// {= =} {+/} {..}; empty: none.
std::string_view foreign_replacement_at(std::string_view text);

/// The part of an argument that it stands for (not for `number`).
std::string_view part_of(Replacement::Kind kind, std::string_view argument);

/// A text cut into literals and replacement strings.
struct Piece {
  std::string_view literal;  ///< if there is no replacement
  std::optional<Replacement> replacement;
};
std::vector<Piece> pieces_of(std::string_view text);

}  // namespace quern::command
