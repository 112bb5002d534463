// What `quern map` decides, without a broker.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "cli/output/command_printer.hpp"
#include "cli/output/joblog.hpp"
#include "cli/output/received_files.hpp"
#include "cli/output/results_folder.hpp"
#include "cli/output/shown_command.hpp"
#include "cli/request/argument_source.hpp"
#include "cli/request/command_files.hpp"
#include "cli/request/command_items.hpp"
#include "cli/request/halt.hpp"
#include "cli/request/intake_window.hpp"
#include "cli/request/map_request.hpp"
#include "cli/request/records.hpp"
#include "cli/syntax/options.hpp"
#include "cli/syntax/shell_words.hpp"

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
  EXPECT_THROW(Records({folder_ + "/none"}, '\n'), FileError);
  EXPECT_THROW(Records({folder_}, '\n'), FileError);
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
  for (const char* bad : {"", "now", "now,fail", "later,fail=1", "now,maybe=1", "now,fail=0",
                          "now,fail=x", "now,fail=101%", "fail=1,now"})
    EXPECT_THROW(Halt::from(bad), UsageError) << bad;
}

TEST(IntakeWindows, a_full_window_waits_until_results_arrive) {
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

TEST_F(Logs, a_joblog_can_be_resumed) {
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
  EXPECT_EQ(read(file).substr(0, 73),
            "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n1\there\t");
  std::ofstream(file, std::ios::app) << "3\there\t1.0";  // cut off by a crash
  const std::vector<std::string> commands = {on_one_line("true\tx\ny"), "false", "never",
                                             "after the crash"};
  const auto done = [&](Resume resume) {
    LoggedCommands log = Joblog(file, resume).done();
    std::set<std::uint64_t> found;
    for (std::uint64_t number = 1; number <= commands.size(); ++number)
      if (log.take(number, commands[number - 1]).done) found.insert(number);
    return found;
  };
  EXPECT_EQ(done(Resume::all_but_logged), (std::set<std::uint64_t>{1, 2}));
  EXPECT_EQ(done(Resume::all_but_succeeded), (std::set<std::uint64_t>{1}));
  result.number = 4;
  result.code = 0;
  Joblog(file, Resume::all_but_logged).add(result, "after the crash");
  EXPECT_EQ(done(Resume::all_but_logged), (std::set<std::uint64_t>{1, 2, 4}));
  EXPECT_TRUE(Joblog(file, Resume::no).done().empty());
  EXPECT_THROW(Joblog(write("other", "a,b\n"), Resume::all_but_logged), FileError);
  EXPECT_THROW(Joblog(folder_ + "/no/log", Resume::no), FileError);
}

LoggedCommands logged(const std::string& file, const std::vector<std::string>& commands) {
  Joblog log(file, Resume::no);
  for (std::size_t i = 0; i < commands.size(); ++i) {
    CommandResult result;
    result.number = i + 1;
    log.add(result, commands[i]);
  }
  return Joblog(file, Resume::all_but_logged).done();
}

TEST_F(Logs, only_a_line_inserted_into_the_input_is_run) {
  LoggedCommands log = logged(folder_ + "/log", {"echo a", "echo b", "echo b"});
  EXPECT_TRUE(log.take(1, "echo a").done);
  const auto found = log.take(2, "echo new");
  EXPECT_FALSE(found.done);
  EXPECT_NE(found.trouble.find("echo new"), std::string::npos) << found.trouble;
  EXPECT_NE(found.trouble.find("(echo b)"), std::string::npos) << found.trouble;
  EXPECT_TRUE(log.take(3, "echo b").done);
  EXPECT_TRUE(log.take(4, "echo b").done);
  EXPECT_FALSE(log.take(5, "echo b").done) << "there were two";
  EXPECT_TRUE(log.take(6, "echo c").trouble.empty()) << "what the log never had is no trouble";
}

TEST_F(Logs, values_from_workers_do_not_break_the_columns) {
  CommandResult result;
  result.number = 1;
  result.host = "a b\tc\x1b";
  result.started_s = 1e308;
  result.ran_s = std::numeric_limits<double>::quiet_NaN();
  Joblog(folder_ + "/log", Resume::no).add(result, "true");
  LoggedCommands log = Joblog(folder_ + "/log", Resume::all_but_logged).done();
  EXPECT_TRUE(log.take(1, "true").done);
  EXPECT_EQ(read(folder_ + "/log").find('\x1b'), std::string::npos);
}

TEST_F(Logs, results_whose_names_share_the_first_255_bytes_are_kept_apart) {
  CommandResult result;
  result.number = 1;
  for (const char* end : {"1", "2"}) {
    result.arguments = {std::string(300, 'x') + end};
    result.out = end;
    ResultsFolder(folder_ + "/r").add(result);
  }
  std::set<std::string> outputs;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ + "/r/1"))
    outputs.insert(read(entry.path() / "stdout"));
  EXPECT_EQ(outputs, (std::set<std::string>{"1", "2"}));
}

