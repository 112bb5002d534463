// What clients ask: new jobs, more payloads, following, cancelling, draining a worker.
#include <algorithm>

#include "broker/core/core.hpp"
#include "broker/core/input_comparison.hpp"
#include "broker/core/input_print.hpp"
#include "wire/blob.hpp"
#include "wire/input_digest.hpp"

namespace quern::broker {
namespace {

// How far a stream may run ahead of what was acknowledged: hides the round trip at any speed a LAN
// has.
constexpr std::uint64_t kCreditAhead = 16u << 20;

std::uint64_t tasks_of(const wire::Submit& submit) {
  if (submit.input != InputKind::range) return submit.batch.count();
  return static_cast<std::uint64_t>(submit.range_end) -
         static_cast<std::uint64_t>(submit.range_begin);
}

std::string mib(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

}  // namespace

std::optional<std::pair<ErrorCode, std::string>> Core::refusal(const Session& session,
                                                               const wire::Submit& submit) const {
  using Refusal = std::pair<ErrorCode, std::string>;
  if (submit.function.empty()) return Refusal{ErrorCode::bad_input, "a job needs a function name"};
  if (submit.input == InputKind::range) {
    if (submit.range_begin > submit.range_end)
      return Refusal{ErrorCode::bad_input,
                     "the range ends before it begins: A:B means A, A+1, ..., B-1"};
    if (static_cast<std::uint64_t>(submit.range_end) -
            static_cast<std::uint64_t>(submit.range_begin) >
        wire::kTasksMax)
      return Refusal{ErrorCode::limit, "a job may have at most 2^62 tasks"};
  }
  if (submit.options.idempotent && submit.options.at_most_once)
    return Refusal{ErrorCode::bad_input,
                   "a job cannot be idempotent and at_most_once: the one allows a second start, "
                   "the other forbids it"};
  if (submit.options.durability == Durability::durable && !config_.store)
    return Refusal{
        ErrorCode::bad_input,
        "this broker has no store (it runs with --no-store), so a job cannot be durable"};
  if (submit.options.durability != Durability::memory && !commits_.trouble().empty())
    return Refusal{ErrorCode::store, "the broker's store cannot write: " + commits_.trouble() +
                                         " (a job with --durability memory is accepted)"};
  if (live_.size() >= config_.jobs_max)
    return Refusal{ErrorCode::queue_full, "queue_full: the broker holds its limit of " +
                                              std::to_string(config_.jobs_max) + " jobs"};
  const std::uint64_t more = submit.batch.weight() + submit.common.size();
  if (memory_used_ + more > config_.intake_limit()) {
    return Refusal{ErrorCode::queue_full,
                   "queue_full: queued work may take " + mib(config_.intake_limit()) + ", " +
                       mib(memory_used_) +
                       " are used; try again later, or give the broker more (--memory-limit)"};
  }
  if (memory_used_ > config_.memory_limit / 4) {
    const auto owned = unread_of_.find(session.id);
    const std::uint64_t unread = owned == unread_of_.end() ? 0 : owned->second;
    if (unread > config_.memory_limit / 4) {
      return Refusal{ErrorCode::results_unread,
                     "results_unread: " + mib(unread) +
                         " of results of this client wait to be read; read them first"};
    }
  }
  return std::nullopt;
}

void Core::on_submit(Session& session, const Principal& principal, wire::Submit&& submit,
                     Time now) {
  if (Job* known = find_job(submit.job)) {
    follow(*known, session, known->results.begin(), submit.window, submit.watch_ms);
    known->owner = session.id;
    known->orphan_until.reset();
    send(session, accepted(*known), known->ticket);
    touch(*known);
    return;
  }
  if (!submit.options.unique.empty()) {
    auto it = unique_.find({session.principal, submit.options.unique});
    if (it != unique_.end() && jobs_.at(it->second).blob &&
        !worth_following(jobs_.at(it->second), now)) {
      drop_blob(jobs_.at(it->second), now);
      it = unique_.end();
    }
    if (it != unique_.end()) {
      Job& same = jobs_.at(it->second);
      const Match match = match_of(same, submit);
      if (match == Match::other) {
        complain(session, ErrorCode::conflict, conflict_with(same), submit.job, 0);
        return;
      }
      if (same.blob) same.keeping.edit().wanted = now;
      if (same.blob && same.final()) same.owner = session.id;
      wire::Accepted answer = accepted(same);
      answer.existing = true;
      answer.submitted = submit.job;
      answer.compare = match == Match::open;
      send(session, std::move(answer), same.ticket);
      return;
    }
  }
  auto no = refusal(session, submit);
  if (!no) no = blob_refusal(session, submit);
  if (!no)
    no = over_quota(session.principal, tasks_of(submit),
                    submit.batch.weight() + submit.common.size(), 1, now);
  if (no) {
    count_refusal(session, now);
    complain(session, no->first, std::move(no->second), submit.job, 0);
    return;
  }

  reserve_numbers();
  const JobNumber number = numbers_.take();
  Job& job = jobs_[number];
  job.uuid = submit.job;
  job.number = number;
  job.function = std::move(submit.function);
  job.blob = job.function == wire::kBlobFunction;
  if (job.blob) job.keeping.edit().wanted = now;
  if (!submit.options.unique.empty() && !job.blob) {
    submit.function = job.function;
    job.keyed.edit().print = print_of(submit);
    job.keyed.edit().print.items =
        wire::InputDigest().value();  // they are counted as they are taken in
  }
  job.input = submit.input;
  job.encoding = submit.encoding;
  wire::JobOptions& options = submit.options;
  if (options.durability == Durability::automatic)
    options.durability = config_.store ? Durability::durable : Durability::memory;
  options.attempts = options.at_most_once ? 1 : std::max(1u, options.attempts);
  job.costed = options.cost > 0;
  if (job.costed) options.cost = std::clamp(options.cost, CostHints::kLeast, CostHints::kMost);
  set_options(job, std::move(options));
  if (submit.has_common) job.common.emplace(std::move(submit.common));
  job.principal = session.principal;
  job.principal_weight = principal.weight;
  job.weight_max = principal.may(Right::admin) ? kNoWeightMax : 1;
  job.owner = session.id;
  job.submitted = job.pace_since = now;
  job.open = submit.open;
  if (job.input == InputKind::range) {
    job.open = false;
    job.base = submit.range_begin;
    job.range_end = submit.range_end;
    job.encoding = Encoding::value;
    job.accepted = job.total = static_cast<std::uint64_t>(submit.range_end) -
                               static_cast<std::uint64_t>(submit.range_begin);
    job.pending.add({0, job.total});
  }
  turns_.enter(job);
  if (job.durable())
    persist(job, AddJob{{number, job.uuid, job.function, job.input, job.base, job.range_end,
                         options_of(job), job.principal, job.common.optional(),
                         job.keyed->print.shape}});
  save(job);
  job.born_ticket = job.lease_ticket = job.ticket;
  job_of_uuid_.emplace(job.uuid, &job);
  live_.insert(number);
  if (!job.blob) set_undecided(job);
  hold_blobs(job);
  if (!job.options->unique.empty())
    unique_.emplace(std::pair(job.principal, job.options->unique), number);
  take_in(job, std::move(submit.batch), submit.costs);
  account(job);
  charge_tasks(job.principal, job.total, now);
  grant_credit(job, now);
  follow(job, session, 0, submit.window, submit.watch_ms);
  job.credit_told = job.credit_to;
  send(session, accepted(job), std::max(job.ticket, numbers_ticket_));
  account(job);
  touch(job);
  decide_job(job, now);
  dispatch_needed_ = true;
}

void Core::set_options(Job& job, wire::JobOptions options) {
  job.name = std::move(options.name);
  job.options = shared_options_.of(std::move(options));
}

wire::JobOptions Core::options_of(const Job& job) {
  wire::JobOptions options = *job.options;
  options.name = job.name;
  return options;
}

void Core::take_in(Job& job, wire::Batch&& batch, const std::vector<float>& costs) {
  const std::uint64_t count = batch.count();
  if (count == 0) return;
  job.accepted_bytes += batch.weight();
  if (job.keyed->print.items != 0) job.keyed.edit().print.add(batch);
  if (job.blob) job.keeping.edit().last_chunk = batch.sizes.at(count - 1) < wire::kBlobChunk;
  add_input(job, batch, costs);
  take_costs(job, count, costs);
  foresee_costs(job, batch);
  job.pending.add({job.accepted, job.accepted + count});
  job.accepted += count;
  job.total = job.accepted;
  changed_for_plan(job);
  save(job);
  job.lease_ticket = std::max(job.lease_ticket, job.ticket);
}

void Core::take_costs(Job& job, std::uint64_t count, const std::vector<float>& costs) {
  if ((costs.empty() && (!job.costed || job.costs->empty())) || job.accepted > CostHints::kKept)
    return;
  if (!job.costed) {
    // Hints that come when some of it was run without are of no use.
    if (job.accepted > 0) return;
    leave_pool(job);
    job.costed = true;
    if (!job.final()) join_pool(job);
  }
  // A batch without hints among others with: its tasks cost what the job says, or what the others
  // do in the mean.
  const double usual = job.unit();
  CostHints& hints = job.costs.edit();
  while (hints.size() < job.accepted) hints.add(usual);
  for (std::uint64_t i = 0; i < count; ++i) hints.add(costs.empty() ? usual : costs[i]);
}

void Core::grant_credit(Job& job, Time now) {
  if (!job.open || job.final()) return;
  const std::uint64_t room =
      job.blob ? blob_room(job)
               : config_.stream_limit() - std::min(config_.stream_limit(), memory_used_);
  const std::uint64_t to =
      job.accepted_bytes + std::min({kCreditAhead, room, quota_room(job, now)});
  if (to > job.credit_to) job.credit_to = to;
}

wire::Accepted Core::accepted(const Job& job) const {
  return {job.uuid, job.number, job.accepted, job.credit_to, false, {}, false};
}

void Core::on_append(Session& session, wire::Append&& append, Time now) {
  Job* job = find_job(append.job);
  if (!job) {
    complain(session, ErrorCode::unknown_job,
             "no such job: it was forgotten, or lost with a broker's memory", append.job, 0);
    return;
  }
  const std::uint64_t count = append.batch.count();
  const std::uint64_t end = append.first + count;
  if (append.first > job->accepted) {
    complain(session, ErrorCode::malformed,
             "APPEND begins at " + std::to_string(append.first) + ", but only " +
                 std::to_string(job->accepted) + " are in",
             append.job, 0);
    return;
  }
  const bool fresh = end > job->accepted || (append.close && job->open);
  if (fresh && (!job->open || job->input == InputKind::range)) {
    if (!job->final() && !job->winding_down)
      complain(session, ErrorCode::bad_input, "the job is closed", append.job, 0);
    return;  // an ended job: its JOB tells
  }
  if (end > job->accepted) {
    wire::Batch batch = std::move(append.batch);
    if (const std::uint64_t known = job->accepted - append.first; known > 0) {
      const std::uint64_t offset = batch.sizes.sum(0, known);
      batch = {batch.sizes.slice(known, count),
               batch.bytes.slice(offset, batch.bytes.size() - offset)};
    }
    // One item may overdraw what is left, or one larger than the credit could never come.
    const std::uint64_t charged = batch.count() == 1 ? 1 : batch.weight();
    if (job->accepted_bytes + charged > job->credit_to) {
      misbehaved(session, ErrorCode::credit, "more payload bytes than credit", now);
      return;
    }
    if (auto no =
            over_quota(job->principal, job->blob ? 0 : batch.count(), batch.weight(), 0, now)) {
      count_refusal(session, now);
      complain(session, no->first, std::move(no->second), append.job, 0);
      return;
    }
    if (job->blob && !chunks_fit(*job, batch)) {
      end_job(*job, JobState::failed, ErrorCode::bad_input,
              "the chunks of a file are 1 MiB each, but for the last", now);
      return;
    }
    charge_tasks(job->principal, batch.count(), now);
    append.costs.erase(
        append.costs.begin(),
        append.costs.end() - static_cast<std::ptrdiff_t>(append.costs.empty() ? 0 : batch.count()));
    take_in(*job, std::move(batch), append.costs);
    account(*job);
  }
  if (append.close && end >= job->accepted) {
    job->open = false;
    save(*job);
    answer_comparisons(*job, now);
    if (!job->decision) decide_job(*job, now);  // it may have waited for the end of its input
  }
  grant_credit(*job, now);
  job->credit_told = job->credit_to;
  send(session, accepted(*job), job->ticket);
  touch(*job);
  dispatch_needed_ = true;
}

Follower& Core::follow(Job& job, Session& session, std::uint64_t cursor, std::uint64_t window,
                       std::uint32_t watch_ms) {
  auto it = std::find_if(job.followers.begin(), job.followers.end(),
                         [&](const Follower& f) { return f.session == session.id; });
  if (it == job.followers.end()) {
    job.followers.push_back({});
    it = std::prev(job.followers.end());
  }
  it->session = session.id;
  forget_outstanding(*it);
  const Follower before = std::exchange(*it, Follower{});
  it->session = session.id;
  it->news_held = before.news_held;  // it is in the session's lists all the same
  it->results_held = before.results_held;
  it->sent = it->acked = std::max(cursor, job.results.begin());
  it->window = window;
  it->watch_ms = watch_ms;
  const Principal* principal = principal_of(session.user);
  it->values = principal && (job.principal == principal->name || principal->may(Right::admin));
  session.followed.insert(job.uuid);
  return *it;
}

void Core::on_attach(Session& session, const wire::Attach& attach, Time now) {
  Job* job = find_job(attach.job, attach.number);
  if (!job) {
    const auto [code, text] = unknown_job(attach.job, attach.number);
    complain(session, code, text, attach.job, attach.token);
    return;
  }
  if (attach.window > 0 && attach.cursor < job->results.begin()) {
    complain(session, ErrorCode::lost,
             "the results of job " + std::to_string(value(job->number)) +
                 " were read by its client and are kept no longer (detached jobs keep theirs, and "
                 "those with a unique key)",
             job->uuid, attach.token);
    return;
  }
  if (attach.input_digest != 0) {
    const Match match = match_of(*job, attach);
    if (match == Match::other) {
      complain(session, ErrorCode::conflict, conflict_with(*job), job->uuid, attach.token);
      return;
    }
    if (match == Match::open) return await_comparison(*job, {session.id, attach});
  }
  Follower& follower = follow(*job, session, attach.cursor, attach.window, attach.watch_ms);
  if (attach.window > 0) session.wanted = job->number;
  if (attach.own && job->principal == session.principal) {
    job->owner = session.id;
    job->orphan_until.reset();
  }
  account(*job);
  tell(*job, follower, attach.token, now);
  touch(*job);
}

void Core::on_ack(Session& session, const wire::Ack& ack) {
  Job* job = find_job(ack.job);
  if (!job) return;
  auto it = std::find_if(job->followers.begin(), job->followers.end(),
                         [&](const Follower& f) { return f.session == session.id; });
  if (it == job->followers.end()) return;
  const std::uint64_t to = std::min(ack.cursor, it->sent);
  const std::uint64_t before = it->outstanding;
  for (std::uint64_t seq = std::max(it->acked, job->results.begin()); seq < to; ++seq)
    it->outstanding -= std::min(it->outstanding, job->results.at(seq).weight);
  session.results_out -= std::min(session.results_out, before - it->outstanding);
  release_results(session);
  it->acked = std::max(it->acked, to);
  // Whoever submits the same key again wants the same results.
  if (ack.release && job->owner == session.id && job->options->unique.empty()) {
    job->results.release_to(it->acked);
    save(*job);
    account(*job);
    dispatch_needed_ = true;  // room for more results
  }
  touch(*job);
}

void Core::on_cancel(Session& session, const wire::Cancel& cancel, Time now) {
  Job* job = find_job(cancel.job, cancel.number);
  if (!job) {
    const auto [code, text] = unknown_job(cancel.job, cancel.number);
    complain(session, code, text, cancel.job, cancel.token);
    return;
  }
  if (!job->final()) {
    if (job->blob) {
      end_job(*job, JobState::cancelled, ErrorCode::cancelled, "cancelled",
              now);  // a part of a file is nothing
    } else if (cancel.waiting && !job->partials && job->options->reduce.empty()) {
      wind_down(*job);
      finish_if_done(*job, now);
    } else if (cancel.tasks.empty() && !cancel.waiting) {
      end_job(*job, JobState::cancelled, ErrorCode::cancelled, "cancelled", now);
    } else if (job->partials || !job->options->reduce.empty()) {
      complain(session, ErrorCode::bad_input, "a reduced job can only be cancelled as a whole",
               cancel.job, cancel.token);
      return;
    } else {
      cancel_tasks(*job, cancel.tasks);
      finish_if_done(*job, now);
    }
  }
  if (cancel.token != 0) send(session, update_of(*job, now, cancel.token), job->ticket);
  touch(*job);
}

void Core::on_retry(Session& session, const wire::Retry& retry, Time now) {
  Job* job = find_job(retry.job, retry.number);
  if (!job) {
    const auto [code, text] = unknown_job(retry.job, retry.number);
    complain(session, code, text, retry.job, retry.token);
    return;
  }
  if (!job->final() || job->failed_tasks->empty()) {
    complain(session, ErrorCode::bad_input,
             "job " + std::to_string(value(job->number)) +
                 (job->final() ? " has no failed task to run again"
                               : " still runs: its failed tasks can be run again when it is over"),
             retry.job, retry.token);
    return;
  }
  if (job->options->at_most_once) {
    complain(session, ErrorCode::bad_input,
             "job " + std::to_string(value(job->number)) +
                 " runs each task at most once, so its failed tasks are not run again: submit "
                 "those that may run as a new job",
             retry.job, retry.token);
    return;
  }
  if (auto no = over_quota(job->principal, job->failed, 0, 1, now)) {
    complain(session, no->first, std::move(no->second), retry.job, retry.token);
    return;
  }
  charge_tasks(job->principal, job->failed, now);
  reopen_job(*job, now);
  send(session, update_of(*job, now, retry.token), job->ticket);
}

void Core::on_drain(Session& session, const wire::Drain& drain) {
  for (auto& [id, worker] : workers_) {
    if (worker.name != drain.worker) continue;
    worker.draining = true;
    leave_pools(worker);
    send(id, wire::Drain{});
    wire::Answer answer;
    answer.token = drain.token;
    answer.text.push_back("worker " + worker.name + " finishes " +
                          std::to_string(worker.leases.size()) + " leases and leaves");
    send(session, std::move(answer));
    return;
  }
  complain(session, ErrorCode::unknown_job,
           "no worker is named " + drain.worker + ": see `quern workers`", {}, drain.token);
}

}  // namespace quern::broker
