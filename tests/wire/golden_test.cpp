// The bytes on the wire are fixed: every sample encodes to its golden file, and no truncated file
// is accepted as a message.
#include "wire/golden.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "wire/samples.hpp"

namespace quern::wire::test {
namespace {

bool is_error(const Frames& frames) { return std::holds_alternative<DecodeError>(decode(frames)); }

/// Parts that are opaque to the codec: a message is valid with any length of them.
bool opaque(const Message& message, std::size_t part) {
  if (std::holds_alternative<Common>(message) || std::holds_alternative<Blob>(message))
    return part == 1;
  if (const auto* submit = std::get_if<Submit>(&message))
    return (submit->has_common || submit->has_links) && part == 1;
  if (std::holds_alternative<Schedule>(message)) return part == 1;
  return std::holds_alternative<JobUpdate>(message) && part == 1;
}

TEST(Golden, every_message_encodes_to_its_file) {
  const bool write = std::getenv("QUERN_GOLDEN_WRITE") != nullptr;
  for (const auto& [name, envelope] : samples()) {
    SCOPED_TRACE(name);
    const std::string text = golden_text(std::string(name_of(envelope.message)), encode(envelope));
    if (write) write_golden(name, text);
    EXPECT_EQ(read_golden(name), text);
  }
}

TEST(Golden, every_file_decodes_to_its_message) {
  for (const auto& [name, envelope] : samples()) {
    SCOPED_TRACE(name);
    const auto decoded = decode(golden_frames(read_golden(name)));
    const auto* error = std::get_if<DecodeError>(&decoded);
    ASSERT_EQ(error, nullptr) << error->text;
    EXPECT_TRUE(std::get<Envelope>(decoded) == envelope);
  }
}

TEST(Golden, every_message_type_has_a_file) {
  std::set<std::size_t> seen;
  for (const auto& s : samples()) seen.insert(s.envelope.message.index());
  EXPECT_EQ(seen.size(), std::variant_size_v<Message>);
}

TEST(Golden, every_truncated_part_is_an_error_unless_it_is_opaque) {
  for (const auto& [name, envelope] : samples()) {
    const Frames whole = encode(envelope);
    for (std::size_t part = 0; part < whole.size(); ++part) {
      for (std::size_t length = 0; length < whole[part].size(); ++length) {
        Frames cut = whole;
        // A separate copy, so that the address sanitizer detects a read beyond the cut.
        cut[part] = Buffer::copy(whole[part].view().substr(0, length));
        EXPECT_EQ(is_error(cut), !opaque(envelope.message, part))
            << name << " part " << part << " cut to " << length;
      }
    }
  }
}

TEST(Golden, a_missing_or_extra_part_is_an_error) {
  for (const auto& [name, envelope] : samples()) {
    SCOPED_TRACE(name);
    const Frames whole = encode(envelope);
    for (std::size_t part = 0; part < whole.size(); ++part) {
      Frames fewer = whole;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(part));
      EXPECT_TRUE(is_error(fewer)) << "without part " << part;
    }
    if (name == "hello_foreign") continue;  // the parts of another version are unknown
    for (const auto& extra : {Buffer(), Buffer::copy("x")}) {
      Frames more = whole;
      more.push_back(extra);
      EXPECT_TRUE(is_error(more));
    }
  }
}

TEST(Golden, a_byte_after_the_header_is_an_error) {
  for (const auto& [name, envelope] : samples()) {
    Frames frames = encode(envelope);
    frames[0] = Buffer::adopt(Bytes(frames[0].view()) + '\xc0');
    EXPECT_TRUE(is_error(frames)) << name;
  }
}

}  // namespace
}  // namespace quern::wire::test
