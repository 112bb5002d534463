// The entry point of a fuzzer; QUERN_FUZZ_TARGET names the target.
#include "fuzz/targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return quern::fuzz::QUERN_FUZZ_TARGET(data, size);
}
