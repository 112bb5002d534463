// What concerns a whole process: stop signals, standard descriptors, the log, random numbers. Each
// test that changes the process runs in a child of its own.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include <atomic>
#include <set>

#include "runtime/log.hpp"
#include "runtime/random.hpp"
#include "runtime/runtime_fixture.hpp"
#include "runtime/signals.hpp"
#include "runtime/start.hpp"

namespace quern::runtime {
namespace {

bool wait_readable(const StopSignals& signals) {
  Poller poller;
  poller.add(signals.fd());
  const auto deadline = SteadyClock::now() + kDeadline;
  do {
    poller.wait(left_until(deadline));
    if (poller.readable(0)) return true;
  } while (left_until(deadline) > 0ms);
  return false;
}

bool has_signal(const StopSignals& signals) {
  Poller poller;
  poller.add(signals.fd());
  poller.wait(0ms);
  return poller.readable(0);
}

TEST(StopSignalsTest, without_a_signal_there_is_nothing_to_take) {
  EXPECT_TRUE(succeeds_in_a_child([] {
    StopSignals signals;
    return !has_signal(signals) && signals.take() == 0;
  }));
}

TEST(StopSignalsTest, each_signal_to_the_process_is_taken_once) {
  for (const int number : {SIGINT, SIGTERM})
    EXPECT_TRUE(succeeds_in_a_child([number] {
      StopSignals signals;
      ::kill(::getpid(), number);
      return wait_readable(signals) && signals.take() == number && signals.take() == 0 &&
             !has_signal(signals);
    })) << number;
}

TEST(StopSignalsTest, a_second_signal_after_the_first_is_told_too) {
  EXPECT_TRUE(succeeds_in_a_child([] {
    StopSignals signals;
    for (int i = 0; i < 2; ++i) {
      ::kill(::getpid(), SIGTERM);
      if (!wait_readable(signals) || signals.take() != SIGTERM) return false;
    }
    return true;
  }));
}

TEST(StopSignalsTest, a_thread_that_was_started_before_takes_no_signal_away) {
  EXPECT_TRUE(succeeds_in_a_child([] {
    std::atomic<bool> stop{false};
    std::thread early([&] {
      while (!stop) std::this_thread::yield();
    });
    StopSignals signals;
    ::pthread_kill(early.native_handle(), SIGTERM);
    const bool told = wait_readable(signals) && signals.take() == SIGTERM;
    stop = true;
    early.join();
    return told;
  }));
}

TEST(StopSignalsTest, after_its_end_a_signal_has_its_default_action_again) {
  const int status = status_of_child([] {
    { StopSignals signals; }
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGTERM);
    ::pthread_sigmask(SIG_UNBLOCK, &both, nullptr);
    ::kill(::getpid(), SIGTERM);
    return false;
  });
  ASSERT_TRUE(WIFSIGNALED(status)) << status;
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
}

bool is_dev_null(int fd) {
  struct stat file {
  }, null{};
  return ::fstat(fd, &file) == 0 && ::stat("/dev/null", &null) == 0 && file.st_rdev == null.st_rdev;
}

TEST(StandardDescriptors, closed_ones_are_opened_on_dev_null) {
  EXPECT_TRUE(succeeds_in_a_child([] {
    for (int fd = 0; fd <= 2; ++fd) ::close(fd);
    open_standard_descriptors();
    return is_dev_null(0) && is_dev_null(1) && is_dev_null(2);
  }));
}

TEST(StandardDescriptors, open_ones_stay_and_nothing_else_is_left_open) {
  EXPECT_TRUE(succeeds_in_a_child([] {
    int ends[2];
    if (::pipe(ends) != 0 || ::dup2(ends[1], 1) != 1) return false;
    ::close(2);
    const int lowest = ::dup(0);
    // dup() took the number of stderr; give it back, so that the same number must be used.
    if (lowest != 2) return false;
    ::close(2);
    open_standard_descriptors();
    if (is_dev_null(1) || !is_dev_null(2)) return false;
    const int next = ::dup(0);
    ::close(next);
    open_standard_descriptors();
    const int same = ::dup(0);
    return next == same;
  }));
}

TEST(Orphans, a_process_that_is_not_the_first_keeps_its_children) {
  EXPECT_TRUE(succeeds_in_a_child([] {
    leave_orphans_to_the_system();
    const pid_t child = ::fork();
    if (child == 0) ::_exit(7);
    int status = 0;
    return ::waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7;
  }));
}

/// What `body` writes to standard error, in a child.
std::string standard_error_of(const std::function<void()>& body) {
  int ends[2] = {-1, -1};
  EXPECT_EQ(::pipe(ends), 0);
  EXPECT_TRUE(succeeds_in_a_child([&] {
    ::dup2(ends[1], 2);
    body();
    return true;
  }));
  ::close(ends[1]);
  std::string text;
  char bytes[4096];
  for (ssize_t got; (got = ::read(ends[0], bytes, sizeof bytes)) > 0;)
    text.append(bytes, static_cast<std::size_t>(got));
  ::close(ends[0]);
  return text;
}

TEST(Log, nothing_is_printed_before_a_program_opens_it) {
  EXPECT_EQ(standard_error_of([] { log_error("lost"); }), "");
}

TEST(Log, lines_below_the_level_are_left_out) {
  const std::string text = standard_error_of([] {
    open_log("program", LogLevel::warning);
    log_debug("one");
    log_info("two");
    log_warning("three");
    log_error("four");
  });
  EXPECT_EQ(text.find("one"), std::string::npos) << text;
  EXPECT_EQ(text.find("two"), std::string::npos) << text;
  EXPECT_NE(text.find("program warning: three\n"), std::string::npos) << text;
  EXPECT_NE(text.find("program error: four\n"), std::string::npos) << text;
}

TEST(Log, off_prints_nothing) {
  EXPECT_EQ(standard_error_of([] {
              open_log("program", LogLevel::off);
              log_error("lost");
            }),
            "");
}

TEST(Log, the_text_of_a_peer_can_neither_end_a_line_nor_control_a_terminal) {
  const std::string text = standard_error_of([] {
    open_log("program", LogLevel::info);
    log_info(std::string("a\nb\x1b[31m\x7f") + '\0' + "end");
  });
  EXPECT_NE(text.find("a\\x0ab\\x1b[31m\\x7f\\x00end\n"), std::string::npos) << text;
}

TEST(Random, exactly_the_given_bytes_are_filled) {
  std::string bytes(34, 'g');
  // 32 bytes that stay as they were by chance happen once in 2^256.
  random_bytes(bytes.data() + 1, 32);
  EXPECT_EQ(bytes.front(), 'g');
  EXPECT_EQ(bytes.back(), 'g');
  EXPECT_NE(bytes.substr(1, 32), std::string(32, 'g'));
  const std::string before = bytes;
  random_bytes(bytes.data(), 0);
  EXPECT_EQ(bytes, before);
}

TEST(Random, more_than_one_system_call_gives_is_filled_to_the_end) {
  // getrandom(2) may give less than it was asked for from 256 bytes on.
  std::string bytes(4u << 20, '\0');
  random_bytes(bytes.data(), bytes.size());
  const std::string_view last(bytes.data() + bytes.size() - 4096, 4096);
  EXPECT_GT(std::set<char>(last.begin(), last.end()).size(), 200u);
}

TEST(Random, numbers_differ) {
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random_u64());
  EXPECT_EQ(seen.size(), 1000u);
}

}  // namespace
}  // namespace quern::runtime
