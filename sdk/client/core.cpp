#include "client/core.hpp"

#include <algorithm>

namespace quern::client {
namespace {

using Stage = LiveJob::Stage;
using Standing = LiveJob::Standing;
using Reader = LiveJob::Reader;

// HELLO names at most this many jobs, so that its header stays far below the limit; the others are
// followed again without it.
constexpr std::size_t kHeldMax = 2000;

// A question that was not answered in this many sessions is not asked again.
constexpr int kAsksMost = 5;

std::string seconds(Duration d) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(d).count()) + " s";
}

}  // namespace

// ---- commands

void ClientCore::start(Time now) { reopen(now); }

void ClientCore::submit(JobKey key, wire::Submit submit, InputLedger::Rest rest, Time now) {
  LiveJob& job = jobs_[key];
  job.key = key;
  job.stage = Stage::submitting;
  job.standing = submit.options.detach ? Standing::detached : Standing::owner;
  job.window = submit.window;
  job.watch_ms = submit.watch_ms;
  job.input = InputLedger(submit.batch, rest);
  set_uuid(job, submit.job);
  job.submit = std::move(submit);
  session_.want(now);
  if (session_.is_open()) send_submit(job, now);
}

void ClientCore::attach(JobKey key, const Follow& follow, Time now) {
  if (!follow.uuid.is_nil() && find(follow.uuid)) {
    effects_.push_back(
        Ended{key,
              Ended::Stage::attaching,
              {ErrorCode::unknown_job,
               "this client already follows that job, but has released its results"}});
    return;
  }
  LiveJob& job = jobs_[key];
  job.key = key;
  job.stage = Stage::attaching;
  job.standing = Standing::guest;
  job.number = follow.number;
  job.window = follow.window;
  job.watch_ms = follow.watch_ms;
  job.token = next_token_++;
  if (!follow.uuid.is_nil()) set_uuid(job, follow.uuid);
  session_.want(now);
  if (session_.is_open()) send_attach(job, now);
}

void ClientCore::append(JobKey key, wire::Batch batch, std::vector<float> costs,
                        InputLedger::Rest rest, Time now) {
  LiveJob* job = find(key);
  if (!job) return;
  job->asked_input = false;
  if (job->stage == Stage::comparing) {
    job->own_input->add(batch);
    if (rest == InputLedger::Rest::none)
      on_own_input_read(*job, now);
    else
      read_to_compare(*job);
    return;
  }
  job->input.append(std::move(batch), rest, std::move(costs));
  pump(*job, now);
}

void ClientCore::cancel(JobKey key, wire::Interval tasks, Time now) {
  LiveJob* job = find(key);
  if (!job || job->stage == Stage::ended) return;
  if (!tasks.empty()) {
    job->cancels.add(tasks);
    job->cancels_unsent.add(tasks);
  } else {
    job->input.stop();
    if (job->stage == Stage::submitting && job->submits_sent == 0) {
      end(key, {ErrorCode::cancelled, "cancelled before it was submitted"});
      return;
    }
    if (job->stage == Stage::comparing || (job->stage == Stage::attaching && job->own_input)) {
      // The existing job may belong to another client and have another input.
      end(key, {ErrorCode::cancelled,
                "cancelled before its input was compared with that of the existing job"});
      return;
    }
    job->cancel_all = LiveJob::CancelAll::due;
  }
  send_cancels(*job, now);
}

std::uint64_t ClientCore::ask(Question question, Time now) {
  const std::uint64_t token = next_token_++;
  std::visit(
      [token](auto& q) {
        if constexpr (!std::is_same_v<std::decay_t<decltype(q)>, std::monostate>) q.token = token;
      },
      question);
  asks_[token].question = std::move(question);
  session_.want(now);
  if (session_.is_open()) send_question(token, now);
  return token;
}

void ClientCore::on_consumed(JobKey key, std::uint64_t to) {
  LiveJob* job = find(key);
  if (!job || to <= job->consumed) return;
  job->consumed = std::min(to, job->received);
  to_acknowledge_.push_back(key);
}

void ClientCore::abandon(JobKey key, Time now) {
  LiveJob* job = find(key);
  if (!job) return;
  job->reader = Reader::gone;
  if (job->standing == Standing::owner) {
    // A detached job runs to its end, so its results must keep flowing: they are acknowledged
    // unread.
    job->consumed = job->received;
    to_acknowledge_.push_back(key);
  } else if (job->window != 0 || job->watch_ms != 0) {
    watch(key, 0, 0, now);
  }
  forget_if_done(*job, now);
}

