#include "worker/process/co_process.hpp"
#include "worker/process/input_wait.hpp"
#include "worker/process/nonblocking.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace quern::worker {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kAnswerLook{20};  // interval for checking whether answers are still needed
constexpr milliseconds kFarewell{300};   // time between the end of its input and being killed
constexpr std::size_t kAnswerBlock = 64u << 10;
constexpr std::size_t kErrorKept = 4096;
constexpr std::size_t kAnswerMax = 64u << 20;
// Maximum time from its last answer until it reads again; a program that writes nothing in this
// time is considered correct.
constexpr milliseconds kQuiet{1000};
constexpr milliseconds kQuietUntold{20};  // if the system does not tell what it waits for
constexpr std::chrono::microseconds kFirstWait{50}, kLongestWait{5000};
constexpr char kTooMuch[] =
    "the program wrote more than one line for an item; a --loop program must answer each item with "
    "one line on standard output, and write everything else to standard error";
constexpr char kTooMuchFramed[] =
    "the program wrote more answers than it received items; it must answer each item once";
constexpr char kLineBuffer[] = "/usr/libexec/coreutils/libstdbuf.so";

/// Sets the variables of `stdbuf -oL` and `python -u`, because programs that buffer their output
/// would delay answers.
void ask_for_lines(std::vector<std::string>& env) {
  if (::access(kLineBuffer, R_OK) == 0) {
    env.push_back(std::string("LD_PRELOAD=") + kLineBuffer);
    env.emplace_back("_STDBUF_O=L");
  }
  env.emplace_back("PYTHONUNBUFFERED=1");
}

std::uint32_t length_at(const char* bytes) {
  std::uint32_t n = 0;
  for (int i = 3; i >= 0; --i) n = n << 8 | static_cast<unsigned char>(bytes[i]);
  return n;
}

}  // namespace

CoProcess::CoProcess(const Command& command, Host& host,
                     const std::function<void(const std::string& folder)>& furnish)
    : mark_(host),
      frame_(command.frame),
      timeout_(command.timeout_ms),
      memory_(host.memory_for(command.memory_bytes)),
      place_(workplace_of(command.cwd, command.cwd_optional, host)) {
  process::SpawnPlan plan = plan_of(command, host, mark_.variable());
  if (frame_ == Command::Frame::line) ask_for_lines(plan.env);
  plan.words = command.words;
  // A function is served by this program, wherever it is installed.
  if (frame_ == Command::Frame::call) plan.file = "/proc/self/exe";
  if (place_.temporary) furnish(place_.folder);
  plan.folder = place_.folder;
  plan.in = in_.read;
  plan.out = out_.write;
  plan.err = err_.write;
  if (const auto error = child_.start(plan)) {
    if (error->folder) throw std::runtime_error(folder_trouble(error->text, error->error, host));
    throw std::runtime_error("cannot run " + error->text + ": " + std::strerror(error->error));
  }
  in_.close_read();
  out_.close_write();
  err_.close_write();
  for (const int fd : {in_.write, out_.read, err_.read}) make_nonblocking(fd);
}

CoProcess::~CoProcess() {
  in_.close_write();
  if (child_.running()) {
    pollfd ended{child_.ended_fd(), POLLIN, 0};
    ::poll(&ended, 1, static_cast<int>(kFarewell.count()));
    child_.finish();
  }
}

bool CoProcess::framed(BytesView item, std::string& into, std::string& trouble) const {
  if (frame_ != Command::Frame::line) {
    for (int shift = 0; shift < 32; shift += 8) into += static_cast<char>(item.size() >> shift);
    into += item;
    return true;
  }
  if (item.find('\n') != BytesView::npos) {
    trouble = "the item contains a newline, which separates items; use --frame length";
    return false;
  }
  into += item;
  into += '\n';
  return true;
}

void CoProcess::take_answers(std::size_t wanted, Answers& answers) {
  while (answers.count() < wanted) {
    const BytesView rest = BytesView(read_).substr(taken_);
    if (frame_ == Command::Frame::line) {
      const auto end = rest.find('\n');
      if (end == BytesView::npos) break;
      answers.result(Bytes(rest.substr(0, end)));
      taken_ += end + 1;
    } else {
      if (rest.size() < 4) break;
      const std::size_t length = length_at(rest.data());
      if (length > kAnswerMax)
        throw std::runtime_error("the program answered with a length of " + std::to_string(length) +
                                 "; the limit is 64 MiB");
      if (rest.size() < 4 + length) break;
      const BytesView answer = rest.substr(4, length);
      if (frame_ == Command::Frame::length)
        answers.result(Bytes(answer));
      else if (!answer.empty() && answer.front() == 0)
        answers.result(Bytes(answer.substr(1)));
      else
        answers.failure(std::string(answer.substr(std::min<std::size_t>(1, answer.size()))));
      taken_ += 4 + length;
    }
  }
  if (taken_ == read_.size() || taken_ > kAnswerBlock) {
    read_.erase(0, taken_);
    taken_ = 0;
  }
  if (read_.size() - taken_ > kAnswerMax + 4)
    throw std::runtime_error("the program's answer exceeds the limit of 64 MiB");
}

void CoProcess::keep_error_output() {
  char block[4096];
  for (ssize_t got; (got = ::read(err_.read, block, sizeof block)) > 0;)
    error_tail_.append(block, static_cast<std::size_t>(got));
  if (error_tail_.size() > kErrorKept) error_tail_.erase(0, error_tail_.size() - kErrorKept);
}

