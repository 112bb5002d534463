// Items read from files: lines and blocks.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <system_error>
#include <thread>

#include "quern/error.hpp"
#include "quern/input.hpp"
#include "support/folder.hpp"

namespace quern {
namespace {

class Lines : public ::testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& text) {
    return folder_.write(name, text);
  }
  static std::vector<std::string> all(Items items) {
    std::vector<std::string> out;
    Bytes item;
    while (items.next(item)) out.push_back(item);
    EXPECT_FALSE(items.next(item)) << "an exhausted source must stay exhausted";
    return out;
  }
  test::Folder folder_;
};

using Strings = std::vector<std::string>;

TEST_F(Lines, each_line_is_an_item_without_its_newline) {
  EXPECT_EQ(all(lines_of({file("a", "one\ntwo\n")})), (Strings{"one", "two"}));
}

TEST_F(Lines, the_last_line_needs_no_newline) {
  EXPECT_EQ(all(lines_of({file("a", "one\ntwo")})), (Strings{"one", "two"}));
}

TEST_F(Lines, an_empty_file_has_no_lines) { EXPECT_EQ(all(lines_of({file("a", "")})), Strings{}); }

TEST_F(Lines, an_empty_line_is_an_empty_item) {
  EXPECT_EQ(all(lines_of({file("a", "\n\nx\n")})), (Strings{"", "", "x"}));
}

TEST_F(Lines, a_carriage_return_is_kept) {
  EXPECT_EQ(all(lines_of({file("a", "x\r\ny\r\n")})), (Strings{"x\r", "y\r"}));
}

TEST_F(Lines, all_bytes_are_kept) {
  const std::string binary("a\0b\xff\x80", 5);
  EXPECT_EQ(all(lines_of({file("a", binary + "\n")})), Strings{binary});
}

TEST_F(Lines, the_end_of_a_file_ends_a_line) {
  EXPECT_EQ(all(lines_of({file("a", "one"), file("b", ""), file("c", "two\n")})),
            (Strings{"one", "two"}));
}

TEST_F(Lines, lines_longer_than_one_read_stay_whole) {
  const std::string longer(3'500'000, 'x');
  EXPECT_EQ(all(lines_of({file("a", "s\n" + longer + "\nt\n" + longer)})),
            (Strings{"s", longer, "t", longer}));
}

TEST_F(Lines, more_files_than_descriptors_can_be_read) {
  const std::string name = file("a", "x\n");
  EXPECT_EQ(all(lines_of(Strings(5000, name))).size(), 5000u);
}

TEST_F(Lines, an_unreadable_file_is_an_error_at_once) {
  const auto message = [](const std::string& name) -> std::string {
    try {
      lines_of({name});
    } catch (const std::system_error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(message(folder_ / "none"), (folder_ / "none") + ": No such file or directory");
  EXPECT_EQ(message(folder_.path()), folder_.path() + ": Is a directory");
}

TEST_F(Lines, a_line_of_a_pipe_is_an_item_as_soon_as_it_arrives) {
  const std::string name = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(name.c_str(), 0600), 0);
  FILE* writer = nullptr;
  std::thread opener([&] { writer = std::fopen(name.c_str(), "w"); });
  Items items = lines_of({name});
  opener.join();
  Bytes item;
  for (const char* line : {"first", "second"}) {
    std::fprintf(writer, "%s\n", line);
    std::fflush(writer);
    ASSERT_TRUE(items.next(item));  // would hang if it waited for more
    EXPECT_EQ(item, line);
  }
  std::fclose(writer);
  EXPECT_FALSE(items.next(item));
}

TEST_F(Lines, a_line_over_the_item_limit_is_an_error_that_names_the_limit) {
  const std::string name = file("a", "");
  std::filesystem::resize_file(name, (64u << 20) + 10);  // one line of zeros
  Items items = lines_of({name});
  Bytes item;
  try {
    items.next(item);
    FAIL();
  } catch (const SubmitError& error) {
    EXPECT_EQ(error.code(), ErrorCode::limit);
    EXPECT_NE(std::string(error.what()).find("64 MiB"), std::string::npos);
  }
}

TEST_F(Lines, blocks_end_at_newlines_and_keep_every_byte) {
  std::string text;
  for (int i = 0; i < 20000; ++i) text += "line " + std::to_string(i) + "\n";
  const auto blocks = all(blocks_of({file("a", text)}, 1000));
  std::string joined;
  for (const auto& block : blocks) {
    EXPECT_LE(block.size(), 1000u);
    EXPECT_EQ(block.back(), '\n');
    joined += block;
  }
  EXPECT_EQ(joined, text);
  EXPECT_LT(blocks.size(), text.size() / 900);
}

TEST_F(Lines, blocks_without_newlines_end_at_white_space_and_never_within_words) {
  EXPECT_EQ(all(blocks_of({file("a", "aa bb cccccccccc dd ee")}, 6)),
            (Strings{"aa bb ", "cccccccccc ", "dd ee"}));
  EXPECT_EQ(all(blocks_of({file("b", "wordwithoutend")}, 4)), (Strings{"wordwithoutend"}));
  EXPECT_EQ(all(blocks_of({file("c", "")}, 4)), Strings{});
  EXPECT_EQ(all(blocks_of({file("d", "a b"), file("e", "c")}, 100)), (Strings{"a b", "c"}));
}

}  // namespace
}  // namespace quern