void ClientCore::watch(JobKey key, std::uint64_t window, std::uint32_t watch_ms, Time now) {
  LiveJob* job = find(key);
  if (!job || (job->window == window && job->watch_ms == watch_ms)) return;
  job->window = window;
  job->watch_ms = watch_ms;
  if (job->submit) {
    job->submit->window = window;
    job->submit->watch_ms = watch_ms;
    // The broker may never know this UUID (`unique` replaces it), and the error about it could
    // arrive before ACCEPTED.
    if (!job->submit->options.unique.empty()) {
      job->attach_due = true;
      return;
    }
  }
  if (session_.is_open() && !job->complete()) send_attach(*job, now);
}

void ClientCore::want(JobKey key, Time now) {
  LiveJob* job = find(key);
  if (!job || job->stage == Stage::submitting || job->stage == Stage::comparing ||
      job->stage == Stage::attaching)
    return;  // the pending request asks for them too
  if (session_.is_open() && job->window > 0 && !job->complete()) send_attach(*job, now);
}

void ClientCore::fail(Failure why, Time now) {
  session_.refuse(why, now);
  fail_everything(why);
}

void ClientCore::stop(Time now) {
  for (auto& [key, job] : jobs_) acknowledge(job, now);
  fail_everything({ErrorCode::shutdown, "the client was closed"});
  if (session_.is_open()) send(wire::Bye{ErrorCode::shutdown, "the client is closing"}, now);
  session_.close();
}

// ---- time

void ClientCore::tick(Time now) {
  apply(session_.tick(now, busy()), now);
  if (session_.is_open()) {
    for (JobKey key : to_acknowledge_) {
      LiveJob* job = find(key);
      if (job && !forget_if_done(*job, now)) acknowledge(*job, now);
    }
    to_acknowledge_.clear();
  }
  if (session_.is_open() || !demand()) {
    waiting_since_.reset();
  } else if (const Failure* refusal = session_.refusal()) {
    fail_everything(*refusal);
  } else if (!waiting_since_) {
    waiting_since_ = now;
  } else if (now >= *waiting_since_ + patience()) {
    fail_everything(absence());
  }
}

std::optional<Time> ClientCore::next_deadline() const {
  std::optional<Time> at = session_.deadline(busy());
  if (!session_.is_open() && demand()) {
    // Not measured yet: the next tick starts the measurement.
    const Time give_up = waiting_since_ ? *waiting_since_ + patience() : Time::min();
    at = at ? std::min(*at, give_up) : give_up;
  }
  if (session_.is_open() && !to_acknowledge_.empty()) at = Time::min();
  return at;
}

void ClientCore::take_effects(Effects& out) {
  for (auto& effect : effects_) out.push_back(std::move(effect));
  effects_.clear();
}

// ---- sending

void ClientCore::reopen(Time now) {
  link_ = Link::connecting;
  was_connected_ = false;
  session_.on_opened(now);
  effects_.push_back(Reopen{});
  wire::Hello hello;
  hello.role = wire::Role::client;
  hello.identity = options_.identity;
  hello.name = options_.name;
  hello.software = options_.software;
  for (const auto& [key, job] : jobs_) {
    if (hello.jobs.size() == kHeldMax) break;
    // Whether the broker knows such a job tells whether it may be submitted again
    // (may_have_started).
    const bool asked =
        job.stage == Stage::submitting && job.submits_sent > 0 && job.submit->options.at_most_once;
    if (job.stage == Stage::live || job.stage == Stage::ended || asked)
      hello.jobs.push_back({job.uuid, job.received});
  }
  send(std::move(hello), now);
}

void ClientCore::lose(Time now) {
  if (!session_.is_open() && !session_.is_connecting()) return;
  session_.lose(now);
  apply(session_.tick(now, busy()), now);
}

void ClientCore::apply(Session::Action action, Time now) {
  if (!session_.is_open()) {
    for (auto& [key, job] : jobs_) job.asked_input = false;
  }
  switch (action) {
    case Session::Action::none:
      break;
    case Session::Action::reopen:
      reopen(now);
      break;
    case Session::Action::heartbeat:
      send(wire::Beat{}, now);
      break;
  }
}