std::string CoProcess::why_it_ended() {
  keep_error_output();
  std::string text = "the program ended without an answer: " + describe(child_.finish(), memory_);
  while (!error_tail_.empty() && error_tail_.back() == '\n') error_tail_.pop_back();
  if (!error_tail_.empty()) text += ": " + error_tail_.substr(error_tail_.rfind('\n') + 1);
  return text;
}

bool CoProcess::wrote_more(const std::function<bool()>& cancelled) {
  if (!read_.empty()) return true;
  if (frame_ == Command::Frame::call) return false;  // our own program, which is trusted
  const auto began = Clock::now();
  for (auto wait = kFirstWait; !cancelled(); wait = std::min(2 * wait, kLongestWait)) {
    // Checks first whether it waits, so that the poll sees everything that it wrote before.
    const InputWait state = input_wait_of(child_.pid(), in_.write);
    const bool last = state == InputWait::waits ||
                      Clock::now() - began > (state == InputWait::unknown ? kQuietUntold : kQuiet);
    pollfd fds[] = {{out_.read, POLLIN, 0}, {child_.ended_fd(), POLLIN, 0}};
    const timespec patience{0, last ? 0 : std::chrono::nanoseconds(wait).count()};
    ::ppoll(fds, 2, &patience, nullptr);
    char byte = 0;
    const bool readable = fds[0].revents != 0;
    if (readable && ::read(out_.read, &byte, 1) > 0) return true;
    // It has ended or closed its output, so it cannot have answered items that it did not read.
    int unread = 0;
    if (readable || fds[1].revents != 0)
      return ::ioctl(in_.write, FIONREAD, &unread) == 0 && unread > 0;
    if (last) return false;
    keep_error_output();
  }
  return false;
}

CoProcess::State CoProcess::answer(const std::vector<BytesView>& items,
                                   const std::function<bool()>& cancelled, Answers& answers) {
  const std::string complaint = frame_ == Command::Frame::line ? kTooMuch : kTooMuchFramed;
  pollfd early{out_.read, POLLIN, 0};
  char byte = 0;
  if (!read_.empty() || (::poll(&early, 1, 0) > 0 && ::read(out_.read, &byte, 1) > 0)) {
    answers.failure(complaint);
    child_.finish();
    return State::ended;
  }
  Answers these;
  const State state = exchange(items, cancelled, these);
  // A surplus line after any answer shifts all following ones, so one is left over at the end;
  // which item it belongs to is unknown.
  const bool too_much = state == State::well && wrote_more(cancelled);
  for (const auto& answer : these.all()) {
    if (too_much || !answer.ok)
      answers.failure(too_much ? complaint : answer.bytes);
    else
      answers.result(answer.bytes);
  }
  if (too_much) child_.finish();
  return too_much ? State::ended : state;
}

CoProcess::State CoProcess::exchange(const std::vector<BytesView>& items,
                                     const std::function<bool()>& cancelled, Answers& answers) {
  const std::size_t base = answers.count();
  std::string pending;
  std::string trouble;
  std::size_t given = 0;  // items whose bytes are in `pending` or written
  std::size_t written = 0;
  const auto fail = [&](std::string text) {
    answers.failure(std::move(text));
    child_.finish();
    return State::ended;
  };
  auto heard = Clock::now();
  while (answers.count() - base < items.size()) {
    // A bad item ends the group of items that are written at once; it is handled when the items
    // before it have been answered.
    while (given < items.size() && trouble.empty() && pending.size() - written < kAnswerBlock &&
           framed(items[given], pending, trouble))
      ++given;
    if (!trouble.empty() && answers.count() - base == given) {
      answers.failure(std::exchange(trouble, {}));
      ++given;
      continue;
    }
    if (written < pending.size()) {
      const ssize_t put = ::write(in_.write, pending.data() + written, pending.size() - written);
      if (put > 0) written += static_cast<std::size_t>(put);
      if (written == pending.size()) pending.clear(), written = 0;
    }
    pollfd fds[] = {{out_.read, POLLIN, 0},
                    {err_.read, POLLIN, 0},
                    {written < pending.size() ? in_.write : -1, POLLOUT, 0},
                    {child_.ended_fd(), POLLIN, 0}};
    ::poll(fds, 4, static_cast<int>(kAnswerLook.count()));
    // It has ended and all its output was read, although a process that it left behind may hold the
    // pipe open.
    if (fds[3].revents != 0 && fds[0].revents == 0) {
      answers.failure(why_it_ended());
      return State::ended;
    }
    if (fds[1].revents & POLLIN) keep_error_output();
    if (fds[1].revents & POLLHUP) err_.close_read();
    if (fds[0].revents != 0) {
      char block[kAnswerBlock];
      const ssize_t got = ::read(out_.read, block, sizeof block);
      if (got == 0) {
        answers.failure(why_it_ended());
        return State::ended;
      }
      if (got > 0) {
        read_.append(block, static_cast<std::size_t>(got));
        const std::size_t before = answers.count();
        try {
          take_answers(base + given, answers);
        } catch (const std::runtime_error& error) {
          return fail(error.what());
        }
        if (answers.count() > before) heard = Clock::now();
      }
    }
    if (cancelled()) return fail("cancelled");
    if (timeout_.count() > 0 && Clock::now() - heard > timeout_)
      return fail("no answer for " + std::to_string(timeout_.count()) +
                  " ms; the program must answer each line at once, without buffering its output");
  }
  return State::well;
}

}  // namespace quern::worker
