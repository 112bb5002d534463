#include "process/spawn.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "process/end.hpp"
#include "process/pipe.hpp"
#include "process/search.hpp"

namespace quern::process {
namespace {

SpawnPlan shell(const std::string& script) {
  SpawnPlan plan;
  plan.words = {"sh", "-c", script};
  plan.env = own_environment();
  return plan;
}

std::string all_of(Pipe& pipe) {
  pipe.close_write();
  std::string text;
  char some[256];
  for (ssize_t got = 0; (got = ::read(pipe.read, some, sizeof some)) > 0;)
    text.append(some, static_cast<std::size_t>(got));
  return text;
}

/// What the script prints.
std::string output_of(SpawnPlan plan) {
  Pipe out;
  plan.out = out.write;
  const auto spawned = spawn(plan);
  if (!std::holds_alternative<pid_t>(spawned)) return "not started";
  std::string text = all_of(out);
  reap(std::get<pid_t>(spawned));
  return text;
}

End end_of(const SpawnPlan& plan) { return reap(std::get<pid_t>(spawn(plan))); }

StartError error_of(const SpawnPlan& plan) {
  const auto spawned = spawn(plan);
  return std::holds_alternative<StartError>(spawned) ? std::get<StartError>(spawned) : StartError{};
}

TEST(Spawn, the_end_of_a_program_is_its_code_or_its_signal) {
  const End code = end_of(shell("exit 7"));
  EXPECT_EQ(code.code, 7);
  EXPECT_EQ(code.signal, 0);
  EXPECT_EQ(code.shell_code(), 7);
  EXPECT_GT(code.memory_bytes, 0u);
  const End killed = end_of(shell("kill -TERM $$"));
  EXPECT_EQ(killed.signal, SIGTERM);
  EXPECT_EQ(killed.shell_code(), 128 + SIGTERM);
}

TEST(Spawn, a_process_that_is_no_child_has_no_successful_end) {
  EXPECT_NE(reap(::getpid()).code, 0);
  EXPECT_FALSE(reap_if_ended(::getpid()));
}

TEST(Spawn, a_running_child_is_not_reaped) {
  Pipe in;
  SpawnPlan plan = shell("read line; exit 3");
  plan.in = in.read;
  const pid_t pid = std::get<pid_t>(spawn(plan));
  EXPECT_FALSE(reap_if_ended(pid));
  in.close_write();
  siginfo_t ended{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOWAIT), 0);
  const auto end = reap_if_ended(pid);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->code, 3);
}

TEST(Spawn, a_failure_names_what_it_refers_to) {
  SpawnPlan plan = shell("true");
  plan.words = {"no-such-program-of-quern"};
  EXPECT_EQ(error_of(plan).error, ENOENT);
  EXPECT_EQ(error_of(plan).text, "no-such-program-of-quern");
  EXPECT_FALSE(error_of(plan).folder);
  plan = shell("true");
  plan.folder = "/no-such-folder-of-quern";
  EXPECT_EQ(error_of(plan).error, ENOENT);
  EXPECT_EQ(error_of(plan).text, plan.folder);
  EXPECT_TRUE(error_of(plan).folder);
  plan = shell("true");
  plan.in = 1000;
  EXPECT_EQ(error_of(plan).error, EBADF);
}

TEST(Spawn, folder_environment_and_descriptors_are_those_of_the_plan) {
  SpawnPlan plan = shell("pwd; echo $A; cat; cat <&3");
  plan.env = {"A=b", "PATH=/usr/bin:/bin"};
  plan.folder = "/";
  Pipe extra;
  ASSERT_EQ(::write(extra.write, "extra", 5), 5);
  extra.close_write();
  plan.extra = extra.read;
  EXPECT_EQ(output_of(plan), "/\nb\nextra");
}

TEST(Spawn, signals_that_this_process_ignores_end_the_program) {
  for (const bool own : {false, true}) {
    SpawnPlan plan = shell("kill -PIPE $$; exit 0");
    plan.own = own;
    const auto before = ::signal(SIGPIPE, SIG_IGN);
    EXPECT_EQ(end_of(plan).signal, SIGPIPE) << own;
    ::signal(SIGPIPE, before);
  }
}

TEST(Spawn, only_our_own_programs_survive_a_hangup_that_is_ignored) {
  for (const bool own : {false, true}) {
    SpawnPlan plan = shell("kill -HUP $$; exit 0");
    plan.own = own;
    const auto before = ::signal(SIGHUP, SIG_IGN);
    EXPECT_EQ(end_of(plan).signal, own ? 0 : SIGHUP);
    ::signal(SIGHUP, before);
  }
}

TEST(Spawn, a_program_leads_its_group_and_only_a_foreign_one_its_session) {
  for (const bool own : {false, true}) {
    SpawnPlan plan = shell("read line");
    Pipe in;
    plan.in = in.read;
    plan.own = own;
    const pid_t pid = std::get<pid_t>(spawn(plan));
    EXPECT_EQ(::getpgid(pid), pid);
    EXPECT_EQ(::getsid(pid), own ? ::getsid(0) : pid);
    in.close_write();
    reap(pid);
  }
}

TEST(Spawn, only_our_own_programs_inherit_other_descriptors) {
  const int fd = ::fcntl(STDIN_FILENO, F_DUPFD, 50);
  ASSERT_GE(fd, 50);
  for (const bool own : {false, true}) {
    SpawnPlan plan = shell("test -e /proc/self/fd/" + std::to_string(fd) + " && echo open");
    plan.own = own;
    EXPECT_EQ(output_of(plan), own ? "open\n" : "");
  }
  ::close(fd);
}

TEST(Search, the_first_executable_file_of_the_path_is_found) {
  const std::filesystem::path top =
      std::filesystem::path(testing::TempDir()) / ("search" + std::to_string(::getpid()));
  for (const char* folder : {"a", "b", "c"}) {
    std::filesystem::create_directories(top / folder);
    std::ofstream(top / folder / "tool") << "#!/bin/sh\n";
  }
  for (const char* folder : {"b", "c"})
    std::filesystem::permissions(top / folder / "tool", std::filesystem::perms::owner_all);
  const std::string a = (top / "a").string(), b = (top / "b").string(), c = (top / "c").string();
  struct Case {
    std::string path;
    std::optional<std::string> found;
  };
  const Case cases[] = {{a, std::nullopt},
                        {b, b + "/tool"},
                        {a + ":" + b + ":" + c, b + "/tool"},
                        {c + ":" + b, c + "/tool"},
                        {"::" + c + ":", c + "/tool"},
                        {"", std::nullopt},
                        {":", std::nullopt},
                        {"/no-such-folder-of-quern", std::nullopt}};
  for (const auto& [path, found] : cases) EXPECT_EQ(find_in_path("tool", path), found) << path;
  std::filesystem::remove_all(top);
}

}  // namespace
}  // namespace quern::process