TEST_F(Logs, results_are_written_as_files) {
  CommandResult result;
  result.number = 4;
  result.out = "out";
  result.err = "err";
  result.arguments = {"a/b", "c"};
  ResultsFolder(folder_ + "/r").add(result);
  const std::string place = folder_ + "/r/1/a\\_b/2/c/";
  EXPECT_EQ(read(place + "stdout") + read(place + "stderr") + read(place + "seq"), "outerr4");
  for (const char* name : {"..", ".", "", "/", "\\"})
    EXPECT_EQ(folder_name(name).find('/'), std::string::npos);
  EXPECT_NE(folder_name(".."), "..");
}

TEST_F(Logs, only_requested_files_are_written) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder_);
  const Command command{.words = {"x"}, .get = {"{.}.out", "sub/*"}};
  CommandResult result;
  const Words own = {"in.txt"};
  const auto write_all = [&] { return write_files(command, own, 1, result); };
  result.files = {{"in.out", 0644, "made"}, {"sub/y", 0600, "y"}};
  EXPECT_EQ(write_all(), Words());
  EXPECT_EQ(read("in.out") + read("sub/y"), "madey");
  result.files = {{"sub/y", 0777, "y"}};
  EXPECT_EQ(write_all(), Words{"in.out"}) << "a pattern that matches nothing is named";
  result.arguments = {".bashrc.x"};  // what the worker says it was asked counts for nothing
  result.number = 7;
  for (const char* name : {".bashrc", "other.out", "sub/deeper/y", "../in.out", "/in.out"}) {
    result.files = {{name, 0755, "evil"}};
    EXPECT_THROW(write_all(), FileError) << name;
    EXPECT_FALSE(std::filesystem::exists(name)) << name;
  }
  result.files = {{"in.out", 0644, "evil"}};
  EXPECT_THROW(write_files(Command{.words = {"x"}}, own, 1, result), FileError)
      << "nothing was asked for";
  EXPECT_THROW(write_files(Command{.words = {"x"}, .get = {"*"}}, own, 1,
                           {.files = {{".bashrc", 0644, "evil"}}}),
               FileError)
      << "* is not .bashrc";
  result.files = {{"in.out", 0644, "first"}, {"evil", 0644, "evil"}};
  EXPECT_THROW(write_all(), FileError);
  EXPECT_EQ(read("in.out"), "made") << "all names are checked before the first octet is written";
  std::filesystem::current_path(before);
}

