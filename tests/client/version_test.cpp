// quern/version.hpp: the forms of the version agree.
#include "quern/version.hpp"

#include <gtest/gtest.h>

#include <string>

namespace quern {
namespace {

TEST(Version, every_form_has_the_same_numbers) {
  const std::string text = std::to_string(QUERN_VERSION_MAJOR) + '.' +
                           std::to_string(QUERN_VERSION_MINOR) + '.' +
                           std::to_string(QUERN_VERSION_PATCH);
  EXPECT_EQ(kVersion, text);
  EXPECT_EQ(std::to_string(QUERN_VERSION_NUMBER / 10000) + '.' +
                std::to_string(QUERN_VERSION_NUMBER / 100 % 100) + '.' +
                std::to_string(QUERN_VERSION_NUMBER % 100),
            text);
}

TEST(Version, the_protocol_range_is_not_empty) { EXPECT_LE(kProtocolOldest, kProtocolNewest); }

}  // namespace
}  // namespace quern
