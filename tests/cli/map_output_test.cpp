// What `quern map` sends and writes: joblogs, result folders, files, and commands as they are
// shown.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <limits>
#include <map>
#include <set>

#include "cli/cli_fixture.hpp"
#include "cli/output/command_printer.hpp"
#include "cli/output/joblog.hpp"
#include "cli/output/received_files.hpp"
#include "cli/output/results_folder.hpp"
#include "cli/output/shown_command.hpp"
#include "cli/request/command_files.hpp"
#include "cli/request/command_items.hpp"
#include "cli/request/records.hpp"
#include "cli/syntax/shell_words.hpp"

namespace quern::cli {
namespace {

class Logs : public Files {};

TEST_F(Logs, a_joblog_can_be_resumed) {
  const std::string file = folder_ / "log";
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
  EXPECT_THROW(Joblog(folder_ / "no/log", Resume::no), FileError);
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
  LoggedCommands log = logged(folder_ / "log", {"echo a", "echo b", "echo b"});
  EXPECT_TRUE(log.take(1, "echo a").done);
  const auto found = log.take(2, "echo new");
  EXPECT_FALSE(found.done);
  EXPECT_NE(found.trouble.find("echo new"), std::string::npos) << found.trouble;
  EXPECT_NE(found.trouble.find("(echo b)"), std::string::npos) << found.trouble;
  EXPECT_TRUE(log.take(3, "echo b").done);
  EXPECT_TRUE(log.take(4, "echo b").done);
  EXPECT_FALSE(log.take(5, "echo b").done) << "the log contains two of them";
  EXPECT_TRUE(log.take(6, "echo c").trouble.empty())
      << "a command that the log never contained is not a conflict";
}

TEST_F(Logs, values_from_workers_do_not_break_the_columns) {
  CommandResult result;
  result.number = 1;
  result.host = "a b\tc\x1b";
  result.started_s = 1e308;
  result.ran_s = std::numeric_limits<double>::quiet_NaN();
  Joblog(folder_ / "log", Resume::no).add(result, "true");
  LoggedCommands log = Joblog(folder_ / "log", Resume::all_but_logged).done();
  EXPECT_TRUE(log.take(1, "true").done);
  EXPECT_EQ(read(folder_ / "log").find('\x1b'), std::string::npos);
}

TEST_F(Logs, results_whose_names_share_the_first_255_bytes_are_kept_apart) {
  CommandResult result;
  result.number = 1;
  for (const char* end : {"1", "2"}) {
    result.arguments = {std::string(300, 'x') + end};
    result.out = end;
    ResultsFolder(folder_ / "r").add(result);
  }
  std::set<std::string> outputs;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "r/1"))
    outputs.insert(read(entry.path() / "stdout"));
  EXPECT_EQ(outputs, (std::set<std::string>{"1", "2"}));
}

TEST_F(Logs, results_are_written_as_files) {
  CommandResult result;
  result.number = 4;
  result.out = "out";
  result.err = "err";
  result.arguments = {"a/b", "c"};
  ResultsFolder(folder_ / "r").add(result);
  const std::string place = folder_ / "r/1/a\\_b/2/c/";
  EXPECT_EQ(read(place + "stdout") + read(place + "stderr") + read(place + "seq"), "outerr4");
  for (const char* name : {"..", ".", "", "/", "\\"})
    EXPECT_EQ(folder_name(name).find('/'), std::string::npos);
  EXPECT_NE(folder_name(".."), "..");
}