TEST_F(Logs, files_from_workers_follow_no_links_and_obey_the_umask) {
  const auto before = std::filesystem::current_path();
  std::filesystem::create_directories(folder_ + "/here");
  std::filesystem::create_directories(folder_ + "/elsewhere");
  std::filesystem::current_path(folder_ + "/here");
  std::filesystem::create_directory_symlink("../elsewhere", "sub");
  std::filesystem::create_symlink(write("elsewhere/victim", "untouched"), "plain");
  const Command command{.words = {"x"}, .get = {"sub/*", "plain", "tool"}};
  EXPECT_THROW(write_files(command, {}, 1, {.files = {{"sub/y", 0644, "y"}}}), FileError);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/elsewhere/y"));
  const mode_t mask = ::umask(027);
  write_files(command, {}, 1, {.files = {{"plain", 0777, "new"}, {"tool", 0111, "run"}}});
  ::umask(mask);
  EXPECT_EQ(read("plain"), "new");
  EXPECT_EQ(read(folder_ + "/elsewhere/victim"), "untouched");
  EXPECT_EQ(std::filesystem::status("tool").permissions(),
            static_cast<std::filesystem::perms>(0750));
  for (const auto& entry : std::filesystem::directory_iterator("."))
    EXPECT_FALSE(entry.path().filename().string().starts_with(".quern"));
  std::filesystem::current_path(before);
}

TEST_F(Logs, an_unwritable_target_leaves_no_partial_file) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder_);
  std::filesystem::create_directories("taken/in");
  EXPECT_THROW(
      write_files({.words = {"x"}, .get = {"taken"}}, {}, 1, {.files = {{"taken", 0644, "x"}}}),
      FileError);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator("."), {}), 1);
  std::filesystem::current_path(before);
}

TEST_F(Logs, put_copies_the_same_files_as_cp_with_links_followed) {
  std::filesystem::create_directories(folder_ + "/p/sub/empty");
  write("p/f", "x");
  write("p/sub/g", "y");
  std::filesystem::create_symlink("f", folder_ + "/p/rel");
  std::filesystem::create_directory_symlink("sub", folder_ + "/p/dir");
  std::filesystem::create_symlink(folder_ + "/p/f", folder_ + "/p/abs");
  std::vector<CommandFile> files;
  add_files(files, folder_ + "/p");
  std::map<std::string, std::string> found;
  for (const auto& file : files) found[file.name] = file.is_folder() ? "folder" : file.bytes;
  EXPECT_EQ(found, (std::map<std::string, std::string>{{"p/abs", "x"},
                                                       {"p/dir/empty", "folder"},
                                                       {"p/dir/g", "y"},
                                                       {"p/f", "x"},
                                                       {"p/rel", "x"},
                                                       {"p/sub/empty", "folder"},
                                                       {"p/sub/g", "y"}}));
}

TEST_F(Logs, put_of_something_that_is_not_a_file_is_an_error_that_names_it) {
  std::filesystem::create_directories(folder_ + "/broken");
  std::filesystem::create_symlink("nowhere", folder_ + "/broken/link");
  std::filesystem::create_directories(folder_ + "/loop");
  std::filesystem::create_directory_symlink(".", folder_ + "/loop/again");
  std::filesystem::create_directories(folder_ + "/pipe");
  ASSERT_EQ(::mkfifo((folder_ + "/pipe/fifo").c_str(), 0600), 0);
  for (const auto& [name, named] :
       {std::pair<std::string, std::string>{folder_ + "/broken", "broken/link"},
        {folder_ + "/loop", "loop/again"},
        {folder_ + "/pipe", "pipe/fifo"},
        {folder_ + "/pipe/fifo", "pipe/fifo"},
        {"/dev/zero", "/dev/zero"},
        {folder_ + "/none", "none"}}) {
    std::vector<CommandFile> files;
    try {
      add_files(files, name);
      ADD_FAILURE() << name;
    } catch (const FileError& error) {
      EXPECT_NE(std::string(error.what()).find(named), std::string::npos) << error.what();
    }
  }
}

TEST_F(Logs, two_files_of_one_name_are_refused) {
  std::filesystem::create_directory(folder_ + "/a");
  std::filesystem::create_directory(folder_ + "/b");
  std::vector<CommandFile> files;
  add_files(files, write("a/f", "1"));
  EXPECT_THROW(add_files(files, write("b/f", "2")), FileError);
}

