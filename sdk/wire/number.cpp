#include "wire/number.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace quern::wire {
namespace {

constexpr unsigned char kExt16 = 0xd8;  // msgpack fixext 16, followed by the type
constexpr char kWideType = 1;
constexpr double kTwo127 = 170141183460469231731687303715884105728.0;

std::uint64_t load_big(BytesView bytes) {
  std::uint64_t v = 0;
  for (const char c : bytes) v = v << 8 | static_cast<unsigned char>(c);
  return v;
}

void append_big(Bytes& out, std::uint64_t v, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(v >> shift & 0xff));
}

std::int64_t sign_extend(std::uint64_t v, int bytes) {
  const int unused = 64 - 8 * bytes;
  return static_cast<std::int64_t>(v << unused) >> unused;
}

Int128 wide_from(BytesView bytes) {
  const auto high = static_cast<Int128>(static_cast<std::int64_t>(load_big(bytes.substr(0, 8))));
  return high * (static_cast<Int128>(1) << 64) + static_cast<Int128>(load_big(bytes.substr(8)));
}

Bytes bytes_of_integer(Int128 n) {
  Bytes out;
  const auto put = [&](unsigned char tag, std::uint64_t v, int bytes) {
    out.push_back(static_cast<char>(tag));
    append_big(out, v, bytes);
  };
  const auto low = static_cast<std::uint64_t>(n);
  if (n >= 0) {
    if (n < 128)
      out.push_back(static_cast<char>(low));
    else if (n <= 0xff)
      put(0xcc, low, 1);
    else if (n <= 0xffff)
      put(0xcd, low, 2);
    else if (n <= 0xffffffffLL)
      put(0xce, low, 4);
    else if (n <= static_cast<Int128>(std::numeric_limits<std::uint64_t>::max()))
      put(0xcf, low, 8);
  } else {
    if (n >= -32)
      out.push_back(static_cast<char>(low & 0xff));
    else if (n >= -0x80)
      put(0xd0, low & 0xff, 1);
    else if (n >= -0x8000)
      put(0xd1, low & 0xffff, 2);
    else if (n >= -0x80000000LL)
      put(0xd2, low & 0xffffffff, 4);
    else if (n >= static_cast<Int128>(std::numeric_limits<std::int64_t>::min()))
      put(0xd3, low, 8);
  }
  if (out.empty()) {
    out.push_back(static_cast<char>(kExt16));
    out.push_back(kWideType);
    append_big(out, static_cast<std::uint64_t>(n >> 64), 8);
    append_big(out, low, 8);
  }
  return out;
}

/// -1, 0, 1 for a < b, a == b, a > b; exact, because min and max would not be associative
/// otherwise.
int compare(Int128 a, double b) {
  if (std::isnan(b) || b >= kTwo127) return -1;
  if (b < -kTwo127) return 1;
  const auto whole = static_cast<Int128>(b);  // towards zero
  if (a != whole) return a < whole ? -1 : 1;
  const double rest = b - static_cast<double>(whole);
  return rest > 0 ? -1 : rest < 0 ? 1 : 0;
}

double as_double(const Number& n) {
  if (const auto* d = std::get_if<double>(&n)) return *d;
  return static_cast<double>(std::get<Int128>(n));
}

}  // namespace

std::optional<Number> number_from(BytesView value) {
  if (value.empty()) return std::nullopt;
  const auto tag = static_cast<unsigned char>(value[0]);
  const BytesView rest = value.substr(1);
  const auto has = [&](std::size_t n) { return rest.size() == n; };
  if (tag < 0x80) return has(0) ? std::optional<Number>(Int128{tag}) : std::nullopt;
  if (tag >= 0xe0)
    return has(0) ? std::optional<Number>(Int128{static_cast<signed char>(tag)}) : std::nullopt;
  switch (tag) {
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
      if (!has(1u << (tag - 0xcc))) return std::nullopt;
      return Number(static_cast<Int128>(load_big(rest)));
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
      if (!has(1u << (tag - 0xd0))) return std::nullopt;
      return Number(static_cast<Int128>(sign_extend(load_big(rest), 1 << (tag - 0xd0))));
    case 0xca:
      if (!has(4)) return std::nullopt;
      return Number(
          static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(load_big(rest)))));
    case 0xcb:
      if (!has(8)) return std::nullopt;
      return Number(std::bit_cast<double>(load_big(rest)));
    case kExt16:
      if (!has(17) || rest[0] != kWideType) return std::nullopt;
      return Number(wide_from(rest.substr(1)));
    default:
      return std::nullopt;
  }
}

Bytes bytes_of(const Number& number) {
  if (const auto* n = std::get_if<Int128>(&number)) return bytes_of_integer(*n);
  double d = std::get<double>(number);
  if (std::isnan(d))
    d = std::numeric_limits<double>::quiet_NaN();  // one NaN, so that results compare as bytes
  Bytes out(1, static_cast<char>(0xcb));
  append_big(out, std::bit_cast<std::uint64_t>(d), 8);
  return out;
}

bool is_wide(BytesView value) {
  return value.size() == 18 && static_cast<unsigned char>(value[0]) == kExt16 &&
         value[1] == kWideType;
}

Number add(const Number& a, const Number& b) {
  const auto* x = std::get_if<Int128>(&a);
  const auto* y = std::get_if<Int128>(&b);
  Int128 sum;
  // 2^62 tasks of 64 bits fit; only forged partials can overflow, and those must not be undefined
  // behaviour.
  if (x && y && !__builtin_add_overflow(*x, *y, &sum)) return sum;
  return as_double(a) + as_double(b);
}

bool less(const Number& a, const Number& b) {
  const auto* x = std::get_if<Int128>(&a);
  const auto* y = std::get_if<Int128>(&b);
  if (x && y) return *x < *y;
  if (x) return compare(*x, std::get<double>(b)) < 0;
  if (y) return compare(*y, std::get<double>(a)) > 0;
  const double p = std::get<double>(a);
  const double q = std::get<double>(b);
  if (std::isnan(p)) return false;
  return std::isnan(q) || p < q;
}

}  // namespace quern::wire
