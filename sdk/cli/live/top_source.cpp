#include "cli/live/top_source.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <exception>

namespace quern::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kJobsMost = 500;  ///< more do not fit into one answer
constexpr auto kSilence = 3s;           ///< a slower answer is reported

double seconds_of(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

TopPicture take_picture(Client& client) {
  TopPicture picture;
  picture.endpoint = client.endpoint();
  picture.broker = client.broker();
  picture.workers = client.workers();
  picture.jobs = client.jobs(kJobsMost);
  return picture;
}

std::map<std::uint64_t, double> speeds(const TopPicture& before, const TopPicture& now,
                                       double elapsed_s) {
  std::map<std::uint64_t, std::uint64_t> done;
  for (const WorkerStatus& worker : before.workers) done[worker.id] = worker.tasks_done;
  std::map<std::uint64_t, double> found;
  for (const WorkerStatus& worker : now.workers) {
    const auto old = done.find(worker.id);
    if (old == done.end() || elapsed_s <= 0 || worker.tasks_done < old->second) continue;
    found[worker.id] = static_cast<double>(worker.tasks_done - old->second) / elapsed_s;
  }
  return found;
}

TopSource::TopSource(Client client, std::chrono::milliseconds interval)
    : client_(std::move(client)),
      interval_(interval),
      news_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      thread_([this] { ask(); }) {}

TopSource::~TopSource() {
  stop(0ms);
  thread_.join();
  ::close(news_);
}

std::optional<TopPicture> TopSource::latest() {
  eventfd_t ignored;
  ::eventfd_read(news_, &ignored);
  std::lock_guard lock(mutex_);
  if (!picture_) return std::nullopt;
  TopPicture picture = *picture_;
  const auto age = Clock::now() - taken_;
  picture.age_s = seconds_of(age);
  picture.trouble = trouble_;
  if (trouble_.empty() && age > interval_ + kSilence)
    picture.trouble = "no response: broker or network down";
  return picture;
}

bool TopSource::stop(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  wake_.notify_all();
  return wake_.wait_for(lock, patience, [&] { return ended_; });
}

void TopSource::ask() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    std::string trouble;
    try {
      take(take_picture(client_));
    } catch (const std::exception& error) {
      trouble = error.what();
    }
    lock.lock();
    trouble_ = trouble;
    ::eventfd_write(news_, 1);
    wake_.wait_for(lock, interval_, [&] { return stopping_; });
  }
  ended_ = true;
  wake_.notify_all();
}

void TopSource::take(TopPicture picture) {
  const auto now = Clock::now();
  std::lock_guard lock(mutex_);
  if (picture_) picture.speed = speeds(*picture_, picture, seconds_of(now - taken_));
  picture_ = std::move(picture);
  taken_ = now;
}

}  // namespace quern::cli
