#include "notation/size.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace quern::notation {
namespace {

TEST(Size, a_number_with_or_without_a_unit_is_read) {
  const std::pair<const char*, std::uint64_t> cases[] = {{"0", 0},
                                                         {"65536", 65'536},
                                                         {"7B", 7},
                                                         {"64K", 65'536},
                                                         {"64k", 65'536},
                                                         {"64KiB", 65'536},
                                                         {"64kB", 64'000},
                                                         {"64KB", 64'000},
                                                         {"1M", 1u << 20},
                                                         {"1MiB", 1u << 20},
                                                         {"1MB", 1000'000},
                                                         {"2G", 2ULL << 30},
                                                         {"2GB", 2'000'000'000},
                                                         {"1T", 1ULL << 40},
                                                         {"1.5M", 3u << 19},
                                                         {".5k", 512},
                                                         {"1048576T", 1ULL << 60}};
  for (const auto& [text, bytes] : cases) EXPECT_EQ(size_in(text), bytes) << text;
}

TEST(Size, anything_else_is_refused) {
  for (const char* text : {"", "K", "-1", "-0", "+1", " 1", "1 ", "1 K", "1e3", "0x10", "1b", "1kb",
                           "1Ki", "1KiBB", "1P", "nan", "inf", "1048577T", "99999999999999999999G"})
    EXPECT_EQ(size_in(text), std::nullopt) << text;
}

}  // namespace
}  // namespace quern::notation
