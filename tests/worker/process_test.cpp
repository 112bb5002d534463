// Programs that a worker runs: how they end, what they write, and that none of their processes
// stays behind.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "process/spawn.hpp"
#include "quern/command.hpp"
#include "worker/process/co_process.hpp"
#include "worker/process/command_plan.hpp"
#include "worker/process/exec.hpp"
#include "worker/process/program.hpp"

namespace quern::worker {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

/// Shared by all tests: it makes this process the parent of orphans.
Host& host() {
  static Host only(0);
  return only;
}

class CommandTask : public Task {
 public:
  explicit CommandTask(const Command& command, Bytes item = {}, Encoding encoding = Encoding::raw)
      : common_(std::make_shared<const Bytes>(to_bytes(command))),
        item_(std::move(item)),
        encoding_(encoding) {
    host();  // before a test starts a thread: the reaper is a fork of this process and would
             // inherit locks that other threads hold
  }
  BytesView input() const override { return item_; }
  Encoding encoding() const override { return encoding_; }
  Range range() const override { return {}; }
  BytesView common() const override { return *common_; }
  std::shared_ptr<const void> common_owner() const override { return common_; }
  std::uint64_t index() const override { return 4; }
  std::uint32_t attempt() const override { return 1; }
  bool cancelled() const override { return cancelled_; }

