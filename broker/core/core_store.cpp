// What is made durable, and what waits for it.
//
// Every change of a durable job becomes an operation of the next commit
// (durability/commit_log.hpp), and the job remembers that commit's number: its ticket.
//
// Leases need less: what they reveal is only that the tasks are out, and the carve frontier says so
// ahead of time. They wait for the intake of their job and for the frontier, which moves in
// strides.
#include <algorithm>

#include "broker/core/core.hpp"

namespace quern::broker {
namespace {

// The frontier is reserved for so many leases ahead: one commit a stride, and after a restart no
// more than a stride waits for workers.
constexpr std::uint64_t kFrontierStride = 16;
// Payloads are asked for this far ahead of carving: more than a worker takes while one is read.
constexpr std::uint64_t kLoadAhead = 8u << 20;
// And stay in memory this far ahead of it, so that what is loaded does not leave again at once.
constexpr std::uint64_t kKeepAhead = 2 * kLoadAhead;
// Results of a job that is over and that nobody reads: small ones stay, so that most are read
// without the disk.
constexpr std::uint64_t kResultsIdle = 16u << 10;
// Jobs that one commit looks at to free memory; the newest first, since they are served last.
constexpr int kEvictJobs = 200;

}  // namespace

void Core::persist(Job& job, StoreOp op) {
  if (!job.durable()) return;
  commits_.add(std::move(op));
  job.ticket = commits_.next();
}

void Core::save(Job& job) {
  if (!job.durable()) return;
  commits_.save(job.number);
  job.ticket = commits_.next();
}

JobProgress Core::progress_of(const Job& job) const {
  JobProgress p;
  p.job = job.number;
  p.state = job.state;
  p.reason = job.reason;
  p.failure = job.failure;
  p.detach = job.options->detach;
  p.open = job.open;
  p.encoding = job.encoding;
  p.accepted = job.accepted;
  p.accepted_bytes = job.accepted_bytes;
  p.input_digest = job.keyed->print.items;
  p.total = job.total;
  p.frontier = config_.mistake == Mistake::forget_frontier ? 0 : job.frontier;
  p.ended = job.ended.list();
  p.failed = job.failed_tasks->list();
  p.done = job.done;
  p.cancelled = job.cancelled;
  p.retried = job.mishaps->retried;
  job.attempts.each([&](wire::Interval tasks, std::uint32_t count) {
    p.attempts.push_back({tasks, count});
  });
  job.crashes.each([&](wire::Interval tasks, std::uint32_t count) {
    p.crashes.push_back({tasks, count});
  });
  if (job.decision) p.decision = *job.decision;
  if (job.final()) p.value = job.value.optional();
  p.results_begin = job.results.begin();
  p.results_end = job.results.end();
  const auto us = [](wire::Duration d) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(
        1, std::chrono::duration_cast<std::chrono::microseconds>(d).count()));
  };
  if (job.started != Time{}) {
    p.waited_us = us(job.started - job.submitted);
    p.ran_us = us((job.final() ? job.finished : clock_) - job.started);
  }
  return p;
}

void Core::seal() {
  commits_.begin(effects_, [this](JobNumber number) {
    const auto it = jobs_.find(number);
    if (it == jobs_.end()) return;
    Job& job = it->second;
    if (job.results.begin() > job.results_stored_from) {
      job.results_stored_from = job.results.begin();
      commits_.add(DropResults{number, job.results_stored_from});
    }
    commits_.add(progress_of(job));
  });
}

void Core::on_committed(std::uint64_t ticket, Time now) {
  for (Send& message : commits_.on_committed(ticket)) {
    // The session may have ended meanwhile; its successor was told what it needs.
    const Session* session = sessions_.find(message.session);
    if (session && session->reachable && session->peer == message.peer)
      effects_.push_back(std::move(message));
  }
  for (auto it = results_heavy_.begin(); it != results_heavy_.end();) {
    const auto job = jobs_.find(*it);
    if (job != jobs_.end()) evict_results(job->second, results_kept(job->second));
    if (job == jobs_.end() || job->second.results.bytes() <= 2 * results_kept(job->second))
      it = results_heavy_.erase(it);
    else
      ++it;
  }
  evict(now);
}

