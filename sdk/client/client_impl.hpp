// What a Client owns: the actor, the outbox to it, and the handles that it has given out. Any
// thread may call anything.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <semaphore>
#include <string>
#include <utility>
#include <vector>

#include "client/actor.hpp"
#include "client/coalescer.hpp"
#include "client/feeder.hpp"
#include "client/full_job.hpp"
#include "quern/client.hpp"
#include "wire/blob.hpp"

namespace quern {

class Client::Impl {
 public:
  explicit Impl(const ClientOptions& options);
  ~Impl();

  Job submit(std::string function, Input input, SubmitOptions options);
  Job attach(const client::Follow& follow);
  client::Reply ask(client::ClientCore::Question question);
  /// One chunk of a file; waits while too many others of this client are on their way.
  wire::Blob read_chunk(wire::Fetch fetch);
  const std::string& endpoint() const { return endpoint_; }
  const client::CallbackQueue& callbacks() const { return *outbox_->callbacks(); }
  std::size_t dispatch() { return outbox_->callbacks()->dispatch(); }

 private:
  Impl(client::CoreOptions options, link::Access access, Callbacks where)
      : endpoint_(options.endpoint),
        outbox_(std::make_shared<client::Outbox>(where)),
        actor_(std::make_unique<client::ClientActor>(std::move(options), std::move(access),
                                                     outbox_)) {}

  client::JobKey new_key() {
    return client::JobKey{next_key_.fetch_add(1, std::memory_order_relaxed)};
  }
  std::shared_ptr<client::JobHandle> handle_of(const std::shared_ptr<client::FullJob>& job,
                                               client::JobKey key);
  std::pair<std::shared_ptr<client::SingleGroup>, std::shared_ptr<client::SingleJob>> make_group(
      const std::string& function, const Whole& first, const SubmitOptions& options);
  std::shared_ptr<client::InputQueue> queue_for(client::JobKey key);
  void wake_for(client::InputQueue& queue, client::JobKey key);
  void feed(Items items, const std::shared_ptr<client::InputQueue>& queue,
            const std::shared_ptr<client::FullJob>& job, wire::Submit submit, client::JobKey key);
  std::shared_ptr<client::JobHandle> known_handle(const client::Follow& follow);
  void remember(const std::shared_ptr<client::FullJob>& job,
                const std::shared_ptr<client::JobHandle>& handle);

  const std::string endpoint_;
  const std::shared_ptr<client::Outbox> outbox_;
  const std::shared_ptr<client::FeederCount> feeders_ = std::make_shared<client::FeederCount>();
  std::counting_semaphore<> reads_{wire::kReadsMost};
  std::atomic<std::uint64_t> next_key_{1};
  client::Coalescer coalescer_{[this](const std::string& f, const Whole& w,
                                      const SubmitOptions& o) { return make_group(f, w, o); }};

  // Jobs with a living handle, so that attaching to one's own job gives that handle.
  struct Known {
    std::weak_ptr<client::FullJob> job;
    std::weak_ptr<client::JobHandle> handle;
  };
  std::mutex known_mutex_;
  std::vector<std::weak_ptr<client::FullJob>>
      detached_;  ///< whose input the broker may not have yet
  std::vector<Known> known_;
  std::size_t known_sweep_ = 64;

  std::unique_ptr<client::ClientActor> actor_;  // last, so that it is destroyed first
};

}  // namespace quern
