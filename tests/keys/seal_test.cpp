// Sealed texts, and an audit log that is read from its end.
#include "keys/seal.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "keys/audit_files.hpp"
#include "support/folder.hpp"

namespace quern::keys {
namespace {

const std::string kSealKey(kSealKeyBytes, 'k');

TEST(Seal, a_text_comes_back_and_is_not_visible) {
  const std::string sealed = seal("a secret", kSealKey);
  EXPECT_EQ(sealed.find("secret"), std::string::npos);
  EXPECT_EQ(open_sealed(sealed, kSealKey), "a secret");
  EXPECT_NE(seal("a secret", kSealKey), sealed) << "each has a nonce of its own";
  EXPECT_EQ(open_sealed(seal("", kSealKey), kSealKey), "");
}

TEST(Seal, every_changed_character_is_noticed) {
  const std::string sealed = seal("a secret", kSealKey);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(open_sealed(changed, kSealKey)) << i;
    EXPECT_FALSE(open_sealed(sealed.substr(0, i), kSealKey)) << i;
  }
  EXPECT_FALSE(open_sealed(sealed, std::string(kSealKeyBytes, 'x')));
  EXPECT_FALSE(open_sealed("not base64 !", kSealKey));
}

std::vector<std::string> backwards(const std::vector<std::string>& files, std::size_t most) {
  std::vector<std::string> lines;
  for_each_line_backwards(files, [&](const std::string& line) {
    lines.push_back(line);
    return lines.size() < most;
  });
  return lines;
}

TEST(AuditBackwards, lines_of_several_files_come_newest_first) {
  const test::Folder folder;
  const std::string old = folder.path() + "/1", current = folder.path() + "/2";
  std::ofstream(old) << "a\nb\n";
  std::ofstream(current) << "c\nd\nbeing written";
  EXPECT_EQ(backwards({old, current}, 10), (std::vector<std::string>{"d", "c", "b", "a"}));
  EXPECT_EQ(backwards({old, current}, 3), (std::vector<std::string>{"d", "c", "b"}));
}

TEST(AuditBackwards, lines_may_lie_across_blocks) {
  const test::Folder folder;
  const std::string path = folder.path() + "/log";
  std::vector<std::string> written;
  std::ofstream file(path);
  for (int i = 0; i < 2000; ++i) {
    written.push_back(std::to_string(i) + std::string(static_cast<std::size_t>(i % 97), 'x'));
    file << written.back() << '\n';
  }
  file.close();
  std::reverse(written.begin(), written.end());
  EXPECT_EQ(backwards({path}, 5000), written);
}

TEST(AuditBackwards, an_empty_file_has_no_lines) {
  const test::Folder folder;
  const std::string path = folder.path() + "/log";
  std::ofstream{path};
  EXPECT_TRUE(backwards({path}, 10).empty());
}

}  // namespace
}  // namespace quern::keys
