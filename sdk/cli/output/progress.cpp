#include "cli/output/progress.hpp"

#include <cstdlib>

#include "cli/output/human.hpp"
#include "notation/duration.hpp"

namespace quern::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBarCells = 24;
constexpr auto kRedraw = 200ms;
constexpr auto kPatience = 1s;          ///< after waiting this long, the reason is printed
constexpr auto kSilence = 4s;           ///< a program may take some time to start on a slow machine
constexpr std::size_t kReasonsMax = 3;  ///< maximum number of different reasons to print

}  // namespace

std::string progress_line(const Progress& progress) {
  if (progress.state == JobState::waiting)
    return "waiting: " + (progress.reason.empty() ? "for workers" : progress.reason);
  const std::uint64_t ended = progress.done + progress.failed;
  const double share =
      progress.total ? static_cast<double>(ended) / static_cast<double>(progress.total) : 0;
  const auto count = [](std::uint64_t n) { return human_count(static_cast<double>(n)); };
  // The total of an open job is unknown, so a percentage would be a guess.
  std::string line = progress.open ? count(ended) + " of " + count(progress.total) + " so far"
                                   : bar(share, kBarCells) + " " + count(ended) + "/" +
                                         count(progress.total) + "  " + percent(share);
  if (progress.rate > 0) line += "  " + human_rate(progress.rate);
  if (progress.eta_s >= 0 && !progress.open)
    line += "  " + notation::short_duration(progress.eta_s) + " left";
  // The number of workers arrives after the first lease.
  if (progress.workers > 0)
    line +=
        "  " + std::to_string(progress.workers) + (progress.workers == 1 ? " worker" : " workers");
  if (progress.failed > 0) line += "  " + count(progress.failed) + " failed";
  if (!progress.reason.empty() && !is_final(progress.state)) line += "  (" + progress.reason + ")";
  return line;
}

ProgressView::ProgressView(const Job& job, Console& console, Of of)
    : job_(job), console_(console), of_(of) {
  // Subscribes to updates of the job; look() reads them.
  job_.on_progress([](const Progress&) {}, kRedraw);
  thread_ = std::thread([this] { follow(); });
}

ProgressView::~ProgressView() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
  console_.status({});
}

void ProgressView::follow() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kRedraw, [&] { return stopping_; })) {
    lock.unlock();
    look();
    lock.lock();
  }
}

void ProgressView::look() {
  const Progress progress = job_.progress();
  warn(progress);
  if (console_.is_terminal()) {
    console_.status(progress_line(progress));
    return;
  }
  const bool waits = progress.state == JobState::waiting && !progress.reason.empty();
  if (!waits || std::chrono::steady_clock::now() - started_ < kPatience) return;
  if (said_.size() < kReasonsMax && said_.insert(progress.reason).second)
    console_.say("waiting: " + progress.reason);
}

void ProgressView::warn(const Progress& progress) {
  if (warned_ || is_final(progress.state) || progress.done + progress.failed > 0) return;
  // A program that was started by a command of Quern recognises this by its environment variables.
  const bool nested = progress.state == JobState::waiting && std::getenv("QUERN_TASK") != nullptr;
  const bool unanswered = progress.state == JobState::running && of_ == Of::answers;
  const auto now = std::chrono::steady_clock::now();
  if (!nested && !unanswered) return stands_since_.reset();
  if (!stands_since_) stands_since_ = now;
  if (now - *stands_since_ < kSilence) return;
  warned_ = true;
  console_.say(
      nested ? "this job was started by a command of another job, which occupies its slot until "
               "this job has ended; if all slots are occupied like this, nothing can run: give the "
               "workers more slots, or run the outer job with fewer commands at a time (-j)"
             : "no answer yet: a --loop program must answer each line at once; if it buffers its "
               "output, run it with `stdbuf -oL`, or let it flush after each line (awk: fflush(), "
               "mawk: -W interactive)");
}

}  // namespace quern::cli
