// Answers of people on disk.
#include "gateway/people/answer_log.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <system_error>

#include "support/folder.hpp"

namespace quern::gateway {
namespace {

const ItemName kItem{"j", 0};

class AnswerLogTest : public ::testing::Test {
 protected:
  std::string path() const { return folder_ / "people"; }
  /// How many answers a gateway finds that starts now.
  std::uint64_t found() const {
    Desk desk;
    AnswerLog(path()).load(desk);
    std::uint64_t answers = 0;
    for (const auto& [name, record] : desk.people()) answers += record.answers;
    return answers;
  }

  test::Folder folder_;
};

TEST_F(AnswerLogTest, answers_are_found_again_with_the_function_that_misses_them) {
  {
    AnswerLog log(path());
    log.add(kItem, "label", {"ann", "cat", 1}, false, false);
    log.add({"j", 1}, "check", {"ann", "dog", 1}, true, true);
    log.end({"j", 1}, Json("dog"));
  }
  Desk desk;
  EXPECT_EQ(AnswerLog(path()).load(desk), std::set<std::string>{"label"});
  EXPECT_EQ(desk.people().at("ann").gold_right, 1u);
  EXPECT_EQ(desk.people().at("ann").compared, 1u);
}

TEST_F(AnswerLogTest, two_gateways_do_not_use_one_file) {
  AnswerLog first(path());
  EXPECT_TRUE(first.is_ours());
  EXPECT_FALSE(AnswerLog(path()).is_ours());
}

TEST_F(AnswerLogTest, a_line_that_was_not_written_as_a_whole_does_not_spoil_the_next_one) {
  AnswerLog log(path());
  log.add(kItem, "label", {"ann", "cat", 1}, false, false);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  rlimit small = before;
  small.rlim_cur = std::filesystem::file_size(path()) + 10;
  ::setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_THROW(log.add(kItem, "label", {"bob", "cat", 1}, false, false), std::system_error);
  ::setrlimit(RLIMIT_FSIZE, &before);
  log.add(kItem, "label", {"eve", "cat", 1}, false, false);
  log.end({"other", 1}, std::nullopt);
  std::string text;
  std::ifstream in(path());
  int lines = 0;
  for (; std::getline(in, text); ++lines) EXPECT_TRUE(shallow_json(text)) << text;
  EXPECT_EQ(lines, 3);
}

TEST_F(AnswerLogTest, what_nobody_can_read_is_dropped) {
  {
    AnswerLog log(path());
    log.add(kItem, "label", {"ann", "cat", 1}, false, false);
  }
  std::ofstream(path(), std::ios::app) << "{\"job\":\"j\",\"ta";
  EXPECT_EQ(found(), 1u);
  EXPECT_EQ(found(), 1u);
}

}  // namespace
}  // namespace quern::gateway