void Core::on_store_trouble(const std::string& why, Time now) {
  commits_.set_trouble(why);
  effects_.push_back(Note{Note::Level::warning, "the store cannot write: " + why});
  // Who waits for a first acknowledgement is told instead of left waiting; what is under way waits
  // for the store.
  std::vector<JobNumber> unborn;
  for (JobNumber number : live_)
    if (const Job& job = jobs_.at(number); job.durable() && job.born_ticket > commits_.committed())
      unborn.push_back(number);
  for (JobNumber number : unborn) {
    Job& job = jobs_.at(number);
    if (const Session* owner = sessions_.find(job.owner))
      complain(*owner, ErrorCode::store, "the broker's store cannot write: " + why, job.uuid, 0);
    for (Follower& follower : job.followers)
      if (Session* session = sessions_.find(follower.session)) session->followed.erase(job.uuid);
    job.followers.clear();
    end_job(job, JobState::cancelled, ErrorCode::store, "the store could not write it: " + why,
            now);
    forget_job(number);  // it never was: when its client sends it again, it is a new one
  }
}

void Core::on_store_healthy() {
  commits_.set_trouble({});
  effects_.push_back(Note{Note::Level::info, "the store can write again"});
  dispatch_needed_ = true;
}

void Core::on_loaded(JobNumber number, wire::Interval tasks, wire::Batch batch) {
  auto it = jobs_.find(number);
  if (it == jobs_.end()) return;
  it->second.payloads.on_loaded(tasks, std::move(batch));
  if (!it->second.decision && it->second.payloads.all_resident()) redecide_.insert(number);
  account(it->second);
  touch(it->second);
  dispatch_needed_ = true;
}

void Core::on_load_failed(JobNumber number, wire::Interval tasks, const std::string& why) {
  effects_.push_back(Note{Note::Level::warning, "payloads of job " + std::to_string(value(number)) +
                                                    " cannot be read: " + why});
  auto it = jobs_.find(number);
  if (it == jobs_.end()) return;
  Job& job = it->second;
  job.payloads.on_load_failed(tasks);
  if (job.blob) job.reason = "the broker cannot read the file from its store: " + why;
  if (job.final()) return;
  job.failure = ErrorCode::store;
  job.reason = "its input cannot be read from the store: " + why;
  touch(job);
}

void Core::on_result_loaded(JobNumber number, std::uint64_t seq, wire::Batch batch) {
  auto it = jobs_.find(number);
  if (it == jobs_.end()) return;
  it->second.results.on_loaded(seq, std::move(batch));
  results_heavy_.insert(number);  // it leaves again when it was sent
  account(it->second);
  touch(it->second);
}

void Core::on_result_load_failed(JobNumber number, std::uint64_t seq, const std::string& why) {
  effects_.push_back(Note{Note::Level::warning, "results of job " + std::to_string(value(number)) +
                                                    " cannot be read: " + why});
  auto it = jobs_.find(number);
  if (it == jobs_.end() || seq < it->second.results.begin()) return;
  Job& job = it->second;
  job.results.on_load_failed(seq);
  for (Follower& follower : job.followers) {
    if (follower.window == 0) continue;
    follower.window = 0;  // it is not sent any more, so it is not asked for again at once
    if (const Session* session = sessions_.find(follower.session))
      complain(*session, ErrorCode::lost, "its results cannot be read from the store: " + why,
               job.uuid, 0);
  }
}

std::uint64_t Core::result_share() const {
  const std::uint64_t share =
      (config_.memory_limit - config_.intake_limit()) / std::max<std::size_t>(1, live_.size());
  return std::max<std::uint64_t>(share, 2 * wire::kResultWindow);
}