TEST_F(Logs, only_requested_files_are_written) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder_.path());
  const Command command{.words = {"x"}, .get = {"{.}.out", "sub/*"}};
  CommandResult result;
  const Words own = {"in.txt"};
  const auto write_all = [&] { return write_files(command, own, 1, result); };
  result.files = {{"in.out", 0644, "made"}, {"sub/y", 0600, "y"}};
  EXPECT_EQ(write_all(), Words());
  EXPECT_EQ(read("in.out") + read("sub/y"), "madey");
  result.files = {{"sub/y", 0777, "y"}};
  EXPECT_EQ(write_all(), Words{"in.out"}) << "a pattern that matches nothing is named";
  result.arguments = {".bashrc.x"};  // the worker's own account of its arguments is ignored
  result.number = 7;
  for (const char* name : {".bashrc", "other.out", "sub/deeper/y", "../in.out", "/in.out"}) {
    result.files = {{name, 0755, "evil"}};
    EXPECT_THROW(write_all(), FileError) << name;
    EXPECT_FALSE(std::filesystem::exists(name)) << name;
  }
  result.files = {{"in.out", 0644, "evil"}};
  EXPECT_THROW(write_files(Command{.words = {"x"}}, own, 1, result), FileError)
      << "no file was requested";
  EXPECT_THROW(write_files(Command{.words = {"x"}, .get = {"*"}}, own, 1,
                           {.files = {{".bashrc", 0644, "evil"}}}),
               FileError)
      << "* does not match .bashrc";
  result.files = {{"in.out", 0644, "first"}, {"evil", 0644, "evil"}};
  EXPECT_THROW(write_all(), FileError);
  EXPECT_EQ(read("in.out"), "made") << "all names are checked before the first byte is written";
  std::filesystem::current_path(before);
}

TEST_F(Logs, files_from_workers_follow_no_links_and_obey_the_umask) {
  const auto before = std::filesystem::current_path();
  std::filesystem::create_directories(folder_ / "here");
  std::filesystem::create_directories(folder_ / "elsewhere");
  std::filesystem::current_path(folder_ / "here");
  std::filesystem::create_directory_symlink("../elsewhere", "sub");
  std::filesystem::create_symlink(write("elsewhere/victim", "untouched"), "plain");
  const Command command{.words = {"x"}, .get = {"sub/*", "plain", "tool"}};
  EXPECT_THROW(write_files(command, {}, 1, {.files = {{"sub/y", 0644, "y"}}}), FileError);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "elsewhere/y"));
  const mode_t mask = ::umask(027);
  write_files(command, {}, 1, {.files = {{"plain", 0777, "new"}, {"tool", 0111, "run"}}});
  ::umask(mask);
  EXPECT_EQ(read("plain"), "new");
  EXPECT_EQ(read(folder_ / "elsewhere/victim"), "untouched");
  EXPECT_EQ(std::filesystem::status("tool").permissions(),
            static_cast<std::filesystem::perms>(0750));
  for (const auto& entry : std::filesystem::directory_iterator("."))
    EXPECT_FALSE(entry.path().filename().string().starts_with(".quern"));
  std::filesystem::current_path(before);
}

TEST_F(Logs, an_unwritable_target_leaves_no_partial_file) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder_.path());
  std::filesystem::create_directories("taken/in");
  EXPECT_THROW(
      write_files({.words = {"x"}, .get = {"taken"}}, {}, 1, {.files = {{"taken", 0644, "x"}}}),
      FileError);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator("."), {}), 1);
  std::filesystem::current_path(before);
}

TEST_F(Logs, put_copies_the_same_files_as_cp_with_links_followed) {
  std::filesystem::create_directories(folder_ / "p/sub/empty");
  write("p/f", "x");
  write("p/sub/g", "y");
  std::filesystem::create_symlink("f", folder_ / "p/rel");
  std::filesystem::create_directory_symlink("sub", folder_ / "p/dir");
  std::filesystem::create_symlink(folder_ / "p/f", folder_ / "p/abs");
  std::vector<CommandFile> files;
  add_files(files, folder_ / "p");
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
  std::filesystem::create_directories(folder_ / "broken");
  std::filesystem::create_symlink("nowhere", folder_ / "broken/link");
  std::filesystem::create_directories(folder_ / "loop");
  std::filesystem::create_directory_symlink(".", folder_ / "loop/again");
  std::filesystem::create_directories(folder_ / "pipe");
  ASSERT_EQ(::mkfifo((folder_ / "pipe/fifo").c_str(), 0600), 0);
  for (const auto& [name, named] :
       {std::pair<std::string, std::string>{folder_ / "broken", "broken/link"},
        {folder_ / "loop", "loop/again"},
        {folder_ / "pipe", "pipe/fifo"},
        {folder_ / "pipe/fifo", "pipe/fifo"},
        {"/dev/zero", "/dev/zero"},
        {folder_ / "none", "none"}}) {
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
  std::filesystem::create_directory(folder_ / "a");
  std::filesystem::create_directory(folder_ / "b");
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

}  // namespace
}  // namespace quern::cli
