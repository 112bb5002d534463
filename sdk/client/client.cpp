#include "quern/client.hpp"

#include <errno.h>
#include <unistd.h>
#include <iterator>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <unordered_map>
#include <utility>

#include "client/blob_source.hpp"
#include "client/client_impl.hpp"
#include "client/failure.hpp"
#include "client/submission.hpp"
#include "wire/blob.hpp"
#include "wire/text.hpp"

namespace quern {
namespace {

using namespace client;
using namespace std::chrono_literals;

constexpr char kDefaultEndpoint[] = "tcp://127.0.0.1:7600";
// A closing client waits this long for threads inside a source that does not block.
constexpr auto kFeedersEnd = 200ms;
constexpr auto kDetachedEnd = 4s;
constexpr int kPutAttempts = 3;
constexpr auto kStopLook = 100ms;

CoreOptions core_options(const ClientOptions& options) {
  CoreOptions core;
  core.endpoint = options.endpoint;
  if (core.endpoint.empty()) {
    const char* named = std::getenv("QUERN_BROKER");
    core.endpoint = named && *named ? named : kDefaultEndpoint;
  }
  core.identity = Uuid::random();
  core.name = options.name.empty()
                  ? std::string(program_invocation_short_name) + '-' + std::to_string(::getpid())
                  : options.name;
  core.name.resize(std::min(core.name.size(), wire::kNameBytesMax));
  core.software = "quern " QUERN_VERSION;
  core.first_wait = options.first_wait;
  core.retry = options.retry;
  return core;
}

}  // namespace

Client::Impl::Impl(const ClientOptions& options)
    : Impl(core_options(options),
           {options.insecure, options.keys, keys::Side::client, options.token}, options.callbacks) {
}

Client::Impl::~Impl() {
  // A detached job should outlive its client, so a closing client waits until jobs that were just
  // submitted are accepted, for as long as a connection may take.
  for (const auto& weak : std::exchange(detached_, {}))
    if (const auto job = weak.lock()) job->wait_until_taken(kDetachedEnd);
  coalescer_.close();
  actor_.reset();
  feeders_->wait_for_none(kFeedersEnd);
  outbox_->callbacks()->close();
}

// The last owner of the handle tells the actor that the results will not be read.
std::shared_ptr<JobHandle> Client::Impl::handle_of(const std::shared_ptr<FullJob>& job,
                                                   JobKey key) {
  return std::shared_ptr<JobHandle>(
      job.get(), [held = job, key, outbox = outbox_](JobHandle*) mutable {
        outbox->post(AbandonCommand{key});
        held.reset();  // weak handles keep the deleter alive, which must not keep the job alive
      });
}

std::shared_ptr<InputQueue> Client::Impl::queue_for(JobKey key) {
  auto queue = std::make_shared<InputQueue>();
  wake_for(*queue, key);
  return queue;
}

void Client::Impl::wake_for(InputQueue& queue, JobKey key) {
  queue.on_ready([key, outbox = outbox_] { outbox->post(InputReadyCommand{key}); });
}

Job Client::Impl::submit(std::string function, Input input, SubmitOptions options) {
  const std::stop_token stop = std::exchange(options.stop, {});
  auto failure = check_submission(function, input, options);
  if (!failure && may_coalesce(input, options)) {
    if (auto job = coalescer_.submit(function, std::get<Whole>(input), options)) {
      job->stop_with(stop);
      return Job(std::move(job));
    }
  }
  const auto* feed_in = std::get_if<Feed>(&input);
  const bool connected = feed_in && feed_in->queue()->connect();
  if (feed_in && !connected && !failure)
    failure =
        Failure{ErrorCode::bad_input, "this Feed is already the input of a job; make another"};

  const JobKey key = new_key();
  const Uuid uuid = Uuid::random();
  auto job = std::make_shared<FullJob>(key, uuid, FullJob::kind_of(input, options), outbox_);
  if (failure) {
    job->on_ended({key, Ended::Stage::submitting, *failure});
    if (connected) feed_in->queue()->stop();
    return Job(job);
  }
  if (options.detach) {
    std::lock_guard lock(known_mutex_);
    std::erase_if(detached_, [](const auto& weak) {
      const auto taken = weak.lock();
      return !taken || taken->is_taken();
    });
    detached_.push_back(job);
  }
  wire::Submit message = submission(uuid, std::move(function), input, std::move(options));
  auto handle = handle_of(job, key);
  remember(job, handle);
  if (auto* items = std::get_if<Items>(&input)) {
    feed(std::move(*items), queue_for(key), job, std::move(message), key);
  } else if (feed_in) {
    wake_for(*feed_in->queue(), key);
    outbox_->post(SubmitCommand{key, job, feed_in->queue(), std::move(message)});
  } else {
    if (auto* whole = std::get_if<Whole>(&input)) {
      message.batch.sizes =
          wire::Sizes::uniform(1, static_cast<std::uint32_t>(whole->bytes.size()));
      message.batch.bytes = wire::Buffer::adopt(std::move(whole->bytes));
    }
    outbox_->post(SubmitCommand{key, job, nullptr, std::move(message)});
  }
  job->stop_with(stop);
  return Job(std::move(handle));
}

void Client::Impl::feed(Items items, const std::shared_ptr<InputQueue>& queue,
                        const std::shared_ptr<FullJob>& job, wire::Submit submit, JobKey key) {
  // Weak: a source that blocks forever must not keep the job and its results alive.
  SourceFailed failed = [weak = std::weak_ptr(job)](std::exception_ptr error) {
    if (auto target = weak.lock()) target->fail_source(std::move(error));
  };
  if (items.on_existing) queue->on_existing(items.on_existing);
  auto rest = InputLedger::Rest::comes;
  if (items.source == Items::Source::in_memory) {
    try {
      rest = feed_first_batch(items, *queue);
    } catch (...) {
      job->fail_source(std::current_exception());
      job->on_ended({key,
                     Ended::Stage::submitting,
                     {ErrorCode::bad_input, "the source of the items failed"}});
      return;
    }
  }
  outbox_->post(SubmitCommand{key, job, queue, std::move(submit)});
  if (rest == InputLedger::Rest::comes)
    start_feeder(std::move(items), queue, std::move(failed), feeders_);
}

std::pair<std::shared_ptr<SingleGroup>, std::shared_ptr<SingleJob>> Client::Impl::make_group(
    const std::string& function, const Whole& first, const SubmitOptions& options) {
  const JobKey key = new_key();
  const Uuid uuid = Uuid::random();
  auto queue = queue_for(key);
  auto group = std::make_shared<SingleGroup>(key, uuid, queue, outbox_);
  auto job = group->submit(first.bytes);
  wire::Submit message = submission(uuid, function, Whole{{}, first.encoding}, options);
  message.watch_ms = 1000;  // results of its tasks are delivered, but not the reason why they wait
  outbox_->post(SubmitCommand{key, group, std::move(queue), std::move(message)});
  return {std::move(group), std::move(job)};
}

Job Client::Impl::attach(const Follow& follow) {
  if (auto handle = known_handle(follow)) return Job(std::move(handle));
  const JobKey key = new_key();
  auto job = std::make_shared<FullJob>(key, follow.uuid, FullJob::Kind::guest, outbox_);
  auto handle = handle_of(job, key);
  remember(job, handle);
  outbox_->post(AttachCommand{key, std::move(job), follow});
  return Job(std::move(handle));
}

std::shared_ptr<JobHandle> Client::Impl::known_handle(const Follow& follow) {
  std::lock_guard lock(known_mutex_);
  for (const Known& known : known_) {
    const auto job = known.job.lock();
    if (!job) continue;
    const bool same = follow.uuid.is_nil()
                          ? value(follow.number) != 0 && job->number_if_known() == follow.number
                          : job->uuid() == follow.uuid;
    if (!same) continue;
    if (auto handle = known.handle.lock()) return handle;
  }
  return nullptr;
}

void Client::Impl::remember(const std::shared_ptr<FullJob>& job,
                            const std::shared_ptr<JobHandle>& handle) {
  std::lock_guard lock(known_mutex_);
  if (known_.size() >= known_sweep_) {
    std::erase_if(known_, [](const Known& known) { return known.handle.expired(); });
    known_sweep_ = std::max<std::size_t>(64, 2 * known_.size());
  }
  known_.push_back({job, handle});
}

Reply Client::Impl::ask(ClientCore::Question question) {
  auto promise = std::make_shared<std::promise<Reply>>();
  auto reply = promise->get_future();
  outbox_->post(AskCommand{std::move(question), std::move(promise)});
  Reply answer = reply.get();
  if (const auto* failure = std::get_if<Failure>(&answer)) {
    if (is_connection_failure(failure->code)) throw ConnectionError(failure->code, failure->text);
    throw Error(failure->code, failure->text);
  }
  return answer;
}

// ---- the public interface

namespace {

/// Receives how much of a file was taken, as long as the caller exists.
struct Listener {
  std::mutex mutex;
  std::function<void(std::uint64_t)> tell;

