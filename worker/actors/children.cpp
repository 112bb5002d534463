#include "worker/actors/children.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "wire/batch.hpp"
#include "wire/limits.hpp"

namespace quern::worker {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kErrorsMost = 100;  // in an outcome, as in the client's
// A range may have 2^62 tasks, and all of them may fail.
constexpr std::uint64_t kFailedMost = wire::kBatchTasksMax;

struct Children::Shared {
  wire::LeaseId lease;
  Post post;
  std::mutex mutex;
  std::condition_variable changed;
  bool over = false;  // cancelled, or the task has returned
  Clock::duration waited{};
  std::unordered_map<Uuid, std::shared_ptr<Child>> children;  // that have not ended
};

class Children::Child final : public NestedJob::Handle {
 public:
  Child(std::shared_ptr<Shared> shared, Uuid job) : shared_(std::move(shared)), job_(job) {}

  const NestedEnd& wait() override {
    std::unique_lock lock(shared_->mutex);
    if (!ended_ && !shared_->over) {
      const auto began = Clock::now();
      shared_->post(wire::Wait{shared_->lease, job_});
      shared_->changed.wait(lock, [this] { return ended_ || shared_->over; });
      shared_->post(wire::Wait{shared_->lease, {}});
      shared_->waited += Clock::now() - began;
    }
    if (!ended_)
      fail({JobState::cancelled,
            ErrorCode::cancelled,
            "the task was cancelled while it waited for a job that it had submitted",
            {},
            0,
            0});
    return end_;
  }
  bool accepted() const override {
    std::lock_guard lock(shared_->mutex);
    return accepted_;
  }

  // With the mutex held.
  bool ended() const { return ended_; }
  void take(wire::Results& results) {
    accepted_ = true;
    wire::BatchReader reader(results.batch);
    end_.encoding = results.encoding;
    for (const auto& tasks : results.tasks)
      for (std::uint64_t task = tasks.begin; task < tasks.end; ++task)
        end_.results.push_back({task, true, Bytes(reader.next()), ErrorCode::none, {}, {}});
    // What failed tasks wrote follows the results.
    std::unordered_map<std::uint64_t, Bytes> written;
    for (const auto& tasks : results.written)
      for (std::uint64_t task = tasks.begin; task < tasks.end; ++task)
        written[task] = Bytes(reader.next());
    for (const TaskError& error : results.errors) {
      if (end_.outcome.errors.size() < kErrorsMost) end_.outcome.errors.push_back(error);
      const std::uint64_t some =
          std::min(error.count, kFailedMost - std::min(kFailedMost, failed_));
      failed_ += some;
      for (std::uint64_t task = error.first; task < error.first + some; ++task)
        end_.results.push_back({task, false, written[task], error.code, error.text, {}});
    }
  }
  void take(wire::JobUpdate& update) {
    accepted_ = true;
    const JobStatus& status = update.status;
    end_.reduced = update.reduced;
    if (update.has_value) end_.value = Bytes(update.value.view());
    end_.encoding = status.encoding;
    end_.outcome.state = status.state;
    end_.outcome.done = status.done;
    end_.outcome.failed = status.failed;
    if (status.state != JobState::done) {
      end_.outcome.code = status.failure == ErrorCode::none ? ErrorCode::failed : status.failure;
      end_.outcome.text = status.reason;
    }
    std::sort(end_.results.begin(), end_.results.end(),
              [](const TaskResult& a, const TaskResult& b) { return a.index < b.index; });
    for (TaskResult& result : end_.results) result.encoding = end_.encoding;
    ended_ = true;
  }
  void fail(Outcome outcome) {
    end_.outcome = std::move(outcome);
    ended_ = true;
  }

 private:
  const std::shared_ptr<Shared> shared_;
  const Uuid job_;
  NestedEnd end_;
  std::uint64_t failed_ = 0;  // in `end_.results`
  bool accepted_ = false;
  bool ended_ = false;
};

Children::Children(wire::LeaseId lease, Post post) : shared_(std::make_shared<Shared>()) {
  shared_->lease = lease;
  shared_->post = std::move(post);
}

Children::~Children() { cancel(); }

NestedJob Children::submit(wire::Submit submit) {
  if (!shared_->post)
    throw SubmitError(ErrorCode::denied, "jobs cannot be submitted here: no broker is known");
  submit.lease = shared_->lease;
  auto child = std::make_shared<Child>(shared_, submit.job);
  {
    std::lock_guard lock(shared_->mutex);
    if (shared_->over)
      throw SubmitError(ErrorCode::cancelled, "the task was cancelled, so it can submit nothing");
    shared_->children.emplace(submit.job, child);
    shared_->post(std::move(submit));
  }
  return NestedJob(std::move(child));
}

Clock::duration Children::take_waited() {
  std::lock_guard lock(shared_->mutex);
  return std::exchange(shared_->waited, {});
}

void Children::take(wire::Message&& message) {
  std::lock_guard lock(shared_->mutex);
  const auto child_of = [&](const Uuid& job) -> Child* {
    const auto at = shared_->children.find(job);
    return at == shared_->children.end() ? nullptr : at->second.get();
  };
  Uuid job;
  if (auto* results = std::get_if<wire::Results>(&message)) {
    job = results->job;
    if (Child* child = child_of(job)) child->take(*results);
  } else if (auto* update = std::get_if<wire::JobUpdate>(&message)) {
    job = update->status.uuid;
    if (Child* child = child_of(job)) child->take(*update);
  } else if (auto* error = std::get_if<wire::ErrorMessage>(&message)) {
    job = error->job.value_or(Uuid{});
    if (Child* child = child_of(job))
      child->fail({JobState::failed, error->code, error->text, {}, 0, 0});
  }
  const Child* child = child_of(job);
  if (!child || !child->ended()) return;
  shared_->children.erase(job);
  shared_->changed.notify_all();
}

void Children::cancel() {
  // They hold what holds them: without this, those that did not end would never be freed.
  decltype(shared_->children) left;
  {
    std::lock_guard lock(shared_->mutex);
    shared_->over = true;
    left.swap(shared_->children);
  }
  shared_->changed.notify_all();
}

}  // namespace quern::worker
