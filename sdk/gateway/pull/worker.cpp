#include "gateway/pull/worker.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "gateway/pull/answers.hpp"

namespace quern::gateway::pull {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMessagesAtOnce = 1000;
constexpr milliseconds kByeLinger{500};

}  // namespace

PullWorker::PullWorker(zmq::context_t& context, WorkerOptions options)
    : number_(options.number),
      encoding_(options.encoding),
      uuids_(options.uuids),
      connection_(context, std::move(options.endpoint), std::move(options.access)),
      core_(std::move(options.config), Clock::now()),
      now_(Clock::now()),
      thread_([this] { run(); }) {}

PullWorker::~PullWorker() {
  mailbox_.post(Stop{});
  if (thread_.get_id() == std::this_thread::get_id())
    thread_.detach();
  else
    thread_.join();
}

bool PullWorker::pull(const std::shared_ptr<Exchange>& exchange, Pull pull) {
  const Ticket ticket = pull.ticket;
  const bool wants_both = !pull.request_id.empty();
  if (!mailbox_.post(Asked{exchange, std::move(pull)})) return false;
  exchange->on_outcome([weak = weak_from_this(), ticket, wants_both](bool written) {
    if (written && !wants_both) return;
    if (const auto worker = weak.lock()) worker->mailbox_.post(Outcome{ticket, written});
  });
  return true;
}

bool PullWorker::say(const std::shared_ptr<Exchange>& exchange, Ticket ticket, Named named,
                     Statement statement) {
  return mailbox_.post(Said{exchange, ticket, std::move(named), std::move(statement)});
}

void PullWorker::stop() { mailbox_.post(Stop{}); }

void PullWorker::run() {
  while (!ended_) {
    now_ = Clock::now();
    read_connection();
    look_at_connection();  // after reading, because messages before the disconnection count
    read_mailbox();
    core_.settle(now_);
    carry_out();
    if (!ended_) wait();
  }
  over_ = true;
  connection_.close(kByeLinger);
  mailbox_.close(news_);
  for (auto& news : news_) {
    if (const auto* asked = std::get_if<Asked>(&news)) asked->exchange->respond(left());
    if (const auto* said = std::get_if<Said>(&news)) said->exchange->respond(left());
  }
  for (auto& [ticket, exchange] : exchanges_) exchange->respond(left());
  exchanges_.clear();
}

void PullWorker::wait() {
  milliseconds patience{60'000};
  const auto now = Clock::now();
  if (const auto next = core_.next_deadline())
    patience = *next <= now ? milliseconds(0)
                            : std::min(patience, std::chrono::ceil<milliseconds>(*next - now));
  poller_.clear();
  connection_.poll_in(poller_);
  poller_.add(mailbox_.fd());
  poller_.wait(patience);
}

// ---- what has arrived

void PullWorker::read_connection() {
  for (int i = 0; i < kMessagesAtOnce; ++i) {
    auto message = connection_.receive();
    if (!message) return;
    if (auto* envelope = std::get_if<wire::Envelope>(&*message))
      core_.on_message(std::move(*envelope), now_);
    else
      core_.on_lost("the broker sent an invalid message", now_);
  }
}

void PullWorker::look_at_connection() {
  const link::LinkState state = connection_.look();
  const link::LinkState before = std::exchange(seen_, state);
  if (state == before) return;
  using link::LinkState;
  switch (state) {
    case LinkState::connecting:
      break;
    case LinkState::connected:
      core_.on_connected(now_);
      break;
    case LinkState::denied:
      core_.on_denied(connection_.why());
      break;
    case LinkState::no_keys:
    case LinkState::broken:
      core_.on_lost(connection_.why(), now_);
      break;
    case LinkState::no_broker:
      // Otherwise the socket goes on trying.
      if (before == LinkState::connected) core_.on_lost("the connection was closed", now_);
      break;
  }
}

void PullWorker::read_mailbox() {
  mailbox_.drain(news_);
  for (auto& news : news_) take(news);
  news_.clear();
}

void PullWorker::take(News& news) {
  if (auto* asked = std::get_if<Asked>(&news)) {
    exchanges_.emplace(asked->pull.ticket, std::move(asked->exchange));
    core_.on_pull(std::move(asked->pull), now_);
  } else if (auto* said = std::get_if<Said>(&news)) {
    const Ticket ticket = said->ticket;
    const Named& named = said->named;
    exchanges_.emplace(ticket, std::move(said->exchange));
    if (auto* complete = std::get_if<Complete>(&said->statement))
      core_.on_complete(ticket, named, std::move(complete->results), now_);
    else if (const auto* fail = std::get_if<Fail>(&said->statement))
      core_.on_fail(ticket, named, fail->text, fail->permanent, now_);
    else if (const auto* extend = std::get_if<Extend>(&said->statement))
      core_.on_extend(ticket, named, extend->lock, now_);
    else
      core_.on_release(ticket, named, now_);
  } else if (const auto* outcome = std::get_if<Outcome>(&news)) {
    if (outcome->written) return core_.on_delivered(outcome->ticket);
    exchanges_.erase(outcome->ticket);
    core_.on_gone(outcome->ticket, now_);
  } else {
    core_.on_stop(now_);
  }
}

// ---- effects

void PullWorker::carry_out() {
  for (core_.take_effects(effects_); !effects_.empty(); core_.take_effects(effects_)) {
    for (auto& effect : std::exchange(effects_, {}))
      std::visit([this](auto& one) { act(one); }, effect);
    if (!lost_why_.empty()) core_.on_lost(std::exchange(lost_why_, {}), now_);
  }
}

void PullWorker::answer(Ticket ticket, Response response) {
  const auto node = exchanges_.extract(ticket);
  if (node) node.mapped()->respond(std::move(response));
}

void PullWorker::act(HangUp&) {
  connection_.close();
  seen_ = link::LinkState::connecting;
}

void PullWorker::act(Reopen&) {
  seen_ = link::LinkState::connecting;
  try {
    connection_.reopen();
  } catch (const std::exception& error) {  // an endpoint that is none
    return core_.on_denied(error.what());
  }
  look_at_connection();  // without keys there is no socket that would wake this thread
}

void PullWorker::act(Send& send) {
  if (connection_.is_open() && !connection_.send(send.envelope))
    lost_why_ = "the connection accepts no more messages";
}

void PullWorker::act(Granted& granted) {
  const auto at = exchanges_.find(granted.ticket);
  if (at == exchanges_.end()) return;
  answer(granted.ticket, leases_answer(granted, number_, uuids_));
}

void PullWorker::act(Counted& counted) { answer(counted.ticket, counted_answer(counted)); }

void PullWorker::act(Extended& extended) { answer(extended.ticket, extended_answer(extended)); }

void PullWorker::act(Rejected& rejected) { answer(rejected.ticket, rejected_answer(rejected)); }

void PullWorker::act(Finished&) { ended_ = true; }

}  // namespace quern::gateway::pull