TEST_F(Logs, commands_may_be_given_as_json_objects) {
  const auto items = command_items_in(
      write("j", R"({"args": ["a", 1], "env": {"X": "y"}, "cwd": "/", "stdin": "in", "cost": 2})"
                 "\n\n{\"args\":[],\"require\":{\"zone\":\"north\"}}\n{}\n"));
  EXPECT_EQ(items.order, (std::vector<std::size_t>{0, 1, 0}));
  ASSERT_EQ(items.groups.size(), 2u);
  Bytes item;
  ASSERT_TRUE(items.groups[0].items.next(item));
  EXPECT_EQ(command_item(item), (CommandItem{{"a", "1"}, {"X=y"}, "/", Bytes("in")}));
  EXPECT_EQ(items.groups[0].items.cost(item), 2);
  EXPECT_EQ(items.groups[1].require.at("zone"), "north");
  for (const char* bad : {"[]", "{", "{\"args\": 1}", "{\"arg\": []}", "{\"cost\": -1}",
                          "{\"env\": []}", "{\"args\": [[]]}", "{\"args\": [\"a\\u0000b\"]}"}) {
    try {
      command_items_in(write("bad", std::string("{}\n") + bad + "\n"));
      FAIL() << bad;
    } catch (const FileError& error) {
      EXPECT_NE(std::string(error.what()).find("line 2"), std::string::npos) << error.what();
    }
  }
}

TEST(Tagged, each_line_is_tagged) {
  EXPECT_EQ(tagged("a\nb\n", "t"), "t\ta\nt\tb\n");
  EXPECT_EQ(tagged("a\nb", "t"), "t\ta\nt\tb");
  EXPECT_EQ(tagged("", "t"), "");
  EXPECT_EQ(tagged("\n\n", "t"), "t\t\nt\t\n");
}

TEST(JsonLine, a_json_line_can_hold_bytes_that_are_not_text) {
  CommandResult result;
  result.number = 1;
  result.out = "\xff";
  result.arguments = {"a"};
  const std::string line = json_line(result, "");
  EXPECT_NE(line.find("\"stdout\":{\"base64\": \"/w==\"}"), std::string::npos) << line;
  EXPECT_NE(line.find("\"arguments\":[\"a\"]"), std::string::npos) << line;
}

TEST(QuotedWords, quoted_words_are_read_back_by_a_shell) {
  EXPECT_EQ(quoted(Words{"a", "", "b c", "it's", "x=1"}), "a '' 'b c' 'it'\\''s' x=1");
}

TEST(ShownCommands, a_shown_command_is_the_one_that_was_run) {
  const auto shown = [](const Words& words, const Words& arguments) {
    return shown_command({.words = words}, arguments, 3);
  };
  EXPECT_EQ(shown({"echo"}, {"a b"}), "echo 'a b'");
  EXPECT_EQ(shown({"echo", "{}", "{#}"}, {"a;b"}), "echo 'a;b' 3");
  EXPECT_EQ(shown({"{}"}, {"echo a | wc"}), "echo a | wc");
  EXPECT_EQ(shown({"echo {} | wc -c"}, {"a b;c"}), "echo 'a b;c' | wc -c");
  EXPECT_EQ(shown({"echo \"{}\" '{}'"}, {"$x'\""}), "echo \"\\$x'\\\"\" '$x'\\''\"'");
  EXPECT_EQ(shown({"echo x | cat"}, {"a b"}), "echo x | cat 'a b'");
  EXPECT_EQ(shown({"echo x; cat"}, {"a b"}), "echo x; cat");
  EXPECT_EQ(on_one_line("echo a"), "echo a");
  EXPECT_EQ(on_one_line("echo 'a\nb\t'"), "sh -c $'echo \\'a\\nb\\t\\''");
}

