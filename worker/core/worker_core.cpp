#include "worker/core/worker_core.hpp"

#include <algorithm>
#include <iterator>

namespace quern::worker {

using std::chrono::seconds;

namespace {

/// The answer to a lease that cannot be run: an error for every task of it.
wire::Report refusal(const wire::Lease& lease, const std::string& why,
                     ErrorCode code = ErrorCode::bad_input) {
  wire::Report report{
      .id = {lease.lease, 0}, .last = true, .tasks = {}, .errors = {}, .written = {}, .batch = {}};
  for (const auto& tasks : lease.tasks)
    report.errors.push_back({tasks.begin, tasks.size(), code, why});
  return report;
}

}  // namespace

WorkerCore::WorkerCore(Config config)
    : config_(std::move(config)),
      session_(config_),
      blobs_(config_.keeps_blobs, config_.blob_bytes_max),
      slots_(config_.slots) {}

// ---- connection

void WorkerCore::on_connected(Time now) {
  if (std::holds_alternative<Connecting>(session_.state())) return say_hello(now);
  // The socket has reconnected by itself: messages that we sent may be lost, so the session is
  // over.
  if (session_.is_open() || std::holds_alternative<Greeting>(session_.state()))
    lose("the connection was interrupted", now);
}

void WorkerCore::on_lost(const std::string& why, Time now) {
  if (std::holds_alternative<Waiting>(session_.state()) || session_.is_over()) return;
  lose(why, now);
}

void WorkerCore::on_denied(const std::string& why, Time) {
  if (!session_.is_over()) finish(3, why);
}

void WorkerCore::on_message(wire::Envelope envelope, Time now) {
  if (std::holds_alternative<Greeting>(session_.state())) return on_greeting_answer(envelope, now);
  if (session_.is_open()) on_session_message(envelope, now);
}

void WorkerCore::on_greeting_answer(wire::Envelope& envelope, Time now) {
  if (const auto* welcome = std::get_if<wire::Welcome>(&envelope.message))
    return handle(*welcome, envelope.session, now);
  if (const auto* refused = std::get_if<wire::Refused>(&envelope.message))
    return handle(*refused, now);
  if (const auto* error = std::get_if<wire::ErrorMessage>(&envelope.message))
    return handle(*error, now);
  if (const auto* bye = std::get_if<wire::Bye>(&envelope.message))
    return lose("the broker ended the session: " + bye->text, now);
  if (std::holds_alternative<wire::HelloAgain>(envelope.message))
    lose("the broker asked for another HELLO", now);
}

void WorkerCore::on_session_message(wire::Envelope& envelope, Time now) {
  session_.on_heard(now);
  wire::Message& message = envelope.message;
  if (const auto* refused = std::get_if<wire::Refused>(&message)) return handle(*refused, now);
  if (std::holds_alternative<wire::HelloAgain>(message))
    return lose("the broker no longer knows this session", now);
  if (envelope.session != session_.id()) return;  // of a session that is over
  if (auto* lease = std::get_if<wire::Lease>(&message)) return handle(*lease, now);
  if (const auto* reported = std::get_if<wire::Reported>(&message)) return handle(*reported, now);
  if (const auto* reclaim = std::get_if<wire::Reclaim>(&message)) return handle(*reclaim, now);
  if (const auto* revoke = std::get_if<wire::Revoke>(&message)) return handle(*revoke, now);
  if (const auto* heartbeat = std::get_if<wire::Beat>(&message)) return handle(*heartbeat, now);
  if (auto* common = std::get_if<wire::Common>(&message)) return handle(*common);
  if (const auto* forget = std::get_if<wire::Forget>(&message)) return handle(*forget);
  if (auto* results = std::get_if<wire::Results>(&message))
    return handle(nested_.on_results(std::move(*results)));
  if (auto* update = std::get_if<wire::JobUpdate>(&message))
    return handle(nested_.on_job(std::move(*update)));
  if (auto* blob = std::get_if<wire::Blob>(&message)) {
    if (auto keep = blobs_.on_blob(std::move(*blob))) effects_.push_back(std::move(*keep));
    return fetch_blobs();
  }
  if (const auto* error = std::get_if<wire::ErrorMessage>(&message)) return handle(*error, now);
  if (const auto* bye = std::get_if<wire::Bye>(&message))
    return lose("the broker ended the session: " + bye->text, now);
  if (std::holds_alternative<wire::Drain>(message)) {
    if (!drain_.begun()) note(Note::Level::info, "the broker asked this worker to drain");
    begin_drain();
  }
}

void WorkerCore::say_hello(Time now) {
  // Leases for which HELLO has no room are dropped, so that both sides agree on what is held.
  std::vector<wire::LeaseId> let_go;
  wire::WorkerOffer offer = config_.offer;
  offer.held = book_.list(config_.held_bytes_max, let_go);
  for (const auto& id : let_go) drop(id, now);
  offer.capacity = capacity();
  offer.draining = drain_.begun();
  wire::Hello hello;
  hello.role = wire::Role::worker;
  hello.identity = config_.identity;
  hello.name = config_.name;
  hello.software = config_.software;
  hello.worker = std::move(offer);
  session_.on_greeted(now);
  effects_.push_back(Send{{wire::SessionId{}, std::move(hello)}});
}

void WorkerCore::handle(const wire::Welcome& welcome, wire::SessionId session, Time now) {
  session_.on_welcome(session, welcome, now);
  drain_.on_broker();
  note(Note::Level::info, "connected to the broker (" + welcome.software + ")");
  for (const auto& id : welcome.dropped) drop(id, now);
  commons_.keep_only(book_.jobs());
  blobs_.keep_only(book_.jobs());
  for (const auto& [id, report] : outbox_.reports()) send(report);
  if (drain_.begun()) send(wire::Draining{});
  for (auto& message : nested_.repeated()) send(std::move(message));
  fetch_blobs();
  start_leases();
  leave_when_done();
}

void WorkerCore::handle(const wire::Refused& refused, Time now) {
  const std::string text = "the broker refused this worker: " + refused.text;
  switch (refused.code) {
    case ErrorCode::version:
    case ErrorCode::role:
    case ErrorCode::denied:
    case ErrorCode::refused:
      return finish(3, text);  // trying again would not help
    default:
      note(Note::Level::warning, text);
      return lose("refused", now);
  }
}

void WorkerCore::handle(const wire::ErrorMessage& error, Time now) {
  if (auto news = error.fatal ? std::nullopt : nested_.on_error(error))
    return handle(std::move(news));
  const std::string text = "the broker reports an error: " + error.text;
  note(Note::Level::warning, text);
  if (error.fatal) lose("the session ended with an error", now);
}

void WorkerCore::handle(const wire::Beat& heartbeat, Time now) {
  if (!heartbeat.reply) send_heartbeat(true, now);
}

void WorkerCore::send_heartbeat(bool reply, Time now) {
  session_.on_heartbeat_sent(now);
  send(wire::Beat{reply, capacity(), tally_.list()});
}

void WorkerCore::lose(const std::string& why, Time now) {
  effects_.push_back(HangUp{});
  if (config_.mistake == Mistake::forget_outbox) outbox_ = Outbox{};
  if (session_.is_open()) {
    note(Note::Level::info, "no session: " + why);
    drain_.on_alone(now + config_.alone_wait);  // failing attempts do not extend the wait
  }
  session_.on_lost(now);
  blobs_.on_lost();
  leave_when_done();
}

// ---- leases

// Why a lease is inconsistent, or nullptr. The codec has checked its form, but not the relations
// between its parts.
const char* WorkerCore::cannot_run(const wire::Lease& lease) const {
  using wire::LeaseKind;
  const bool folds = lease.kind == LeaseKind::merge || lease.kind == LeaseKind::finish;
  if (lease.common && blobs_.impossible(lease.job))
    return "the job needs files, which this worker does not accept (start it with --allow-exec)";
  if (lease.common && !commons_.find(lease.job))
    return "the job's common input did not reach the worker";
  if (folds && lease.tasks.size() != 1) return "a merge or finish lease names one interval";
  if (folds && lease.batch.count() == 0) return "a merge or finish lease without payloads";
  if (takes_payloads(lease) && lease.batch.count() != wire::size(lease.tasks))
    return "a lease without one payload per task";
  return nullptr;
}

void WorkerCore::handle(wire::Lease& lease, Time) {
  if (!book_.add(lease)) return;  // received twice
  const wire::LeaseId id = lease.lease;
  if (drain_.begun()) return hand_back(id);
  if (const char* why = cannot_run(lease)) {
    book_.find(id)->state = Reported{};
    return report(refusal(lease, why));
  }
  if (lease.common && !blobs_.ready(lease.job)) blobs_.retry(lease.job);
  queue_.push(std::move(lease));
  fetch_blobs();
  start_leases();
}

void WorkerCore::handle(wire::Common& common) {
  commons_.put(common.job, std::move(common.bytes), std::move(common.metadata));
  blobs_.need(common.job, common.blobs);
  fetch_blobs();
}

void WorkerCore::handle(const wire::Forget& forget) {
  commons_.forget(forget.jobs);
  for (const Uuid& job : forget.jobs) blobs_.forget(job);
  fetch_blobs();
}

void WorkerCore::fetch_blobs() {
  const auto fetch = session_.is_open() ? blobs_.ask() : std::nullopt;
  for (auto& name : blobs_.take_dropped()) effects_.push_back(DropBlob{std::move(name)});
  if (fetch) send(*fetch);
  refuse_without_blobs();
}

void WorkerCore::refuse_without_blobs() {
  for (const Uuid& job : blobs_.take_troubled()) {
    const std::string* why = blobs_.trouble(job);
    if (!why) continue;
    for (const wire::Lease& lease : queue_.take(job)) {
      book_.find(lease.lease)->state = Reported{};
      report(refusal(lease, "a file that the task needs did not reach the worker: " + *why,
                     ErrorCode::failed));
    }
  }
}

void WorkerCore::on_blob_kept(const std::string& name, const std::string& error) {
  blobs_.on_kept(name, error);
  if (session_.is_over()) return;
  fetch_blobs();
  start_leases();
}

void WorkerCore::start_leases() {
  // Unacknowledged results must not accumulate: beyond the window, no more leases are started.
  while (!queue_.empty() && !session_.is_over() && outbox_.bytes() <= session_.report_window()) {
    const auto slot = slots_.idle();
    if (!slot) return;
    auto next = queue_.pop(
        [this](const wire::Lease& l) { return is_urgent(l) || !l.common || blobs_.ready(l.job); });
    if (!next) return;
    wire::Lease& lease = *next;
    slots_.start(*slot, lease.lease);
    book_.find(lease.lease)->state = Running{*slot};
    CommonInput common =
        lease.common ? commons_.find(lease.job).value_or(CommonInput{}) : CommonInput{};
    effects_.push_back(StartRun{*slot, std::move(lease), std::move(common)});
  }
}

void WorkerCore::on_report(SlotId slot, wire::Report report_, Time now) {
  HeldLease* lease = book_.find(report_.id.lease);
  const Running* running = lease ? std::get_if<Running>(&lease->state) : nullptr;
  if (session_.is_over() || !running || running->slot != slot) return;
  tally_.add(lease->function, report_);
  if (report_.last) {
    // It exceeded its time limit while it waited: what it waited is not what it ran.
    if (nested_.waiting().contains(report_.id.lease))
      handle(slot, wire::Wait{report_.id.lease, {}});
    nested_.forget(report_.id.lease);
    lease->state = Reported{};
    const bool timed_out =
        std::any_of(report_.errors.begin(), report_.errors.end(),
                    [](const TaskError& e) { return e.code == ErrorCode::timeout; });
    slots_.end(slot, timed_out, now);
    if (timed_out) tell_stuck(now);  // first; otherwise the broker would consider the slot free
  }
  report(std::move(report_));
}

void WorkerCore::report(wire::Report report) {
  send(report);  // shares the bytes
  outbox_.put(std::move(report));
}

void WorkerCore::tell_stuck(Time now) {
  if (!slots_.may_tell(now)) return;
  send_heartbeat(false, now);
  if (!slots_.all_stuck()) return;
  // Returns queued leases: if all slots are stuck, they would wait forever here.
  for (auto& lease : queue_.take_all()) hand_back(lease.lease);
}

void WorkerCore::handle(SlotId slot, wire::Notes notes) {
  if (!session_.is_over() && book_.runs_on(notes.lease, slot)) send(std::move(notes));
}

// ---- jobs that tasks submit

void WorkerCore::handle(SlotId slot, wire::Submit submit) {
  if (session_.is_over() || !book_.runs_on(submit.lease, slot)) return;
  nested_.add(submit);
  send(std::move(submit));
}

void WorkerCore::handle(SlotId slot, const wire::Wait& wait) {
  if (session_.is_over() || !book_.runs_on(wait.lease, slot)) return;
  const bool waits = !wait.job.is_nil();
  if (waits && slots_.waiting() >= Slots::kWaitingMost)
    return handle(nested_.on_error(
        {ErrorCode::limit,
         "so many tasks of this worker wait for jobs that they have submitted that no further one "
         "may wait",
         wait.job, 0, false}));
  nested_.set_waiting(wait.lease, wait.job);
  slots_.set_waiting(slot, waits);
  send(wait);
  start_leases();
}

void WorkerCore::handle(std::optional<NestedJobs::News> news) {
  if (!news) return;
  const HeldLease* lease = book_.find(news->lease);
  const Running* running = lease ? std::get_if<Running>(&lease->state) : nullptr;
  for (auto& message : news->messages)
    if (running) effects_.push_back(TellTask{running->slot, news->lease, std::move(message)});
  if (news->ack) send(*news->ack);
}

void WorkerCore::on_slot_free(SlotId slot, Time now) {
  if (slots_.release(slot)) tell_stuck(now);
  start_leases();
}

void WorkerCore::handle(const wire::Reported& reported, Time) {
  for (const auto& id : reported.reports) {
    const auto report = outbox_.remove(id);
    if (!report) continue;
    HeldLease* lease = book_.find(id.lease);
    for (const auto& tasks : report->tasks) lease->open.remove(tasks);
    for (const auto& error : report->errors)
      lease->open.remove({error.first, error.first + error.count});
    if (std::holds_alternative<Reported>(lease->state) && outbox_.count(id.lease) == 0)
      book_.erase(id.lease);
  }
  start_leases();
  leave_when_done();
}

void WorkerCore::handle(const wire::Reclaim& reclaim, Time) {
  HeldLease* lease = book_.find(reclaim.lease);
  if (lease) {
    if (const auto* running = std::get_if<Running>(&lease->state)) {
      effects_.push_back(CutRun{running->slot, reclaim.lease, reclaim.want});
      return;
    }
  }
  wire::Intervals cut = queue_.cut(reclaim.lease, reclaim.want);
  for (const auto& tasks : cut) lease->open.remove(tasks);
  const bool gone = lease && lease->open.empty() && std::holds_alternative<Queued>(lease->state);
  send(wire::Reclaimed{reclaim.lease, std::move(cut)});
  // No tasks remain: its (empty) last report ends it, as for every lease.
  if (gone) hand_back(reclaim.lease);
}

void WorkerCore::on_cut(SlotId, const wire::LeaseId& id, const wire::Intervals& tasks, Time) {
  if (session_.is_over()) return;
  if (HeldLease* lease = book_.find(id)) {
    for (const auto& interval : tasks) lease->open.remove(interval);
  }
  send(wire::Reclaimed{id, tasks});
}

void WorkerCore::handle(const wire::Revoke& revoke, Time now) {
  for (const auto& id : revoke.leases) drop(id, now);
  start_leases();
  leave_when_done();
}

void WorkerCore::drop(const wire::LeaseId& id, Time now) {
  const HeldLease* lease = book_.find(id);
  if (!lease) return;
  if (const auto* running = std::get_if<Running>(&lease->state)) {
    nested_.forget(id);
    slots_.end(running->slot, false, now);
    effects_.push_back(CancelRun{running->slot, id});
  }
  queue_.remove(id);
  outbox_.remove_all(id);
  book_.erase(id);
}

void WorkerCore::hand_back(const wire::LeaseId& id) {
  book_.find(id)->state = Reported{};
  report(wire::Report{
      .id = {id, 0}, .last = true, .tasks = {}, .errors = {}, .written = {}, .batch = {}});
}

// ---- leaving

void WorkerCore::on_stop_requested(Time now) {
  if (session_.is_over()) return;
  if (drain_.stopping()) return finish(0, "stopped immediately");
  drain_.on_stop(now + config_.drain_wait);
  if (!session_.is_open()) drain_.on_alone(now + config_.alone_wait);
  note(Note::Level::info, "finishing running tasks, then leaving; a second signal stops at once");
  begin_drain();
}

void WorkerCore::begin_drain() {
  drain_.on_begin();
  send(wire::Draining{});
  for (auto& lease : queue_.take_all()) hand_back(lease.lease);
  for (const auto& [id, lease] : book_.held())
    if (const auto* running = std::get_if<Running>(&lease.state))
      effects_.push_back(EndRun{running->slot, id});
  leave_when_done();
}

void WorkerCore::leave_when_done() {
  if (drain_.begun() && book_.empty()) finish(0, "drained", ErrorCode::none);
}

void WorkerCore::finish(int exit_code, std::string text, ErrorCode why) {
  if (session_.is_over()) return;
  if (exit_code == 0) send(wire::Bye{why, text});
  session_.on_finished();
  effects_.push_back(Finished{exit_code, std::move(text)});
}

// ---- time

void WorkerCore::on_tick(Time now) {
  if (session_.is_over()) return;
  // A tick that is much too late means that this process was suspended, not the broker.
  const auto planned = session_.deadline(!book_.empty());
  if (planned && *planned > Time::min() && now - *planned > seconds(1))
    session_.on_gap(now - *planned, now);
  switch (session_.due(now, !book_.empty())) {
    case Session::Due::nothing:
      break;
    case Session::Due::reopen:
      session_.on_opened();
      effects_.push_back(Reopen{});
      break;
    case Session::Due::heartbeat:
      send_heartbeat(false, now);
      break;
    case Session::Due::lost:
      lose("no response from the broker", now);
      break;
  }
  if (slots_.on_tick(now)) tell_stuck(now);
  if (const auto until = drain_.deadline(); until && now >= *until)
    finish(0, "left before all tasks were finished");
}

std::optional<Time> WorkerCore::next_deadline() const {
  if (session_.is_over()) return std::nullopt;
  auto next = session_.deadline(!book_.empty());
  const auto sooner = [&](Time until) { next = next ? std::min(*next, until) : until; };
  if (const auto until = drain_.deadline()) sooner(*until);
  if (const auto until = slots_.deadline()) sooner(*until);
  return next;
}

// ---- small things

void WorkerCore::send(wire::Message message) {
  // Without a session nothing is sent: the next HELLO lists the held leases, and the outbox is sent
  // again.
  if (session_.is_open()) effects_.push_back(Send{{session_.id(), std::move(message)}});
}

void WorkerCore::take_effects(Effects& out) {
  out.insert(out.end(), std::make_move_iterator(effects_.begin()),
             std::make_move_iterator(effects_.end()));
  effects_.clear();
}

Capacity WorkerCore::capacity() const {
  Capacity now = capacity_;
  slots_.count(now);
  return now;
}

}  // namespace quern::worker
