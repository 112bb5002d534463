// The fuzzer's target over its corpus, so that every build runs it. QUERN_FUZZ_CORPUS=DIR also writes the
// corpus there.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "fuzz/decode_fuzz.hpp"
#include "wire/samples.hpp"

namespace quern::wire::fuzz {
namespace {

void run(BytesView input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

TEST(Fuzz, InputsAreMessages) {
  for (const auto& s : test::samples()) {
    const auto frames = encode(s.envelope);
    EXPECT_EQ(frames_of(input_of(frames)), frames) << s.name;
  }
}

TEST(Fuzz, TheCorpusAndItsCuts) {
  const char* directory = std::getenv("QUERN_FUZZ_CORPUS");
  for (const auto& s : test::samples()) {
    const Bytes input = input_of(encode(s.envelope));
    if (directory) std::ofstream(std::string(directory) + "/" + s.name, std::ios::binary) << input;
    for (std::size_t length = 0; length <= input.size(); ++length) run(BytesView(input).substr(0, length));
    for (std::size_t at = 0; at < input.size(); ++at) {
      Bytes flipped = input;
      flipped[at] = static_cast<char>(~flipped[at]);
      run(flipped);
    }
  }
}

}  // namespace
}  // namespace quern::wire::fuzz