std::uint64_t Core::results_kept(const Job& job) const {
  const bool read = std::any_of(job.followers.begin(), job.followers.end(),
                                [](const Follower& f) { return f.window > 0; });
  return job.final() && !read ? kResultsIdle : result_share() / 4;
}

void Core::evict_results(Job& job, std::uint64_t keep) {
  std::uint64_t read_to = job.results.end();
  for (const Follower& follower : job.followers)
    if (follower.window > 0) read_to = std::min(read_to, follower.sent);
  job.results.evict(read_to, keep, commits_.committed());
  account(job);
  touch(job);  // it may go on
  dispatch_needed_ = true;
}

void Core::reserve_numbers() {
  if (!config_.store) return;
  if (const auto below = numbers_.reserve()) {
    commits_.add(ReserveNumbers{*below});
    numbers_ticket_ = commits_.next();
  }
}

void Core::append_result(Job& job, ResultEntry entry) {
  entry.ticket = job.durable() ? commits_.next() : 0;
  job.results.put(std::move(entry));
  if (!job.durable()) return;
  const std::uint64_t seq = job.results.end() - 1;
  persist(job, PutResult{job.number, seq, job.results.at(seq)});
  save(job);
  if (job.results.bytes() > 2 * results_kept(job)) results_heavy_.insert(job.number);
}

void Core::add_input(Job& job, const wire::Batch& batch, const std::vector<float>& costs) {
  persist(job, AddInput{job.number, job.payloads.end(), batch, costs});
  job.payloads.append(batch, job.durable() ? commits_.next() : 0);
}

void Core::release_payloads(Job& job, wire::Interval tasks) {
  wire::Intervals dropped;
  job.payloads.release(tasks, dropped);
  for (const auto& slab : dropped) persist(job, DropInput{job.number, slab});
}

void Core::advance_frontier(Job& job, std::uint64_t end) {
  if (end <= job.frontier) return;
  const std::uint64_t stride = kFrontierStride * std::max<std::uint64_t>(1, end - job.frontier);
  // After a restart nobody can tell whether a task before the frontier was started: where that
  // matters it is not moved ahead.
  job.frontier = job.options->at_most_once ? end : std::min(std::max(job.total, end), end + stride);
  if (!job.durable()) return;
  save(job);
  job.lease_ticket = commits_.next();
}

bool Core::ready_to_carve(Job& job) {
  if (job.payloads.all_resident() || !job.has_payloads() || job.pending.empty()) return true;
  const std::uint64_t first = job.pending.front();
  while (auto stretch = job.payloads.wanted(first, kLoadAhead))
    effects_.push_back(Load{job.number, *stretch});
  return job.payloads.resident(first);
}

void Core::evict(Time now) {
  if (memory_used_ <= config_.evict_limit()) return;
  std::uint64_t excess = memory_used_ - config_.evict_limit();
  int looked = 0;
  for (auto number = live_.rbegin(); number != live_.rend() && excess > 0 && looked < kEvictJobs;
       ++number, ++looked) {
    Job& job = jobs_.at(*number);
    if (!job.durable()) continue;
    const std::uint64_t before = job.results.bytes();
    evict_results(job, kResultsIdle);
    excess -= std::min(excess, before - job.results.bytes());
    if (job.payloads.bytes() == 0 || excess == 0) continue;
    const std::uint64_t first = job.pending.empty() ? job.payloads.end() : job.pending.front();
    excess -= std::min(excess, job.payloads.evict(first, kKeepAhead, excess, commits_.committed()));
    account(job);
    grant_credit(job, now);
    if (job.credit_to > job.credit_told) touch(job);
  }
  for (auto number = blobs_.begin(); number != blobs_.end() && excess > 0; ++number) {
    Job& blob = jobs_.at(*number);
    if (blob.payloads.bytes() == 0) continue;
    excess -= std::min(excess, blob.payloads.evict(0, 0, excess, commits_.committed()));
    account(blob);
  }
}

}  // namespace quern::broker
