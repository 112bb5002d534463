#include "quern/client.hpp"

#include <errno.h>
#include <unistd.h>
#include <iterator>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <unordered_map>
#include <utility>

#include "client/actor.hpp"
#include "client/blob_source.hpp"
#include "client/coalescer.hpp"
#include "client/failure.hpp"
#include "client/feeder.hpp"
#include "client/full_job.hpp"
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

class Client::Impl {
 public:
  explicit Impl(const ClientOptions& options)
      : Impl(core_options(options),
             {options.insecure, options.keys, keys::Side::client, options.token}) {}
  ~Impl();

  Job submit(std::string function, Input input, SubmitOptions options);
  Job attach(const Follow& follow);
  Reply ask(ClientCore::Question question);
  const std::string& endpoint() const { return endpoint_; }

 private:
  Impl(CoreOptions options, link::Access access)
      : endpoint_(options.endpoint),
        actor_(std::make_unique<ClientActor>(std::move(options), std::move(access), outbox_)) {}

  JobKey new_key() { return JobKey{next_key_.fetch_add(1, std::memory_order_relaxed)}; }
  std::shared_ptr<JobHandle> handle_of(const std::shared_ptr<FullJob>& job, JobKey key);
  std::pair<std::shared_ptr<SingleGroup>, std::shared_ptr<SingleJob>> make_group(
      const std::string& function, const Whole& first, const SubmitOptions& options);
  std::shared_ptr<InputQueue> queue_for(JobKey key);
  void feed(Items items, const std::shared_ptr<InputQueue>& queue,
            const std::shared_ptr<FullJob>& job, wire::Submit submit, JobKey key);
  std::shared_ptr<JobHandle> known_handle(const Follow& follow);
  void remember(const std::shared_ptr<FullJob>& job, const std::shared_ptr<JobHandle>& handle);

  const std::string endpoint_;
  const std::shared_ptr<Outbox> outbox_ = std::make_shared<Outbox>();
  const std::shared_ptr<FeederCount> feeders_ = std::make_shared<FeederCount>();
  std::atomic<std::uint64_t> next_key_{1};
  Coalescer coalescer_{[this](const std::string& f, const Whole& w, const SubmitOptions& o) {
    return make_group(f, w, o);
  }};

  // Jobs with a living handle, so that attaching to one's own job gives that handle.
  struct Known {
    std::weak_ptr<FullJob> job;
    std::weak_ptr<JobHandle> handle;
  };
  std::mutex known_mutex_;
  std::vector<std::weak_ptr<FullJob>> detached_;  ///< whose input the broker may not have yet
  std::vector<Known> known_;
  std::size_t known_sweep_ = 64;

  std::unique_ptr<ClientActor> actor_;  // last, so that it is destroyed first
};

Client::Impl::~Impl() {
  // A detached job should outlive its client, so a closing client waits until jobs that were just
  // submitted are accepted, for as long as a connection may take.
  for (const auto& weak : std::exchange(detached_, {}))
    if (const auto job = weak.lock()) job->wait_until_taken(kDetachedEnd);
  coalescer_.close();
  actor_.reset();
  feeders_->wait_for_none(kFeedersEnd);
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
  queue->on_ready([key, outbox = outbox_] { outbox->post(InputReadyCommand{key}); });
  return queue;
}