TEST(ShownCommands, a_shell_runs_a_shown_command_identically) {
  for (const std::string value : {"a b;c", "it's", "\"$HOME\" `id` \\", "*", "", "-n"})
    for (const std::string script :
         {"printf '<%s>' {}", "printf '<%s>' \"{}\"", "printf '<%s>' '{}'", "printf '<%s>' x{}y"}) {
      const std::string text = shown_command({.words = {script}}, {value}, 1);
      FILE* shell = ::popen(("exec 2>&1; " + text).c_str(), "r");
      char out[256] = {};
      const std::size_t got = std::fread(out, 1, sizeof out - 1, shell);
      EXPECT_EQ(::pclose(shell), 0) << text;
      const bool within = script.ends_with("y");
      EXPECT_EQ(std::string(out, got), within ? "<x" + value + "y>" : "<" + value + ">") << text;
    }
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

TEST(MapCommandLine, without_a_command_each_value_is_a_command) {
  const auto request = map_request({":::", "echo a", "true"});
  ASSERT_TRUE(request);
  EXPECT_EQ(request->command.words, (Words{"/bin/sh", "-c", "{}"}));
  EXPECT_EQ(request->shown.words, Words{"{}"});
  EXPECT_EQ(request->lists, (std::vector<Words>{{"echo a", "true"}}));
}

TEST(MapCommandLine, invalid_combinations_are_refused) {
  const Arguments bad[] = {{"--pipe"},
                           {"--loop", "-k"},
                           {"-n", "0", "x"},
                           {"-j", "x", "x"},
                           {"-j", "1.5", "x"},
                           {"-j", "99999999999", "x"},
                           {"-j", "+1%", "x"},
                           {"-j", "1001%", "x"},
                           {"echo", ":::+", "a"},
                           {"echo", "{%}"},
                           {"echo", "{= s:x:y: =}"},
                           {"echo", "{+/}"},
                           {"echo a {2..} b"},
                           {"--put", "{%}", "cat"},
                           {"--get", "../x", "cat"},
                           {"--weight", "1e308", "x"},
                           {"--weight", "nan", "x"},
                           {"--resource", "gpu=1e300", "x"},
                           {"--idempotent", "--at-most-once", "x"},
                           {"--at-most-once", "--retries", "1", "x"},
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
  for (const Arguments& arguments : bad)
    EXPECT_THROW(map_request(arguments), UsageError) << testing::PrintToString(arguments);
}

TEST(MapCommandLine, braces_of_the_shell_are_not_replacement_strings) {
  for (const char* word :
       {"echo {1..9}", "echo ${%}", "echo ${x##y}", "echo {a,b}", "awk '{print}'"})
    EXPECT_NO_THROW(map_request({word, ":::", "a"})) << word;
}

TEST(MapCommandLine, the_number_of_jobs_may_be_relative_to_the_slots) {
  const auto of = [](const char* text, std::uint64_t slots) {
    return at_once_of(*map_request({"-j", text, "x", ":::", "a"}), slots);
  };
  EXPECT_EQ(of("3", 8), 3u);
  EXPECT_EQ(of("0", 8), 0u);
  EXPECT_EQ(of("+1", 8), 9u);
  EXPECT_EQ(of("-1", 8), 7u);
  EXPECT_EQ(of("-9", 8), 1u);
  EXPECT_EQ(of("50%", 8), 4u);
  EXPECT_EQ(of("1%", 8), 1u);
}

TEST(MapCommandLine, linked_lists_advance_together) {
  const auto request =
      map_request({"echo", ":::", "A", "B", ":::+", "F", "G", "H", ":::", "1", "2"});
  EXPECT_EQ(request->linked, (std::vector<bool>{false, true, false}));
  const auto source = arguments_of(request->lists, 1, request->linked);
  std::vector<Words> all;
  for (Words arguments; source->next(arguments);) all.push_back(arguments);
  EXPECT_EQ(all, (std::vector<Words>{
                     {"A", "F", "1"}, {"A", "F", "2"}, {"B", "G", "1"}, {"B", "G", "2"}}));
}

TEST(MapCommandLine, at_most_once_means_one_attempt) {
  const auto request = map_request({"--at-most-once", "x"});
  EXPECT_TRUE(request->submit.at_most_once);
  EXPECT_EQ(request->submit.attempts, 1u);
  EXPECT_TRUE(map_request({"--idempotent", "x"})->submit.idempotent);
}

}  // namespace
}  // namespace quern::cli
