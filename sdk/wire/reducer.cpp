#include "wire/reducer.hpp"

#include <array>

#include "wire/limits.hpp"
#include "wire/number.hpp"

namespace quern::wire {
namespace {

constexpr std::array<std::string_view, 5> kNames{"sum", "min", "max", "count", "concat"};

std::string_view name_of(Builtin reducer) { return kNames[static_cast<std::size_t>(reducer)]; }

FoldError not_a_number(Builtin reducer) {
  return {"reducer '" + std::string(name_of(reducer)) + "' needs numbers, and a result is not one"};
}

/// The bytes of a msgpack string or binary; nullopt for any other value.
std::optional<BytesView> bytes_in(BytesView value) {
  if (value.empty()) return std::nullopt;
  const auto tag = static_cast<unsigned char>(value[0]);
  std::size_t prefix = 0;  // bytes of the length
  std::size_t length = 0;
  if (tag >= 0xa0 && tag <= 0xbf)
    length = tag & 0x1f;
  else if (tag == 0xd9 || tag == 0xc4)
    prefix = 1;
  else if (tag == 0xda || tag == 0xc5)
    prefix = 2;
  else if (tag == 0xdb || tag == 0xc6)
    prefix = 4;
  else
    return std::nullopt;
  if (value.size() < 1 + prefix) return std::nullopt;
  for (std::size_t i = 0; i < prefix; ++i)
    length = length << 8 | static_cast<unsigned char>(value[1 + i]);
  if (value.size() != 1 + prefix + length) return std::nullopt;
  return value.substr(1 + prefix);
}

std::optional<FoldError> begin_number(Builtin reducer, Encoding encoding, Bytes& result) {
  const auto number = encoding == Encoding::value ? number_from(result) : std::nullopt;
  if (!number || is_wide(result)) return not_a_number(reducer);
  result =
      bytes_of(*number);  // a number has one form, so the result does not depend on who folded it
  return std::nullopt;
}

std::optional<FoldError> begin_concat(Encoding encoding, Bytes& result) {
  if (encoding == Encoding::raw) return std::nullopt;
  const auto bytes = bytes_in(result);
  if (!bytes)
    return FoldError{"reducer 'concat' needs strings or raw bytes, and a result is neither"};
  result = Bytes(*bytes);
  return std::nullopt;
}

std::optional<FoldError> fold_concat(Bytes& left, BytesView right) {
  if (left.size() + right.size() > kItemBytesMax)
    return FoldError{"the concatenation is over the limit of " + std::to_string(kItemBytesMax) +
                     " bytes for one result"};
  left.append(right);
  return std::nullopt;
}

}  // namespace

std::optional<Builtin> builtin_reducer(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == name) return static_cast<Builtin>(i);
  return std::nullopt;
}

Encoding result_encoding(Builtin reducer) {
  return reducer == Builtin::concat ? Encoding::raw : Encoding::value;
}

std::optional<Bytes> reduction_of_nothing(Builtin reducer) {
  switch (reducer) {
    case Builtin::sum:
    case Builtin::count:
      return bytes_of(Int128{0});
    case Builtin::concat:
      return Bytes{};
    case Builtin::min:
    case Builtin::max:
      break;
  }
  return std::nullopt;
}

std::optional<FoldError> begin_partial(Builtin reducer, Encoding encoding, Bytes& result) {
  switch (reducer) {
    case Builtin::count:
      result = bytes_of(Int128{1});
      return std::nullopt;
    case Builtin::concat:
      return begin_concat(encoding, result);
    case Builtin::sum:
    case Builtin::min:
    case Builtin::max:
      break;
  }
  return begin_number(reducer, encoding, result);
}

std::optional<FoldError> fold(Builtin reducer, Bytes& left, BytesView right) {
  if (reducer == Builtin::concat) return fold_concat(left, right);
  const auto a = number_from(left);
  const auto b = number_from(right);
  if (!a || !b) return not_a_number(reducer);
  switch (reducer) {
    case Builtin::sum:
    case Builtin::count:
      left = bytes_of(add(*a, *b));
      break;
    // Of equal values (1 and 1.0) the left one is kept, so that the result does not depend on how
    // the tasks were divided.
    case Builtin::min:
      if (less(*b, *a)) left.assign(right);
      break;
    case Builtin::max:
      if (less(*a, *b)) left.assign(right);
      break;
    case Builtin::concat:
      break;
  }
  return std::nullopt;
}

std::optional<FoldError> end_partial(Builtin reducer, const Bytes& partial) {
  if (!is_wide(partial)) return std::nullopt;
  return FoldError{"the result of reducer '" + std::string(name_of(reducer)) +
                   "' does not fit 64 bits"};
}

}  // namespace quern::wire