Job Client::Impl::submit(std::string function, Input input, SubmitOptions options) {
  const auto failure = check_submission(function, input, options);
  if (!failure && may_coalesce(input, options))
    return Job(coalescer_.submit(function, std::get<Whole>(input), options));

  const JobKey key = new_key();
  const Uuid uuid = Uuid::random();
  const bool single = std::holds_alternative<Whole>(input) && options.reduce.empty();
  auto job = std::make_shared<FullJob>(
      key, uuid, single ? FullJob::Kind::single : FullJob::Kind::own, outbox_);
  if (failure) {
    job->on_ended({key, Ended::Stage::submitting, *failure});
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
  } else {
    if (auto* whole = std::get_if<Whole>(&input)) {
      message.batch.sizes =
          wire::Sizes::uniform(1, static_cast<std::uint32_t>(whole->bytes.size()));
      message.batch.bytes = wire::Buffer::adopt(std::move(whole->bytes));
    }
    outbox_->post(SubmitCommand{key, std::move(job), nullptr, std::move(message)});
  }
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

wire::Answer answer_in(Reply reply) {
  if (auto* answer = std::get_if<wire::Answer>(&reply)) return std::move(*answer);
  throw Error(ErrorCode::malformed,
              "the broker's answer does not match the request; is it another version of Quern?");
}

JobStatus job_in(Reply reply, JobNumber number) {
  auto answer = answer_in(std::move(reply));
  if (answer.jobs.empty())
    throw Error(ErrorCode::unknown_job, "there is no job " + std::to_string(value(number)));
  return std::move(answer.jobs.front());
}

Touched touched_in(Reply reply) {
  if (auto* update = std::get_if<wire::JobUpdate>(&reply))
    return {std::move(update->status), update->touched};
  throw Error(ErrorCode::malformed,
              "the broker's answer does not match the request; is it another version of Quern?");
}

JobStatus status_in(Reply reply) { return touched_in(std::move(reply)).job; }

/// In order, and those that overlap made one, as they travel.
wire::Intervals intervals_of(const std::vector<TaskInterval>& several) {
  wire::IntervalSet all;
  for (const TaskInterval& tasks : several) {
    if (tasks.begin >= tasks.end || tasks.end > wire::kTasksMax)
      throw Error(ErrorCode::bad_input, "an interval of tasks is empty or beyond 2^62");
    all.add({tasks.begin, tasks.end});
  }
  return all.list();
}

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

wire::Query query(wire::QueryWhat what, JobNumber number = {}) {
  wire::Query q;
  q.what = what;
  q.number = number;
  return q;
}

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
                        const std::function<void(const Job&)>& on_job) {
  const bool memory = durability == Durability::memory;
  const std::string name = blob_name_of(file);
  for (int attempt = 1;; ++attempt) {
    SubmitOptions options{.durability = durability, .unique = wire::blob_key(name, memory)};
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
    const Outcome outcome = job.wait();
    listener->leave();
    if (outcome.ok()) return name;
    if (*trouble) std::rethrow_exception(*trouble);
    if (is_connection_failure(outcome.code)) throw ConnectionError(outcome.code, outcome.text);
    // Another client was uploading the same file and disappeared.
    if (outcome.state != JobState::cancelled || attempt == kPutAttempts)
      throw Error(outcome.code, file + ": " + outcome.text);
  }
}

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

std::vector<JobStatus> Client::jobs(std::size_t limit) {
  return jobs(JobQuery{.limit = limit}).jobs;
}

JobPage Client::jobs(const JobQuery& wanted) {
  for (const std::string* condition : {&wanted.function, &wanted.owner, &wanted.name, &wanted.text})
    if (condition->size() > wire::kNameBytesMax || !wire::valid_utf8(*condition))
      throw Error(ErrorCode::bad_input,
                  "a condition for jobs must be UTF-8 of at most 255 bytes: shorten it");
  JobPage all;
  all.before = wanted.before;
  do {
    wire::Query page = query(wire::QueryWhat::jobs);
    page.limit = wanted.limit - all.jobs.size();
    page.before = all.before;
    page.states = wanted.states;
    page.function = wanted.function;
    page.owner = wanted.owner;
    page.name = wanted.name;
    page.text = wanted.text;
    wire::Answer answer = answer_in(impl_->ask(std::move(page)));
    all.before = answer.before;
    std::move(answer.jobs.begin(), answer.jobs.end(), std::back_inserter(all.jobs));
  } while (value(all.before) != 0 && all.jobs.size() < wanted.limit);
  return all;
}

