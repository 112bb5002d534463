// The fuzz targets as ordinary tests: over the small corpus in this folder, and over random inputs
// from fixed seeds.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "fuzz/decode_fuzz.hpp"
#include "fuzz/targets.hpp"
#include "wire/samples.hpp"

namespace quern::wire::fuzz {
namespace {

void run(BytesView input) {
  quern::fuzz::fuzz_decode(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

TEST(Fuzz, fuzz_inputs_are_messages) {
  for (const auto& s : test::samples()) {
    const auto frames = encode(s.envelope);
    EXPECT_EQ(frames_of(input_of(frames)), frames) << s.name;
  }
}

TEST(Fuzz, samples_truncated_and_flipped_anywhere_never_crash) {
  for (const auto& s : test::samples()) {
    const Bytes input = input_of(encode(s.envelope));
    for (std::size_t length = 0; length <= input.size(); ++length)
      run(BytesView(input).substr(0, length));
    for (std::size_t at = 0; at < input.size(); ++at) {
      Bytes flipped = input;
      flipped[at] = static_cast<char>(~flipped[at]);
      run(flipped);
    }
  }
}

struct Target {
  const char* name;
  int (*run)(const std::uint8_t*, std::size_t);
};

class Targets : public ::testing::TestWithParam<Target> {};

TEST_P(Targets, the_corpus_never_crashes) {
  const std::filesystem::path corpus =
      std::filesystem::path(QUERN_SOURCE_DIR) / "tests/fuzz/corpus" / GetParam().name;
  ASSERT_TRUE(std::filesystem::is_directory(corpus));
  for (const auto& file : std::filesystem::directory_iterator(corpus)) {
    std::ifstream in(file.path(), std::ios::binary);
    const std::string input((std::istreambuf_iterator<char>(in)), {});
    GetParam().run(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
  }
}

TEST_P(Targets, random_inputs_never_crash) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    std::vector<std::uint8_t> input(random() % 600);
    for (auto& byte : input) byte = static_cast<std::uint8_t>(random());
    GetParam().run(input.data(), input.size());
  }
}

INSTANTIATE_TEST_SUITE_P(All, Targets,
                         ::testing::Values(Target{"decode", quern::fuzz::fuzz_decode},
                                           Target{"broker", quern::fuzz::fuzz_broker},
                                           Target{"worker", quern::fuzz::fuzz_worker},
                                           Target{"client", quern::fuzz::fuzz_client},
                                           Target{"views", quern::fuzz::fuzz_views},
                                           Target{"request", quern::fuzz::fuzz_request}),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace quern::wire::fuzz