void ClientCore::send_submit(LiveJob& job, Time now) {
  ++job.submits_sent;
  job.incarnation = session_.incarnation();
  job.has_store = session_.has_store();
  send(*job.submit, now);
  send_cancels(job, now);
}

void ClientCore::send_attach(LiveJob& job, Time now) {
  if (job.stage == Stage::comparing) return;
  wire::Attach attach;
  if (job.own_input) {
    attach.input_digest = job.own_input->digest.value();
    attach.input_count = job.own_input->count;
  }
  attach.token = job.stage == Stage::attaching ? job.token : 0;
  attach.job = job.uuid;
  if (job.uuid.is_nil()) attach.number = job.number;
  attach.cursor = job.received;
  attach.window = job.window;
  attach.watch_ms = job.watch_ms;
  attach.own = job.standing != Standing::guest;
  send(attach, now);
}

void ClientCore::send_cancels(LiveJob& job, Time now) {
  if (!session_.is_open() || job.stage == Stage::comparing || job.stage == Stage::attaching ||
      job.stage == Stage::ended)
    return;
  if (job.cancel_all == LiveJob::CancelAll::due) {
    job.cancel_all = LiveJob::CancelAll::sent;
    send(wire::Cancel{0, job.uuid, {}, {}}, now);
  }
  if (job.cancels_unsent.empty() || job.cancels_unsent.front() >= job.input.sent_to()) return;
  // A task can be cancelled once it was sent; the others wait for pump().
  wire::Intervals ready = job.cancels_unsent.intersect({0, job.input.sent_to()});
  for (const auto& tasks : ready) job.cancels_unsent.remove(tasks);
  for (std::size_t i = 0; i < ready.size(); i += 1000) {
    const auto last = std::min(ready.size(), i + 1000);
    send(wire::Cancel{0,
                      job.uuid,
                      {},
                      wire::Intervals(ready.begin() + static_cast<std::ptrdiff_t>(i),
                                      ready.begin() + static_cast<std::ptrdiff_t>(last))},
         now);
  }
}

void ClientCore::resume_questions(Time now) {
  std::vector<std::uint64_t> tokens;
  for (const auto& [token, ask] : asks_) tokens.push_back(token);
  for (const std::uint64_t token : tokens) {
    const Ask& ask = asks_.at(token);
    if (ask.sent >= kAsksMost)
      answer(token, Failure{ErrorCode::session,
                            "the broker does not answer this question, or its answer cannot be "
                            "read: install the same version of Quern on both sides"});
    else if (ask.sent > 0 && std::holds_alternative<wire::Append>(ask.question))
      answer(token, Failure{ErrorCode::session,
                            "the connection to the broker was lost before it answered"});
    else
      send_question(token, now);
  }
}

void ClientCore::send_question(std::uint64_t token, Time now) {
  ++asks_[token].sent;
  const Question question = asks_[token].question;  // an answer removes it
  std::visit(
      [&](const auto& q) {
        if constexpr (std::is_same_v<std::decay_t<decltype(q)>, std::monostate>) {
          answer(token, std::monostate{});
        } else {
          send(q, now);
        }
      },
      question);
}

void ClientCore::pump(LiveJob& job, Time now) {
  if (!session_.is_open() || job.stage != Stage::live) return;
  while (auto piece = job.input.next_piece()) {
    wire::Append append;
    append.job = job.uuid;
    append.first = piece->first;
    append.close = piece->close;
    append.batch = std::move(piece->batch);
    append.costs = std::move(piece->costs);
    send(std::move(append), now);
  }
  send_cancels(job, now);
  if (!job.asked_input && job.input.wants_input()) {
    job.asked_input = true;
    effects_.push_back(NeedInput{job.key});
  }
}

void ClientCore::acknowledge(LiveJob& job, Time now) {
  if (!session_.is_open() || job.stage == Stage::submitting || job.stage == Stage::comparing ||
      job.stage == Stage::attaching)
    return;
  // When all results of our own attached job have been received, nobody else will request them, so
  // the broker can forget it, read or not.
  if (job.standing == Standing::owner && job.complete()) job.consumed = job.received;
  const bool last =
      job.complete() && job.consumed == job.entries && job.standing != Standing::guest;
  if (job.consumed <= job.acked && !last) return;
  job.acked = job.consumed;
  send(wire::Ack{job.uuid, job.consumed, job.frees()}, now);
}

