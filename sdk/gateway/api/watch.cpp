#include "gateway/api/watch.hpp"

#include <atomic>
#include <mutex>

namespace quern::gateway {
namespace {

// The broker tells at most this often what has changed.
constexpr std::chrono::milliseconds kPace{100};

class Watch : public std::enable_shared_from_this<Watch> {
 public:
  Watch(Api& api, Caller caller, std::shared_ptr<Exchange> exchange, JobNumber number,
        std::function<bool(const JobStatus&)> is_due,
        std::function<Response(const JobStatus&, const Request&)> answer)
      : api_(api),
        caller_(std::move(caller)),
        exchange_(std::move(exchange)),
        number_(number),
        is_due_(std::move(is_due)),
        answer_(std::move(answer)) {}

  void begin(double seconds) {
    api_.server().post([self = shared_from_this(), seconds] {
      // Holds the watch until the time is over.
      self->api_.server().after(seconds, [self] { self->look(true); });
    });
    exchange_->on_outcome([weak = weak_from_this()](bool) {
      if (const auto self = weak.lock()) self->finish();
    });
    Job job = caller_.client->attach(number_);
    job.on_progress(
        [weak = weak_from_this()](const Progress&) {
          if (const auto self = weak.lock()) self->look(false);
        },
        kPace);
    std::lock_guard lock(mutex_);
    if (!done_) job_ = std::move(job);
  }

 private:
  /// Asks for the state, on a thread that may block, and answers if it is due.
  void look(bool last) {
    if (last) last_ = true;
    if (done_) return;
    if (looking_.exchange(true)) {
      again_ = true;
      return;
    }
    const bool taken = api_.run([self = shared_from_this()] { self->look_now(); });
    if (taken) return;
    looking_ = false;  // the next change, or the end of the time, tries again
    if (last_) exchange_->respond(problem(503, "queue_full", "Too many requests wait."));
  }

  void look_now() {
    do {
      again_ = false;
      const bool is_last = last_;
      const Response response = guarded([&]() -> Response {
        const JobStatus status = caller_.client->job(number_);
        if (!is_last && !is_due_(status)) return Response{0, "", "", {}};
        return answer_(status, exchange_->request);
      });
      if (response.status != 0) {
        exchange_->respond(response);
        finish();
        return;
      }
    } while (again_);
    looking_ = false;
    if (again_) look(false);
  }

  void finish() {
    done_ = true;
    std::lock_guard lock(mutex_);
    job_.reset();
  }

  Api& api_;
  const Caller caller_;
  const std::shared_ptr<Exchange> exchange_;
  const JobNumber number_;
  const std::function<bool(const JobStatus&)> is_due_;
  const std::function<Response(const JobStatus&, const Request&)> answer_;
  std::atomic<bool> done_{false}, looking_{false}, again_{false}, last_{false};
  std::mutex mutex_;
  std::optional<Job> job_;  ///< followed as long as the answer is not due
};

}  // namespace

void watch_job(Api& api, const Caller& caller, const std::shared_ptr<Exchange>& exchange,
               JobNumber number, double seconds, std::function<bool(const JobStatus&)> is_due,
               std::function<Response(const JobStatus&, const Request&)> answer) {
  std::make_shared<Watch>(api, caller, exchange, number, std::move(is_due), std::move(answer))
      ->begin(seconds);
}

}  // namespace quern::gateway