  std::shared_ptr<const Bytes> common_;
  Bytes item_;
  Encoding encoding_;
  std::atomic<bool> cancelled_ = false;
};

struct Ran {
  CommandResult result;
  std::string failure;
};

/// Runs `exec` on one item.
Ran exec(CommandTask& task) {
  Functions functions;
  add_exec(functions, host());
  Bytes bytes;
  Output out(bytes);
  try {
    functions.find("exec", Takes::item)->body(task, out);
    return {command_result(bytes), ""};
  } catch (const FailedWithOutput& error) {
    return {command_result(error.output()), error.what()};
  }
}
Ran exec(const Command& command, const Bytes& item = {}) {
  CommandTask task(command, item);
  return exec(task);
}
Ran sh(const std::string& script, const Bytes& item = {}) {
  return exec({.words = {"/bin/sh", "-c", script, "sh"}}, item);
}

bool alive(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text{std::istreambuf_iterator<char>(stat), {}};
  const auto end = text.rfind(')');
  return end != std::string::npos && text.substr(end + 2, 1) != "Z";
}

void expect_gone(pid_t pid) {
  const auto deadline = Clock::now() + std::chrono::seconds(20);
  while (alive(pid) && Clock::now() < deadline) std::this_thread::sleep_for(milliseconds(5));
  EXPECT_FALSE(alive(pid));
}

pid_t pid_in(const Bytes& text) { return static_cast<pid_t>(std::stol(text)); }

TEST(Exec, both_outputs_and_the_exit_code_are_returned) {
  const Ran ran = sh("printf 'a\\000b'; printf e >&2; exit 3");
  EXPECT_EQ(ran.result.out, Bytes("a\0b", 3));
  EXPECT_EQ(ran.result.err, "e");
  EXPECT_EQ(ran.result.code, 3);
  EXPECT_EQ(ran.failure, "exit code 3: e");
  EXPECT_EQ(ran.result.number, 5u);
  EXPECT_GT(ran.result.started_s, 1e9);
}

TEST(Exec, arguments_reach_the_program_unchanged) {
  const Ran ran =
      exec({.words = {"printf", "[%s]", "{}", "{#}"}, .echo = true}, Bytes("a b\0$x\0", 7));
  EXPECT_EQ(ran.result.out, "[a b][$x][][5]");
  EXPECT_EQ(ran.result.arguments, (std::vector<std::string>{"a b", "$x", ""}));
}

TEST(Exec, numbered_items_carry_their_number) {
  const Ran ran = exec({.words = {"echo", "{#}", "{}"}, .numbered = true}, Bytes("17\0x", 4));
  EXPECT_EQ(ran.result.out, "17 x\n");
  EXPECT_EQ(ran.result.number, 17u);
}

TEST(Exec, values_may_be_arguments) {
  CommandTask number({.words = {"echo"}}, to_value(12), Encoding::value);
  EXPECT_EQ(exec(number).result.out, "12\n");
  CommandTask text({.words = {"echo"}}, to_value(std::string("a\"b")), Encoding::value);
  EXPECT_EQ(exec(text).result.out, "a\"b\n");
  CommandTask item({.words = {"sh", "-c", "cat; echo $X $1; pwd", "sh", "{1}"}},
                   to_bytes(CommandItem{{"one"}, {"X=y"}, "/", Bytes("in,")}), Encoding::value);
  EXPECT_EQ(exec(item).result.out, "in,y one\n/\n");
}

TEST(Exec, standard_input_may_have_any_size) {
  const Bytes input(3'000'000, 'x');
  EXPECT_EQ(exec({.words = {"cat"}, .feed = Command::Feed::input}, input).result.out, input);
  EXPECT_EQ(exec({.words = {"true"}, .feed = Command::Feed::input}, input).failure, "")
      << "a program need not read its input";
  EXPECT_EQ(exec({.words = {"cat"}, .feed = Command::Feed::nothing}, input).result.out, "");
}

TEST(Exec, a_program_that_cannot_be_run_is_an_error) {
  Ran ran = exec({.words = {"surely-no-such-program"}});
  EXPECT_EQ(ran.result.code, 127);
  EXPECT_EQ(ran.failure, "cannot run surely-no-such-program: No such file or directory");
  ran = exec({.words = {"/etc/passwd"}});
  EXPECT_EQ(ran.result.code, 126);
  ran = exec({.words = {"true"}, .cwd = "/surely/not"});
  EXPECT_EQ(ran.result.code, 125);
  EXPECT_NE(ran.failure.find("/surely/not"), std::string::npos);
  ran = exec({.words = {"echo"}}, Bytes(200'000, 'x'));
  EXPECT_EQ(ran.result.code, 125);
  EXPECT_NE(ran.failure.find("128 KiB"), std::string::npos) << ran.failure;
}

TEST(Exec, a_script_without_an_interpreter_line_is_run_by_sh) {
  const TemporaryFolder folder(host().folder());
  const std::string file = folder.path() + "/script";
  std::ofstream(file) << "echo script $1\n";
  std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  EXPECT_EQ(exec({.words = {file}}, "x").result.out, "script x\n");
}

TEST(Exec, the_signal_that_ended_a_program_is_reported) {
  const Ran ran = sh("kill -SEGV $$");
  EXPECT_EQ(ran.result.signal, SIGSEGV);
  EXPECT_EQ(ran.failure, "killed by signal 11 (Segmentation fault)");
}

TEST(Exec, the_environment_is_clean) {
  ::setenv("QUERN_TEST_SECRET", "x", 1);
  const Ran ran = exec(
      {.words = {"env"}, .env = {"MINE=1", "HOME=/elsewhere"}, .feed = Command::Feed::nothing});
  EXPECT_EQ(ran.result.out.find("QUERN_TEST_SECRET"), std::string::npos);
  EXPECT_NE(ran.result.out.find("MINE=1\n"), std::string::npos);
  EXPECT_NE(ran.result.out.find("HOME=/elsewhere\n"), std::string::npos);
  EXPECT_NE(ran.result.out.find("QUERN_TASK=4\n"), std::string::npos);
  EXPECT_NE(ran.result.out.find("PATH="), std::string::npos);
}

TEST(Exec, signals_and_descriptors_are_as_a_program_expects_them) {
  const int leaked = ::open("/dev/null", O_RDONLY);  // not close-on-exec
  const Ran ran =
      sh("ls /proc/self/fd | wc -l; grep -E 'SigBlk|SigIgn' /proc/self/status | tr -d '\\t'; "
         "ulimit -c; grep NoNewPrivs /proc/self/status | tr -d '\\t'");
  ::close(leaked);
  EXPECT_EQ(ran.result.out,
            "4\nSigBlk:0000000000000000\nSigIgn:0000000000000000\n0\nNoNewPrivs:1\n");
}

TEST(Exec, a_temporary_folder_exists_only_during_the_run) {
  const Ran ran = exec({.words = {"sh", "-c", "echo x > file; pwd; ls"}, .cwd = "temp"});
  const std::string folder = ran.result.out.substr(0, ran.result.out.find('\n'));
  EXPECT_TRUE(ran.result.out.ends_with("\nfile\n")) << ran.result.out;
  EXPECT_FALSE(std::filesystem::exists(folder));
  EXPECT_NE(exec({.words = {"pwd"},
                  .cwd = "/surely/not",
                  .cwd_optional = true,
                  .feed = Command::Feed::nothing})
                .result.out.find(host().folder()),
            std::string::npos);
}

TEST(Exec, a_program_over_its_time_limit_is_killed_with_its_children) {
  CommandTask task({.words = {"sh", "-c",
                              "trap '' TERM; sh -c 'trap \"\" TERM; sleep 1000' & echo $!; while "
                              ":; do sleep 1000; done"},
                    .feed = Command::Feed::nothing,
                    .timeout_ms = 200});
  const auto began = Clock::now();
  const Ran ran = exec(task);
  EXPECT_GE(Clock::now() - began, milliseconds(200));
  EXPECT_TRUE(ran.result.timed_out);
  EXPECT_EQ(ran.failure, "ran longer than 200 ms");
  expect_gone(pid_in(ran.result.out));
}

TEST(Exec, a_cancelled_program_is_killed) {
  CommandTask task({.words = {"sleep", "1000"}, .feed = Command::Feed::nothing});
  std::thread canceller([&] {
    std::this_thread::sleep_for(milliseconds(50));
    task.cancelled_ = true;
  });
  const Ran ran = exec(task);
  canceller.join();
  EXPECT_EQ(ran.failure, "cancelled");
}

TEST(Exec, a_program_file_that_is_still_open_for_writing_is_retried) {
  const TemporaryFolder folder(host().folder());
  const std::string file = folder.path() + "/program";
  std::filesystem::copy_file("/bin/true", file);
  const int writing = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_GE(writing, 0);
  std::thread writer([&] {
    std::this_thread::sleep_for(milliseconds(50));
    ::close(writing);
  });
  const Ran ran = exec({.words = {file}, .feed = Command::Feed::nothing});
  writer.join();
  EXPECT_EQ(ran.failure, "");
}

TEST(Exec, background_processes_left_by_a_program_are_killed) {
  const Ran group = sh("sleep 1000 & echo $!");
  EXPECT_EQ(group.failure, "");
  expect_gone(pid_in(group.result.out));
  // A daemon leaves its process group and its parent, but it still carries the mark.
  const Ran escaped = sh("(setsid sleep 1000 > /dev/null & echo $!)");
  EXPECT_EQ(escaped.failure, "");
  expect_gone(pid_in(escaped.result.out));
}

TEST(Exec, excessive_output_keeps_its_first_and_last_part_and_is_reported) {
  const Ran ran = exec({.words = {"sh", "-c", "echo first; head -c 100000000 /dev/zero; echo last"},
                        .feed = Command::Feed::nothing});
  EXPECT_NE(ran.failure.find("64 MiB"), std::string::npos) << ran.failure;
  EXPECT_LE(ran.result.out.size(), (64u << 20) + 4096u);
  EXPECT_TRUE(ran.result.out.starts_with("first\n"));
  EXPECT_TRUE(ran.result.out.ends_with("last\n"));
}

TEST(Exec, exceeding_the_memory_limit_is_an_error_that_names_it) {
  const Ran ran =
      exec({.words = {"/usr/bin/python3", "-c", "x = []\nwhile True: x.append(bytearray(1 << 20))"},
            .feed = Command::Feed::nothing,
            .memory_bytes = 256u << 20});
  EXPECT_NE(ran.result.code, 0);
  EXPECT_NE(ran.failure.find("256 MiB of memory"), std::string::npos) << ran.failure;
}

TEST(Exec, a_malformed_common_input_is_an_error) {
  CommandTask task({.words = {"x"}});
  task.common_ = std::make_shared<const Bytes>("garbage");
  EXPECT_THROW(exec(task), std::invalid_argument);
}

/// Runs `filter` on items.
std::vector<Answers::Answer> filter(const Command& command, const std::vector<BytesView>& items) {
  Functions functions;
  add_filter(functions, host());
  CommandTask task(command);
  Answers answers;
  functions.find("filter", Takes::item)->batch(task, items, answers);
  return answers.all();
}

TEST(Filter, a_filter_answers_each_item_in_order) {
  const auto answers = filter({.words = {"sed", "s/^/</; s/$/>/"}}, {"a", "", "b c"});
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[0].bytes, "<a>");
  EXPECT_EQ(answers[1].bytes, "<>");
  EXPECT_EQ(answers[2].bytes, "<b c>");
}

TEST(Filter, a_filter_handles_more_data_than_a_pipe_holds) {
  std::vector<Bytes> lines;
  std::vector<BytesView> items;
  for (int i = 0; i < 20'000; ++i) lines.push_back(std::to_string(i) + std::string(100, 'x'));
  items.assign(lines.begin(), lines.end());
  const auto answers = filter({.words = {"cat"}}, items);
  ASSERT_EQ(answers.size(), items.size());
  for (std::size_t i = 0; i < items.size(); ++i) ASSERT_EQ(answers[i].bytes, items[i]);
}

TEST(Filter, only_the_item_that_kills_the_program_fails) {
  const auto answers = filter(
      {.words =
           {"sh", "-c",
            "while read -r x; do if [ $x = bad ]; then echo oops >&2; exit 7; fi; echo $x; done"}},
      {"a", "bad", "b", "bad", "c"});
  ASSERT_EQ(answers.size(), 5u);
  EXPECT_EQ(answers[0].bytes, "a");
  EXPECT_FALSE(answers[1].ok);
  EXPECT_EQ(answers[1].bytes, "the program ended without an answer: exit code 7: oops");
  EXPECT_EQ(answers[2].bytes, "b");
  EXPECT_FALSE(answers[3].ok);
  EXPECT_EQ(answers[4].bytes, "c");
}

TEST(Filter, the_end_of_a_program_is_noticed_while_its_output_is_held_open) {
  const auto answers = filter({.words = {"sh", "-c", "sleep 1000 & read x; exit 3"}}, {"a"});
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].bytes, "the program ended without an answer: exit code 3");
}

TEST(Filter, more_answers_than_items_are_an_error) {
  const auto answers =
      filter({.words = {"sh", "-c", "while read -r x; do printf '%s\\nextra\\n' $x; done"}},
             {"a", "b", "c"});
  ASSERT_EQ(answers.size(), 3u);
  for (const auto& answer : answers)
    EXPECT_NE(answer.bytes.find("must answer each item with one line"), std::string::npos)
        << answer.bytes;
}

TEST(Filter, a_late_surplus_answer_is_an_error) {
  for (const char* script : {"while read -r x; do echo $x; sleep 0.05; echo late; done",
                             "read -r x; printf '%s\\nextra\\n' $x"})
    for (const auto& answer : filter({.words = {"sh", "-c", script}}, {"a", "b"}))
      EXPECT_FALSE(answer.ok) << script << ": " << answer.bytes;
}

TEST(Filter, length_framing_allows_any_bytes) {
  const auto lines = filter({.words = {"cat"}}, {"a", "b\nc", "d"});
  EXPECT_EQ(lines[0].bytes, "a");
  EXPECT_FALSE(lines[1].ok);
  EXPECT_NE(lines[1].bytes.find("newline"), std::string::npos);
  EXPECT_EQ(lines[2].bytes, "d");
  const auto framed =
      filter({.words = {"cat"}, .frame = Command::Frame::length}, {"a", "b\nc", "", "d"});
  ASSERT_EQ(framed.size(), 4u);
  EXPECT_EQ(framed[1].bytes, "b\nc");
  EXPECT_EQ(framed[2].bytes, "");
  EXPECT_EQ(framed[3].bytes, "d");
}

TEST(Filter, a_silent_program_fails_with_advice) {
  const auto answers = filter({.words = {"sleep", "1000"}, .timeout_ms = 100}, {"a"});
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_FALSE(answers[0].ok);
  EXPECT_NE(answers[0].bytes.find("no answer for 100 ms"), std::string::npos);
}

TEST(Filter, the_program_ends_with_its_job) {
  Functions functions;
  add_filter(functions, host());
  pid_t pid = 0;
  {
    CommandTask task({.words = {"sh", "-c", "while read -r x; do echo $$; done"}});
    Answers answers;
    functions.find("filter", Takes::item)->batch(task, {"a"}, answers);
    pid = pid_in(answers.all().front().bytes);
    EXPECT_TRUE(alive(pid));
    functions.find("filter", Takes::item)->batch(task, {"b"}, answers);
    EXPECT_EQ(pid_in(answers.all().back().bytes), pid)
        << "all items of a job must share one program";
  }
  expect_gone(pid);
}

TEST(Marks, processes_that_carry_a_mark_are_found_and_killed) {
  const Mark mark;
  Child child;
  process::SpawnPlan plan;
  plan.words = {"sleep", "1000"};
  plan.env = {mark.variable(1) + "1"};
  ASSERT_FALSE(child.start(plan));
  // exec() returns control as soon as the child has its own memory; the kernel shows its
  // environment a moment later.
  const auto deadline = Clock::now() + std::chrono::seconds(20);
  while (marked(mark.text()).empty() && Clock::now() < deadline)
    std::this_thread::sleep_for(milliseconds(1));
  EXPECT_EQ(marked(mark.text()), std::vector<pid_t>{child.pid()});
  EXPECT_TRUE(marked(mark.variable(2)).empty());
  kill_marked(mark.text());
  EXPECT_EQ(child.finish().signal, SIGKILL);
}

}  // namespace
}  // namespace quern::worker