bool ClientCore::forget_if_done(LiveJob& job, Time now) {
  if (job.complete()) {
    if (job.standing == Standing::detached && job.reader == Reader::reading &&
        job.consumed < job.entries)
      return false;
    if (job.standing != Standing::guest) {
      if (!session_.is_open()) return false;
      if (job.standing == Standing::owner || job.reader == Reader::reading) acknowledge(job, now);
    }
  } else {
    const bool wanted = job.reader == Reader::reading || job.standing == Standing::owner;
    const bool arrived = job.stage != Stage::submitting && job.input.all_accepted();
    if (wanted || !arrived)
      return false;  // a detached job must be accepted before we can forget it
  }
  const JobKey key = job.key;
  if (!job.uuid.is_nil()) by_uuid_.erase(job.uuid);
  jobs_.erase(key);
  effects_.push_back(Forget{key});
  return true;
}

void ClientCore::send(wire::Message message, Time now) {
  session_.on_sent(now);
  effects_.push_back(Send{{session_.id(), std::move(message)}});
}

// ---- ends

void ClientCore::end(JobKey key, Failure failure) {
  const auto at = jobs_.find(key);
  const LiveJob& job = at->second;
  auto stage = Ended::Stage::submitting;
  if (job.stage == Stage::live || job.stage == Stage::ended)
    stage = Ended::Stage::accepted;
  else if (job.stage == Stage::attaching && !job.own_input)  // else it compares what it submits
    stage = Ended::Stage::attaching;
  if (!job.uuid.is_nil()) by_uuid_.erase(job.uuid);
  jobs_.erase(at);
  effects_.push_back(Ended{key, stage, std::move(failure)});
}

void ClientCore::fail_everything(const Failure& failure) {
  waiting_since_.reset();
  while (!jobs_.empty()) {
    const LiveJob& job = jobs_.begin()->second;
    Failure its = failure;
    // A job that the broker has accepted still exists when the broker is back.
    if (const std::string number = std::to_string(value(job.number));
        value(job.number) != 0 && failure.code != ErrorCode::shutdown)
      its.text += "; job " + number + " was accepted; when the broker is back, `quern job " +
                  number + "` shows its state, and `quern results " + number +
                  "` prints its results";
    end(JobKey(jobs_.begin()->first), its);
  }
  while (!asks_.empty()) answer(asks_.begin()->first, failure);
}

void ClientCore::answer(std::uint64_t token, Reply reply) {
  asks_.erase(token);
  effects_.push_back(Answered{token, std::move(reply)});
}

Failure ClientCore::absence() const {
  const std::string& at = options_.endpoint;
  if (!why_absent_.empty())
    return {link_ == Link::refused ? ErrorCode::refused : ErrorCode::no_broker, why_absent_};
  if (link_ == Link::refused) {
    return {ErrorCode::refused, "the program that listens at " + at +
                                    " refused the connection: it is not a Quern broker, or it "
                                    "requires keys (leave out --insecure)"};
  }
  if (link_ == Link::connected) {
    return {
        ErrorCode::no_broker,
        "a program listens at " + at +
            " but does not answer: check that it is a Quern broker, and that it is not suspended"};
  }
  if (session_.was_welcome()) {
    return {
        ErrorCode::no_broker,
        "the broker at " + at + " disappeared and did not return within " +
            seconds(options_.retry) +
            ": start it again with `quern up`, or name another one with --broker or QUERN_BROKER"};
  }
  return {ErrorCode::no_broker,
          "no broker answers at " + at +
              ": start one with `quern up`, or name one with --broker or QUERN_BROKER"};
}

// ---- looking

LiveJob* ClientCore::find(JobKey key) {
  const auto at = jobs_.find(key);
  return at == jobs_.end() ? nullptr : &at->second;
}

LiveJob* ClientCore::find(const Uuid& uuid) {
  const auto at = by_uuid_.find(uuid);
  return at == by_uuid_.end() ? nullptr : find(at->second);
}

void ClientCore::set_uuid(LiveJob& job, const Uuid& uuid) {
  if (!job.uuid.is_nil()) by_uuid_.erase(job.uuid);
  job.uuid = uuid;
  by_uuid_[uuid] = job.key;
}

bool ClientCore::wants_input(JobKey key) const {
  const auto at = jobs_.find(key);
  return at != jobs_.end() && at->second.asked_input;
}

bool ClientCore::busy() const {
  for (const auto& [key, job] : jobs_) {
    if (job.unfinished()) return true;
  }
  return false;
}

}  // namespace quern::client