  void hear(std::uint64_t bytes) {
    std::lock_guard lock(mutex);
    if (tell) tell(bytes);
  }
  void leave() {
    std::lock_guard lock(mutex);
    tell = nullptr;
  }
};

}  // namespace

Client::Client(ClientOptions options) : impl_(std::make_unique<Impl>(options)) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

Job Client::submit(std::string function, Input input, SubmitOptions options) {
  return impl_->submit(std::move(function), std::move(input), std::move(options));
}

std::string Client::put(const std::string& file, std::optional<Durability> durability,
                        const std::function<void(std::uint64_t)>& sent,
                        const std::function<void(const Job&)>& on_job, std::stop_token stop) {
  const bool memory = durability == Durability::memory;
  const std::string name = blob_name_of(file);
  for (int attempt = 1;; ++attempt) {
    SubmitOptions options{.durability = durability, .unique = wire::blob_key(name, memory)};
    options.stop = stop;
    // The thread that reads the file may outlive this call if the broker already has the file; then
    // progress is not reported any more.
    const auto listener = std::make_shared<Listener>();
    listener->tell = sent;
    const auto trouble = std::make_shared<std::exception_ptr>();
    const Job job =
        submit(std::string(wire::kBlobFunction),
               chunks_of(
                   file, name, [listener](std::uint64_t n) { listener->hear(n); }, trouble),
               options);
    if (on_job) on_job(job);
    Outcome outcome;
    do outcome = job.wait(kStopLook);
    while (!outcome.finished() && !stop.stop_requested());
    listener->leave();
    if (stop.stop_requested() && !outcome.ok())
      throw Error(ErrorCode::cancelled, file + ": its upload was stopped");
    if (outcome.ok()) return name;
    if (*trouble) std::rethrow_exception(*trouble);
    if (is_connection_failure(outcome.code)) throw ConnectionError(outcome.code, outcome.text);
    // Another client was uploading the same file and disappeared.
    if (outcome.state != JobState::cancelled || attempt == kPutAttempts)
      throw Error(outcome.code, file + ": " + outcome.text);
  }
}

int Client::descriptor() const {
  if (impl_->callbacks().where() != Callbacks::dispatch)
    throw std::logic_error(
        "Client::descriptor() needs a client with ClientOptions::callbacks = Callbacks::dispatch");
  return impl_->callbacks().fd();
}

std::size_t Client::dispatch() { return impl_->dispatch(); }

Job Client::attach(JobNumber number) {
  Follow follow;
  follow.number = number;
  return impl_->attach(follow);
}

Job Client::attach(Uuid uuid) {
  Follow follow;
  follow.uuid = uuid;
  return impl_->attach(follow);
}

const std::string& Client::endpoint() const { return impl_->endpoint(); }

void Client::connect() { impl_->ask(std::monostate{}); }

}  // namespace quern
