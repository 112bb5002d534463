#include "worker/process/program.hpp"
#include "worker/process/nonblocking.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace quern::worker {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kProgramLook{20};   // interval for checking whether it is still needed
constexpr milliseconds kGracePeriod{500};  // between SIGTERM and SIGKILL
// Limit of both outputs together: that of one result, minus room for notes about them.
constexpr std::size_t kOutputMax = (64u << 20) - (64u << 10);
constexpr std::size_t kBlock = 64u << 10;
constexpr int kLastTurns = 16;  // these reads are enough to empty a pipe
constexpr std::size_t kShrunkBy = 8u << 20;

/// Reads what is available, at most a megabyte. False at the end.
bool read_some(int fd, Bytes& into) {
  static thread_local char block[kBlock];
  for (std::size_t turn = 0;;) {
    const ssize_t got = ::read(fd, block, kBlock);
    if (got == 0) return false;
    if (got < 0 && errno != EINTR) return errno == EAGAIN;
    if (got < 0) continue;
    into.append(block, static_cast<std::size_t>(got));
    if (got < static_cast<ssize_t>(kBlock) || ++turn == 16) return true;
  }
}

class Running {
 public:
  explicit Running(const ProgramRun& run) : run_(run) {
    process::SpawnPlan plan = run.plan;
    if (run.input) plan.in = in_.emplace().read;
    plan.out = out_.write;
    plan.err = err_.write;
    end_.start_error = child_.start(plan);
    if (in_) in_->close_read();
    out_.close_write();
    err_.close_write();
  }

  ProgramEnd to_the_end() {
    if (end_.start_error) return std::move(end_);
    for (process::Pipe* pipe : {&out_, &err_}) make_nonblocking(pipe->read);
    if (in_) make_nonblocking(in_->write);
    while (!look()) {
    }
    drain_rest(out_, end_.out);  // reads what it wrote before it ended
    drain_rest(err_, end_.err);
    end_.end = child_.finish();
    return std::move(end_);
  }

 private:
  /// One turn; true if it has ended or must be ended now.
  bool look() {
    write_input();
    pollfd fds[] = {{child_.ended_fd(), POLLIN, 0},
                    {out_.read, POLLIN, 0},
                    {err_.read, POLLIN, 0},
                    {in_ ? in_->write : -1, POLLOUT, 0}};
    ::poll(fds, 4, patience());
    if (fds[1].revents != 0) drain(out_, end_.out);
    if (fds[2].revents != 0) drain(err_, end_.err);
    if (fds[0].revents != 0) return true;
    return judge();
  }

  /// True if its time is over.
  bool judge() {
    const auto now = Clock::now();
    if (term_at_) return now >= *term_at_ + kGracePeriod;
    using Why = ProgramEnd::Why;
    if (run_.cancelled && run_.cancelled()) return end(Why::cancelled, now);
    if (run_.timeout.count() > 0 && now >= began_ + run_.timeout) return end(Why::timed_out, now);
    return false;
  }
  bool end(ProgramEnd::Why why, Clock::time_point now) {
    end_.why = why;
    term_at_ = now;
    child_.signal(SIGTERM);
    return false;
  }

  int patience() const {
    auto until = Clock::now() + kProgramLook;
    if (run_.timeout.count() > 0 && !term_at_) until = std::min(until, began_ + run_.timeout);
    return static_cast<int>(
        std::max<std::int64_t>(0, std::chrono::ceil<milliseconds>(until - Clock::now()).count()));
  }

  void drain(process::Pipe& pipe, Captured& into) {
    if (pipe.read >= 0 && !read_some(pipe.read, into.bytes)) pipe.close_read();
    while (end_.out.bytes.size() + end_.err.bytes.size() > kOutputMax)
      (end_.out.bytes.size() > end_.err.bytes.size() ? end_.out : end_.err).shrink();
  }

  /// Reads what is in the pipe, but not more, because a process that the program left behind may
  /// keep writing.
  void drain_rest(process::Pipe& pipe, Captured& into) {
    pollfd more{pipe.read, POLLIN, 0};
    for (int turns = 0; turns < kLastTurns && pipe.read >= 0 && ::poll(&more, 1, 0) > 0; ++turns)
      drain(pipe, into);
  }

  void write_input() {
    while (in_ && written_ < run_.input->size()) {
      const ssize_t put =
          ::write(in_->write, run_.input->data() + written_, run_.input->size() - written_);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0 && errno == EAGAIN) return;
      if (put < 0) break;  // it does not read the rest
      written_ += static_cast<std::size_t>(put);
    }
    in_.reset();
  }

  const ProgramRun& run_;
  std::optional<process::Pipe> in_;
  process::Pipe out_, err_;
  Child child_;
  Clock::time_point began_ = Clock::now();
  std::optional<Clock::time_point> term_at_;
  std::size_t written_ = 0;
  ProgramEnd end_;
};

}  // namespace

void Captured::shrink() {
  if (left_out == 0) head = bytes.size() / 2;
  const std::size_t by = std::min(kShrunkBy, bytes.size() - head);
  bytes.erase(head, by);
  left_out += by;
}

ProgramEnd run_program(const ProgramRun& run) { return Running(run).to_the_end(); }

}  // namespace quern::worker
