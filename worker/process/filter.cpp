// `filter`: one program per slot and job, which answers item after item.
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "worker/process/co_process.hpp"
#include "worker/process/exec.hpp"
#include "worker/process/put_files.hpp"

namespace quern::worker {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSweep{100};  // interval for finding programs whose job is over

/// What one slot keeps between two calls. Held by its thread during a call, by the sweeper in
/// between.
struct Place {
  std::mutex mutex;
  CommandOfJob job;
  std::weak_ptr<const void> owner;
  std::unique_ptr<CoProcess> program;
};

class Filters {
 public:
  explicit Filters(Host& host) : host_(host), files_(host), sweeper_([this] { sweep(); }) {}
  ~Filters() {
    {
      std::lock_guard lock(mutex_);
      closing_ = true;
    }
    wake_.notify_all();
    sweeper_.join();
  }
  Filters(const Filters&) = delete;
  Filters& operator=(const Filters&) = delete;

  void answer(Task& task, const std::vector<BytesView>& items, Answers& answers) {
    Place& place = place_of_this_thread();
    std::lock_guard lock(place.mutex);
    const Command& command = place.job.of(task);
    const auto owner = task.common_owner();
    if (place.owner.lock() != owner) place.program.reset();  // another job's
    place.owner = owner;
    const auto cancelled = [&task] { return task.cancelled(); };
    while (answers.count() < items.size()) {
      if (cancelled()) return place.program.reset();
      if (!place.program) {
        place.program = std::make_unique<CoProcess>(command, host_, [&](const std::string& folder) {
          files_.place(task, command, {}, folder);
        });
        {
          std::lock_guard seen(mutex_);
        }  // the sweeper has not just found nothing and is about to sleep
        wake_.notify_all();
      }
      // The item that it was working on when it ended has failed; the following ones are given to a
      // new program.
      const std::vector<BytesView> rest(
          items.begin() + static_cast<std::ptrdiff_t>(answers.count()), items.end());
      if (place.program->answer(rest, cancelled, answers) == CoProcess::State::ended)
        place.program.reset();
    }
  }

 private:
  Place& place_of_this_thread() {
    std::lock_guard lock(mutex_);
    auto& place = places_[std::this_thread::get_id()];
    if (!place) place = std::make_unique<Place>();
    return *place;
  }

  /// Ends programs whose job is over. A job is over when its common input has no owner any more.
  void sweep() {
    std::unique_lock lock(mutex_);
    while (!closing_) {
      std::vector<std::unique_ptr<CoProcess>> over;
      bool any = false;
      for (auto& [thread, place] : places_) {
        std::unique_lock held(place->mutex, std::try_to_lock);
        if (!held) {
          any = true;  // it is running
        } else if (place->program) {
          if (place->owner.expired())
            over.push_back(std::move(place->program));
          else
            any = true;
        }
      }
      if (!over.empty()) {  // ending them may take time
        lock.unlock();
        over.clear();
        lock.lock();
        continue;
      }
      if (any)
        wake_.wait_for(lock, kSweep);
      else
        wake_.wait(lock);
    }
  }

  Host& host_;
  PutFiles files_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::thread::id, std::unique_ptr<Place>> places_;
  bool closing_ = false;
  std::thread sweeper_;  // last: it uses everything above
};

}  // namespace

void add_filter(Functions& functions, Host& host) {
  auto filters = std::make_shared<Filters>(host);
  functions.add_batch("filter", Encoding::raw,
                      [filters](Task& task, const std::vector<BytesView>& items, Answers& answers) {
                        filters->answer(task, items, answers);
                      });
}

}  // namespace quern::worker
