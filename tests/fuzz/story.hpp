// Reads fuzz input as a story: a choice, then a message that is made from a sample with small
// changes.
#pragma once

#include <optional>
#include <vector>

#include "wire/codec.hpp"
#include "wire/samples.hpp"

namespace quern::fuzz {

class Story {
 public:
  Story(const std::uint8_t* data, std::size_t size) : at_(data), end_(data + size) {}

  bool over() const { return at_ == end_; }
  std::uint8_t byte() { return over() ? std::uint8_t{0} : *at_++; }
  std::uint64_t below(std::uint64_t n) { return n == 0 ? 0 : byte() % n; }

  /// One of the samples with up to three bytes of its header changed; nullopt if the result is no
  /// longer a message.
  std::optional<wire::Message> message() {
    static const auto samples = wire::test::samples();
    auto frames = wire::encode(samples[byte() % samples.size()].envelope);
    for (std::uint64_t changes = below(4); changes > 0; --changes) {
      Bytes header(frames[0].view());
      header[(byte() << 8 | byte()) % header.size()] = static_cast<char>(byte());
      frames[0] = wire::Buffer::adopt(std::move(header));
    }
    auto decoded = wire::decode(std::move(frames));
    auto* envelope = std::get_if<wire::Envelope>(&decoded);
    if (!envelope) return std::nullopt;
    return std::move(envelope->message);
  }

 private:
  const std::uint8_t* at_;
  const std::uint8_t* end_;
};

}  // namespace quern::fuzz