JobStatus Client::job(JobNumber number) {
  return job_in(impl_->ask(query(wire::QueryWhat::job, number)), number);
}

JobStatus Client::timeline(JobNumber number) {
  return job_in(impl_->ask(query(wire::QueryWhat::timeline, number)), number);
}

JobStatus Client::cancel(JobNumber number, std::uint64_t first_task, std::uint64_t task_count) {
  CancelQuery tasks;
  if (task_count > 0) tasks.tasks = {{first_task, first_task + task_count}};
  return cancel(number, tasks).job;
}

JobStatus Client::cancel_waiting(JobNumber number) {
  wire::Cancel cancel;
  cancel.number = number;
  cancel.waiting = true;
  return status_in(impl_->ask(std::move(cancel)));
}

JobStatus Client::retry(JobNumber number) { return retry(number, RetryQuery{}).job; }

Touched Client::retry(JobNumber number, const RetryQuery& wanted) {
  wire::Retry retry;
  retry.number = number;
  retry.tasks = intervals_of(wanted.tasks);
  retry.code = wanted.code;
  retry.text = wanted.text;
  retry.dry_run = wanted.dry_run;
  return touched_in(impl_->ask(std::move(retry)));
}

Touched Client::cancel(JobNumber number, const CancelQuery& wanted) {
  wire::Cancel cancel;
  cancel.number = number;
  cancel.tasks = intervals_of(wanted.tasks);
  cancel.dry_run = wanted.dry_run;
  return touched_in(impl_->ask(std::move(cancel)));
}

JobStatus Client::pause(JobNumber number) {
  return status_in(impl_->ask(wire::Pause{.number = number}));
}

JobStatus Client::resume(JobNumber number) {
  return status_in(impl_->ask(wire::Pause{.number = number, .resume = true}));
}

std::vector<WorkerStatus> Client::workers() {
  std::vector<WorkerStatus> all;
  std::string after;
  do {
    wire::Query page = query(wire::QueryWhat::workers);
    page.limit = wire::kListMax;
    page.after = after;
    wire::Answer answer = answer_in(impl_->ask(page));
    after = answer.after;
    std::move(answer.workers.begin(), answer.workers.end(), std::back_inserter(all));
  } while (!after.empty());
  return all;
}

BrokerStatus Client::broker() {
  return answer_in(impl_->ask(query(wire::QueryWhat::broker))).broker.value_or(BrokerStatus{});
}

ErrorGroups Client::errors(JobNumber number, std::size_t limit) {
  std::map<std::pair<ErrorCode, std::string>, ErrorGroup> groups;
  wire::Query page = query(wire::QueryWhat::errors, number);
  do {
    wire::Answer answer = answer_in(impl_->ask(page));
    for (ErrorGroup& group : answer.errors) {
      const auto [at, fresh] = groups.try_emplace({group.code, group.text}, group);
      if (fresh) continue;
      ErrorGroup& all = at->second;
      all.first = std::min(all.first, group.first);
      all.last = std::max(all.last, group.last);
      all.count += group.count;
    }
    page.cursor = answer.cursor;
    page.skip = answer.skip;
  } while (page.cursor != 0 || page.skip != 0);
  ErrorGroups out;
  for (auto& [key, group] : groups) {
    out.tasks += group.count;
    out.groups.push_back(std::move(group));
  }
  std::stable_sort(out.groups.begin(), out.groups.end(),
                   [](const auto& a, const auto& b) { return a.count > b.count; });
  if (out.groups.size() > limit) {
    out.more = out.groups.size() - limit;
    out.groups.resize(limit);
  }
  return out;
}

std::vector<std::string> Client::explain(JobNumber number) {
  return answer_in(impl_->ask(query(wire::QueryWhat::explain, number))).text;
}

std::string Client::drain(std::string_view worker) {
  wire::Drain drain;
  drain.worker = worker;
  const auto text = answer_in(impl_->ask(std::move(drain))).text;
  return text.empty() ? std::string() : text.front();
}

}  // namespace quern
