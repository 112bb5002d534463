#include "wire/input_digest.hpp"

namespace quern::wire {
namespace {

constexpr std::uint64_t kPrime = 0x100000001b3ULL;

}  // namespace

void InputDigest::add(const Batch& batch) {
  for (BatchReader reader(batch); !reader.at_end();) add(reader.next());
}

void InputDigest::add(BytesView payload) {
  std::uint64_t value = value_;
  for (const char c : payload) value = (value ^ static_cast<unsigned char>(c)) * kPrime;
  value_ = value;
  add(std::uint64_t{payload.size()});  // so that "ab", "c" differs from "a", "bc"
}

void InputDigest::add(std::uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8) value_ = (value_ ^ (number >> shift & 0xff)) * kPrime;
}

}  // namespace quern::wire
