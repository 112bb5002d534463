// What `quern map` decides, without a broker.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "cli/argument_source.hpp"
#include "cli/command_files.hpp"
#include "cli/command_items.hpp"
#include "cli/command_printer.hpp"
#include "cli/halt.hpp"
#include "cli/intake_window.hpp"
#include "cli/joblog.hpp"
#include "cli/map_request.hpp"
#include "cli/options.hpp"
#include "cli/records.hpp"
#include "cli/results_folder.hpp"
#include "cli/shell_words.hpp"

namespace quern::cli {
namespace {

using Words = std::vector<std::string>;

class Files : public testing::Test {
 protected:
  Files() {
    char pattern[] = "/tmp/quern-map-XXXXXX";
    folder_ = ::mkdtemp(pattern);
  }
  ~Files() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) const {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  static std::string read(const std::string& path) {
    std::stringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }
  std::string folder_;
};

Words records_of(Records& records) {
  Words out;
  for (std::string record; records.next(record);) out.push_back(record);
  return out;
}

class RecordsOfFiles : public Files {};

TEST_F(RecordsOfFiles, end_at_their_end_or_at_that_of_the_file) {
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

TEST_F(RecordsOfFiles, come_through_whatever_their_size) {
  const std::string huge(3'000'000, 'x');
  Records records({write("h", "a\n" + huge + "\nb\n")}, '\n');
  EXPECT_EQ(records_of(records), (Words{"a", huge, "b"}));
}

TEST_F(RecordsOfFiles, blocks_are_whole_records) {
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

TEST_F(RecordsOfFiles, a_record_longer_than_a_block_is_a_block) {
  Records records({write("l", "short\n" + std::string(1'000'000, 'x') + "\nend")}, '\n');
  std::vector<std::size_t> sizes;
  for (std::string block; records.next_block(block, 1000);) sizes.push_back(block.size());
  EXPECT_EQ(sizes, (std::vector<std::size_t>{6, 1'000'001, 3}));
}

TEST_F(RecordsOfFiles, what_cannot_be_read_is_said_at_once) {
  EXPECT_THROW(Records({folder_ + "/none"}, '\n'), FileError);
  EXPECT_THROW(Records({folder_}, '\n'), FileError);
}

TEST_F(RecordsOfFiles, a_nul_in_a_line_is_an_error_with_advice) {
  auto source = arguments_of(std::make_unique<Records>(Words{write("n", std::string("a\nb\0c\n", 6))}, '\n'), 1);
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

TEST(ArgumentLists, are_dealt_out_or_combined) {
  EXPECT_EQ(all_of(*arguments_of({{"a", "b", "c"}}, 1)), (std::vector<Words>{{"a"}, {"b"}, {"c"}}));
  EXPECT_EQ(all_of(*arguments_of({{"a", "b", "c"}}, 2)), (std::vector<Words>{{"a", "b"}, {"c"}}));
  EXPECT_EQ(all_of(*arguments_of({{"a", "b"}, {"1", "2"}}, 1)), (std::vector<Words>{{"a", "1"}, {"a", "2"}, {"b", "1"}, {"b", "2"}}));
  EXPECT_EQ(all_of(*arguments_of(std::vector<Words>{{}}, 1)), std::vector<Words>{});
  EXPECT_EQ(all_of(*arguments_of({{"a"}, {}}, 1)), std::vector<Words>{});
}

TEST(HaltText, says_when) {
  using When = Halt::When;
  Halt never = Halt::from("never");
  EXPECT_EQ(never.on_result(false, 1), When::never);
  Halt now = Halt::from("now,fail=2");
  EXPECT_EQ(now.on_result(false, 9), When::never);
  EXPECT_EQ(now.on_result(true, 9), When::never);
  EXPECT_EQ(now.on_result(false, 9), When::now);
  EXPECT_EQ(now.on_result(false, 9), When::never) << "told once";
  Halt share = Halt::from("soon,fail=10%");
  EXPECT_EQ(share.on_result(false, 10), When::never) << "too few to say a share of";
  EXPECT_EQ(share.on_result(true, 10), When::never);
  EXPECT_EQ(share.on_result(true, 10), When::soon);
  Halt success = Halt::from("now,success=1");
  EXPECT_EQ(success.on_result(false, 3), When::never);
  EXPECT_EQ(success.on_result(true, 3), When::now);
  EXPECT_TRUE(success.content());
  Halt done = Halt::from("soon,done=2");
  EXPECT_EQ(done.on_result(false, 3), When::never);
  EXPECT_EQ(done.on_result(true, 3), When::soon);
  for (const char* bad : {"", "now", "now,fail", "later,fail=1", "now,maybe=1", "now,fail=0", "now,fail=x", "now,fail=101%", "fail=1,now"})
    EXPECT_THROW(Halt::from(bad), UsageError) << bad;
}

TEST(IntakeWindows, hold_back_until_results_are_there) {
  IntakeWindow window(2, 100);
  EXPECT_TRUE(window.enter(60));
  std::thread waits([&] {
    EXPECT_TRUE(window.enter(60));  // no room for it before the first has left
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

class Logs : public Files {};

TEST_F(Logs, are_gone_on_with) {
  const std::string file = folder_ + "/log";
  CommandResult result;
  {
    Joblog log(file, Resume::no);
    result.number = 1;
    result.host = "here";
    log.add(result, "true\tx\ny");
    result.number = 2;
    result.code = 3;
    log.add(result, "false");
  }
  EXPECT_EQ(read(file).substr(0, 73), "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n1\there\t");
  std::ofstream(file, std::ios::app) << "3\there\t1.0";  // cut off by a crash
  EXPECT_EQ(Joblog(file, Resume::all_but_logged).done(), (std::set<std::uint64_t>{1, 2}));
  EXPECT_EQ(Joblog(file, Resume::all_but_succeeded).done(), (std::set<std::uint64_t>{1}));
  result.number = 4;
  result.code = 0;
  Joblog(file, Resume::all_but_logged).add(result, "after the crash");
  EXPECT_EQ(Joblog(file, Resume::all_but_logged).done(), (std::set<std::uint64_t>{1, 2, 4}));
  EXPECT_TRUE(Joblog(file, Resume::no).done().empty());
  EXPECT_THROW(Joblog(write("other", "a,b\n"), Resume::all_but_logged), FileError);
  EXPECT_THROW(Joblog(folder_ + "/no/log", Resume::no), FileError);
}

TEST_F(Logs, results_are_files) {
  CommandResult result;
  result.number = 4;
  result.out = "out";
  result.err = "err";
  result.arguments = {"a/b", "c"};
  ResultsFolder(folder_ + "/r").add(result);
  const std::string place = folder_ + "/r/1/a\\_b/2/c/";
  EXPECT_EQ(read(place + "stdout") + read(place + "stderr") + read(place + "seq"), "outerr4");
  for (const char* name : {"..", ".", "", "/", "\\"}) EXPECT_EQ(folder_name(name).find('/'), std::string::npos);
  EXPECT_NE(folder_name(".."), "..");
}

TEST_F(Logs, only_files_that_were_asked_for_are_written) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder_);
  const Command command{.words = {"x"}, .get = {"{.}.out", "sub/*"}};
  CommandResult result;
  result.arguments = {"in.txt"};
  result.files = {{"in.out", 0644, "made"}, {"sub/y", 0600, "y"}};
  write_files(command, result);
  EXPECT_EQ(read("in.out") + read("sub/y"), "madey");
  for (const char* name : {".bashrc", "other.out", "sub/deeper/y", "../in.out", "/in.out"}) {
    result.files = {{name, 0755, "evil"}};
    EXPECT_THROW(write_files(command, result), FileError) << name;
    EXPECT_FALSE(std::filesystem::exists(name)) << name;
  }
  result.files = {{"in.out", 0644, "evil"}};
  EXPECT_THROW(write_files(Command{.words = {"x"}}, result), FileError) << "nothing was asked for";
  std::filesystem::current_path(before);
}

TEST_F(Logs, two_files_of_one_name_are_refused) {
  std::filesystem::create_directory(folder_ + "/a");
  std::filesystem::create_directory(folder_ + "/b");
  std::vector<CommandFile> files;
  add_files(files, write("a/f", "1"));
  EXPECT_THROW(add_files(files, write("b/f", "2")), FileError);
}

TEST_F(Logs, commands_as_objects) {
  const auto items = command_items_in(write("j", R"({"args": ["a", 1], "env": {"X": "y"}, "cwd": "/", "stdin": "in", "cost": 2})"
                                                 "\n\n{\"args\":[],\"require\":{\"zone\":\"north\"}}\n{}\n"));
  EXPECT_EQ(items.order, (std::vector<std::size_t>{0, 1, 0}));
  ASSERT_EQ(items.groups.size(), 2u);
  Bytes item;
  ASSERT_TRUE(items.groups[0].items.next(item));
  EXPECT_EQ(command_item(item), (CommandItem{{"a", "1"}, {"X=y"}, "/", Bytes("in")}));
  EXPECT_EQ(items.groups[0].items.cost(item), 2);
  EXPECT_EQ(items.groups[1].require.at("zone"), "north");
  for (const char* bad : {"[]", "{", "{\"args\": 1}", "{\"arg\": []}", "{\"cost\": -1}", "{\"env\": []}", "{\"args\": [[]]}", "{\"args\": [\"a\\u0000b\"]}"}) {
    try {
      command_items_in(write("bad", std::string("{}\n") + bad + "\n"));
      FAIL() << bad;
    } catch (const FileError& error) {
      EXPECT_NE(std::string(error.what()).find("line 2"), std::string::npos) << error.what();
    }
  }
}

TEST(Tagged, each_line_is) {
  EXPECT_EQ(tagged("a\nb\n", "t"), "t\ta\nt\tb\n");
  EXPECT_EQ(tagged("a\nb", "t"), "t\ta\nt\tb");
  EXPECT_EQ(tagged("", "t"), "");
  EXPECT_EQ(tagged("\n\n", "t"), "t\t\nt\t\n");
}

TEST(JsonLine, has_octets_that_are_no_text) {
  CommandResult result;
  result.number = 1;
  result.out = "\xff";
  result.arguments = {"a"};
  const std::string line = json_line(result, "");
  EXPECT_NE(line.find("\"stdout\":{\"base64\": \"/w==\"}"), std::string::npos) << line;
  EXPECT_NE(line.find("\"arguments\":[\"a\"]"), std::string::npos) << line;
}

TEST(QuotedWords, are_read_back_by_a_shell) {
  EXPECT_EQ(quoted(Words{"a", "", "b c", "it's", "x=1"}), "a '' 'b c' 'it'\\''s' x=1");
}

Words words_of(const Arguments& arguments) { return map_request(arguments)->shown.words; }

TEST(MapCommandLine, our_options_end_where_the_command_begins) {
  EXPECT_EQ(words_of({"gzip", "-9", "{}"}), (Words{"gzip", "-9", "{}"}));
  EXPECT_EQ(words_of({"-k", "-n", "2", "ls", "-k"}), (Words{"ls", "-k"}));
  EXPECT_EQ(words_of({"-kn2", "--timeout=3", "--tag", "--", "-x"}), (Words{"-x"}));
  EXPECT_EQ(words_of({"--timeout", "3", "ls", "--", "x"}), (Words{"ls", "--", "x"}));
  EXPECT_EQ(words_of({"echo", ":::", "a", "b"}), (Words{"echo"}));
  const auto request = map_request({"-0", "echo", ":::", "a", ":::", "1", "2"});
  EXPECT_EQ(request->lists, (std::vector<Words>{{"a"}, {"1", "2"}}));
  EXPECT_EQ(request->record_end, '\0');
}

TEST(MapCommandLine, a_script_is_one_word) {
  EXPECT_EQ(map_request({"echo {} | wc"})->command.words.front(), "/bin/sh");
  EXPECT_EQ(map_request({"echo", "{} | wc"})->command.words, (Words{"echo", "{} | wc"}));
}

TEST(MapCommandLine, without_a_command_each_value_is_one) {
  const auto request = map_request({":::", "echo a", "true"});
  ASSERT_TRUE(request);
  EXPECT_EQ(request->command.words, (Words{"/bin/sh", "-c", "{}"}));
  EXPECT_EQ(request->shown.words, Words{"{}"});
  EXPECT_EQ(request->lists, (std::vector<Words>{{"echo a", "true"}}));
}

TEST(MapCommandLine, what_makes_no_sense_is_refused) {
  const Arguments bad[] = {{"--pipe"},
                           {"--loop", "-k"},
                           {"-n", "0", "x"},
                           {"-j", "0", "x"},
                           {"--pipe", "--loop", "x"},
                           {"--block", "1M", "x"},
                           {"--reduce", "x", "x"},
                           {"--frame", "length", "x"},
                           {"--loop", "--frame", "words", "x"},
                           {"--loop", "--tag", "x"},
                           {"--pipe", "x", ":::", "a"},
                           {"--resume", "x"},
                           {"--retries", "-1", "x"},
                           {"--timeout", "0", "x"},
                           {"--block", "x", "--pipe", "x"},
                           {"--halt", "soon", "x"},
                           {"--detach", "--halt", "now,fail=1", "x"},
                           {"-a", "f", "x", ":::", "a"},
                           {"--env", "QUERN_SURELY_NOT_SET", "x"},
                           {"--unknown", "x"},
                           {""}};
  for (const Arguments& arguments : bad) EXPECT_THROW(map_request(arguments), UsageError) << testing::PrintToString(arguments);
}

}  // namespace
}  // namespace quern::cli
