// The fuzz targets. Each takes any bytes; nothing may crash, hang or break an invariant.
// fuzz_decode reads them as one message, the others as a story for one core: which message
// arrives, how it is changed, how much time passes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern::fuzz {

int fuzz_decode(const std::uint8_t* data, std::size_t size);
int fuzz_broker(const std::uint8_t* data, std::size_t size);
int fuzz_worker(const std::uint8_t* data, std::size_t size);
int fuzz_client(const std::uint8_t* data, std::size_t size);
/// Reads the bytes as statuses and renders the views of the command line.
int fuzz_views(const std::uint8_t* data, std::size_t size);
/// Reads the bytes as the head and the body of an HTTP request.
int fuzz_request(const std::uint8_t* data, std::size_t size);

}  // namespace quern::fuzz
