#include "fuzz/decode_fuzz.hpp"

#include "fuzz/targets.hpp"

#include <algorithm>
#include <cstdlib>

namespace quern::wire::fuzz {

Bytes input_of(const Frames& frames) {
  Bytes out(1, static_cast<char>(frames.size() - 1));
  for (std::size_t i = 0; i + 1 < frames.size(); ++i)
    for (int shift = 0; shift < 24; shift += 8)
      out.push_back(static_cast<char>(frames[i].size() >> shift & 0xff));
  for (const auto& frame : frames) out += frame.view();
  return out;
}

Frames frames_of(BytesView input) {
  const auto take = [&](std::size_t n) {
    const BytesView taken = input.substr(0, n);
    input.remove_prefix(taken.size());
    return taken;
  };
  std::vector<std::size_t> sizes;
  const BytesView first = take(1);
  for (std::size_t i = first.empty() ? 0 : static_cast<unsigned char>(first[0]) % 8; i > 0; --i) {
    std::size_t size = 0;
    const BytesView bytes = take(3);
    for (std::size_t at = bytes.size(); at-- > 0;)
      size = size << 8 | static_cast<unsigned char>(bytes[at]);
    sizes.push_back(size);
  }
  Frames frames;
  for (const auto size : sizes) frames.push_back(Buffer::copy(take(size)));
  frames.push_back(Buffer::copy(input));
  return frames;
}

}  // namespace quern::wire::fuzz

/// Nothing may crash, and a message that decodes must survive a round trip.
int quern::fuzz::fuzz_decode(const std::uint8_t* data, std::size_t size) {
  using namespace quern::wire;
  const quern::BytesView input(reinterpret_cast<const char*>(data), size);
  Piggybacked piggybacked, piggybacked_again;
  const auto decoded = decode(wire::fuzz::frames_of(input), &piggybacked);
  const auto* envelope = std::get_if<Envelope>(&decoded);
  if (!envelope) return 0;
  const auto again = decode(encode(*envelope, piggybacked), &piggybacked_again);
  if (!std::holds_alternative<Envelope>(again)) std::abort();
  // A shortened text or answer may differ, but nothing small is shortened.
  if (size < kTextBytesMax &&
      !(std::get<Envelope>(again) == *envelope && piggybacked_again == piggybacked))
    std::abort();
  return 0;
}
