// What `quern map` reads: records of files, lists of arguments, and when it stops or waits.
#include <thread>

#include "cli/cli_fixture.hpp"
#include "cli/request/argument_source.hpp"
#include "cli/request/halt.hpp"
#include "cli/request/intake_window.hpp"
#include "cli/request/records.hpp"
#include "cli/syntax/options.hpp"

namespace quern::cli {
namespace {

Words records_of(Records& records) {
  Words out;
  for (std::string record; records.next(record);) out.push_back(record);
  return out;
}

class RecordsOfFiles : public Files {};

TEST_F(RecordsOfFiles, a_record_ends_at_its_separator_or_at_the_end_of_the_file) {
  const struct {
    std::string text;
    char end;
    Words records;
  } table[] = {{"", '\n', {}},
               {"\n", '\n', {""}},
               {"a\nb", '\n', {"a", "b"}},
               {"a\n\nb\n", '\n', {"a", "", "b"}},
               {"a\r\n", '\n', {"a\r"}},
               {std::string("a\nb\0\0c", 6), '\0', {"a\nb", "", "c"}}};
  for (const auto& row : table) {
    Records records({write("r", row.text)}, row.end);
    EXPECT_EQ(records_of(records), row.records) << row.text;
  }
  Records two({write("x", "a\nb"), write("y", "c\n")}, '\n');
  EXPECT_EQ(records_of(two), (Words{"a", "b", "c"}));
}

TEST_F(RecordsOfFiles, records_of_any_size_are_read) {
  const std::string huge(3'000'000, 'x');
  Records records({write("h", "a\n" + huge + "\nb\n")}, '\n');
  EXPECT_EQ(records_of(records), (Words{"a", huge, "b"}));
}

TEST_F(RecordsOfFiles, blocks_contain_whole_records) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += std::to_string(i) + '\n';
  for (const std::size_t about : {1u, 7u, 1000u, 100'000u, 10'000'000u}) {
    if (about < 1000) text.resize(5000);
    Records records({write("b", text)}, '\n');
    std::string all, block;
    while (records.next_block(block, about)) {
      all += block;
      EXPECT_TRUE(block.ends_with('\n') || all.size() == text.size());
      EXPECT_LE(block.size(), std::max<std::size_t>(about, 8));
    }
    EXPECT_EQ(all, text) << about;
  }
}

TEST_F(RecordsOfFiles, a_record_longer_than_a_block_is_a_block_of_its_own) {
  Records records({write("l", "short\n" + std::string(1'000'000, 'x') + "\nend")}, '\n');
  std::vector<std::size_t> sizes;
  for (std::string block; records.next_block(block, 1000);) sizes.push_back(block.size());
  EXPECT_EQ(sizes, (std::vector<std::size_t>{6, 1'000'001, 3}));
}

TEST_F(RecordsOfFiles, unreadable_files_are_reported_at_once) {
  EXPECT_THROW(Records({folder_ / "none"}, '\n'), FileError);
  EXPECT_THROW(Records({folder_.path()}, '\n'), FileError);
}

TEST_F(RecordsOfFiles, a_nul_in_a_line_is_an_error_with_advice) {
  auto source = arguments_of(
      std::make_unique<Records>(Words{write("n", std::string("a\nb\0c\n", 6))}, '\n'), 1);
  Words arguments;
  EXPECT_TRUE(source->next(arguments));
  try {
    source->next(arguments);
    FAIL();
  } catch (const FileError& error) {
    EXPECT_NE(std::string(error.what()).find("line 2"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("-0"), std::string::npos);
  }
}

std::vector<Words> all_of(ArgumentSource& source) {
  std::vector<Words> out;
  for (Words arguments; source.next(arguments);) out.push_back(arguments);
  return out;
}

TEST(ArgumentLists, argument_lists_are_split_or_combined) {
  EXPECT_EQ(all_of(*arguments_of({{"a", "b", "c"}}, 1)), (std::vector<Words>{{"a"}, {"b"}, {"c"}}));
  EXPECT_EQ(all_of(*arguments_of({{"a", "b", "c"}}, 2)), (std::vector<Words>{{"a", "b"}, {"c"}}));
  EXPECT_EQ(all_of(*arguments_of({{"a", "b"}, {"1", "2"}}, 1)),
            (std::vector<Words>{{"a", "1"}, {"a", "2"}, {"b", "1"}, {"b", "2"}}));
  EXPECT_EQ(all_of(*arguments_of(std::vector<Words>{{}}, 1)), std::vector<Words>{});
  EXPECT_EQ(all_of(*arguments_of({{"a"}, {}}, 1)), std::vector<Words>{});
}

TEST(HaltText, a_halt_condition_says_when_to_stop) {
  using When = Halt::When;
  Halt never = Halt::from("never");
  EXPECT_EQ(never.on_result(false, 1), When::never);
  Halt now = Halt::from("now,fail=2");
  EXPECT_EQ(now.on_result(false, 9), When::never);
  EXPECT_EQ(now.on_result(true, 9), When::never);
  EXPECT_EQ(now.on_result(false, 9), When::now);
  EXPECT_EQ(now.on_result(false, 9), When::never) << "the condition is reported once";
  Halt share = Halt::from("soon,fail=10%");
  EXPECT_EQ(share.on_result(false, 10), When::never) << "too few results for a percentage";
  EXPECT_EQ(share.on_result(true, 10), When::never);
  EXPECT_EQ(share.on_result(true, 10), When::soon);
  Halt success = Halt::from("now,success=1");
  EXPECT_EQ(success.on_result(false, 3), When::never);
  EXPECT_EQ(success.on_result(true, 3), When::now);
  EXPECT_TRUE(success.content());
  Halt done = Halt::from("soon,done=2");
  EXPECT_EQ(done.on_result(false, 3), When::never);
  EXPECT_EQ(done.on_result(true, 3), When::soon);
  for (const char* bad : {"", "now", "now,fail", "later,fail=1", "now,maybe=1", "now,fail=0",
                          "now,fail=x", "now,fail=101%", "fail=1,now"})
    EXPECT_THROW(Halt::from(bad), UsageError) << bad;
}

TEST(IntakeWindows, a_full_window_waits_until_results_arrive) {
  IntakeWindow window(2, 100);
  EXPECT_TRUE(window.enter(60));
  std::thread waits([&] {
    EXPECT_TRUE(window.enter(60));  // waits until the first one has left
    EXPECT_FALSE(window.enter(60));
  });
  window.leave(0);
  while (window.entered() < 2) std::this_thread::yield();
  window.close();
  waits.join();
  EXPECT_EQ(window.entered(), 2u);
}

TEST(IntakeWindows, one_item_always_fits) {
  IntakeWindow window(10, 10);
  EXPECT_TRUE(window.enter(1000));
}

}  // namespace
}  // namespace quern::cli
