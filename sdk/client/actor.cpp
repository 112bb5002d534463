#include "client/actor.hpp"
#include "client/callbacks.hpp"

#include <signal.h>

#include <algorithm>
#include <stdexcept>

namespace quern::client {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

// How long BYE and the last acknowledgements may take to be sent.
constexpr auto kGoodbye = 300ms;
// Acknowledgements wait this long for a message that carries them: nobody waits for them, and a
// separate one wakes two threads of the broker.
constexpr auto kAcknowledge = 1ms;
// Messages read before their effects are carried out: latency under load.
constexpr int kReadAtOnce = 64;

Link link_of(link::LinkState state) {
  switch (state) {
    case link::LinkState::connecting:
      return Link::connecting;
    case link::LinkState::connected:
      return Link::connected;
    case link::LinkState::no_broker:
      return Link::absent;
    case link::LinkState::no_keys:
    case link::LinkState::broken:
      return Link::refused;
    case link::LinkState::denied:
      return Link::denied;
  }
  return Link::connecting;
}

}  // namespace

ClientActor::ClientActor(CoreOptions options, link::Access access, std::shared_ptr<Outbox> outbox)
    : outbox_(std::move(outbox)),
      context_(1),
      connection_(context_, options.endpoint, std::move(access)),
      core_(std::move(options)),
      thread_([this] { run(); }) {}

ClientActor::~ClientActor() {
  outbox_->post(StopCommand{});
  thread_.join();
}

void ClientActor::run() {
  on_receiving_thread = true;
  // Blocks signals, which must be delivered to the program's own threads.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  core_.start(Clock::now());
  apply();
  while (life_ == Life::running) {
    wait();
    read_commands();
    read_messages();
    core_.tick(Clock::now());
    apply();
    if (piggyback_until_ && Clock::now() >= *piggyback_until_) send_piggybacked();
  }
  send_piggybacked();
  outbox_->close();
  outbox_->drain(commands_);
  commands_.clear();
  connection_.close(kGoodbye);
}

void ClientActor::wait() {
  poller_.clear();
  poller_.add(outbox_->fd());
  connection_.poll_in(poller_);
  auto timeout = std::chrono::milliseconds(-1);
  auto deadline = core_.next_deadline();
  if (piggyback_until_)
    deadline = deadline ? std::min(*deadline, *piggyback_until_) : *piggyback_until_;
  if (deadline) {
    const auto left = *deadline - std::min(*deadline, Clock::now());
    timeout = std::chrono::ceil<std::chrono::milliseconds>(left);
  }
  poller_.wait(timeout);
}

void ClientActor::read_commands() {
  outbox_->drain(commands_);
  for (auto& command : commands_) {
    if (life_ != Life::running) break;
    std::visit([this](auto& c) { on(std::move(c)); }, command);
    apply();
  }
  commands_.clear();
}

void ClientActor::read_messages() {
  if (life_ != Life::running) return;
  for (int read = 1;; ++read) {
    auto received = connection_.receive();
    if (!received) break;
    if (auto* envelope = std::get_if<wire::Envelope>(&*received)) {
      core_.on_message(std::move(*envelope), Clock::now());
    } else {
      core_.on_garbage(Clock::now());
    }
    if (read % kReadAtOnce != 0) continue;
    apply();
    if (piggyback_until_ && Clock::now() >= *piggyback_until_)
      send_piggybacked();  // also while results keep arriving
  }
  // After reading: a connection that ended may have delivered messages before.
  look_at_connection();
  apply();
}

void ClientActor::look_at_connection() {
  const auto link = connection_.look();
  if (link == link_) return;
  link_ = link;
  core_.on_link(link_of(link), Clock::now(), connection_.why());
}

void ClientActor::apply() {
  Effects effects;
  for (;;) {
    core_.take_effects(effects);
    if (effects.empty()) return;
    for (auto& effect : effects) {
      std::visit([this](auto& e) { carry_out(std::move(e)); }, effect);
    }
    effects.clear();
  }
}

// ---- commands

void ClientActor::on(SubmitCommand command) {
  auto rest = InputLedger::Rest::none;
  if (command.input) {
    auto chunk = command.input->take_first();
    command.submit.batch = std::move(chunk.batch);
    command.submit.costs = std::move(chunk.costs);
    rest = chunk.rest;
    command.submit.open = rest == InputLedger::Rest::comes;
  }
  jobs_[command.job] = {std::move(command.sink), std::move(command.input)};
  core_.submit(command.job, std::move(command.submit), rest, Clock::now());
}

void ClientActor::on(AttachCommand command) {
  jobs_[command.job] = {std::move(command.sink), nullptr};
  core_.attach(command.job, command.follow, Clock::now());
}

void ClientActor::on(InputReadyCommand command) { give_input(command.job); }

void ClientActor::on(CancelCommand command) {
  JobEntry* job = find(command.job);
  if (job && job->input && command.tasks.empty()) job->input->stop();
  core_.cancel(command.job, command.tasks, Clock::now());
}

void ClientActor::on(ConsumedCommand command) { core_.on_consumed(command.job, command.to); }

void ClientActor::on(AbandonCommand command) { core_.abandon(command.job, Clock::now()); }

void ClientActor::on(WantCommand command) { core_.want(command.job, Clock::now()); }

void ClientActor::on(WatchCommand command) {
  core_.watch(command.job, command.window, command.watch_ms, Clock::now());
}

void ClientActor::on(ShowProgressCommand command) {
  if (auto sink = command.sink.lock()) sink->show_progress();
}

void ClientActor::on(AskCommand command) {
  const std::uint64_t token = core_.ask(std::move(command.question), Clock::now());
  asks_[token] = std::move(command.reply);
}

void ClientActor::on(StopCommand) {
  core_.stop(Clock::now());
  life_ = Life::stopping;
}

// ---- effects

// Without a high-water mark, a send fails only if there is no socket; then a later HELLO
// resynchronises.
void ClientActor::carry_out(Send effect) {
  wire::Envelope& envelope = effect.envelope;
  if (!piggybacked_.empty() &&
      (envelope.session != piggyback_session_ || piggybacked_.size() == wire::kPiggybackedMax))
    send_piggybacked();
  if (wire::is_acknowledgement(envelope.message)) {
    if (!piggyback_until_) piggyback_until_ = Clock::now() + kAcknowledge;
    piggyback_session_ = envelope.session;
    piggybacked_.push_back(std::move(envelope.message));
    return;
  }
  connection_.send(envelope, piggybacked_);
  piggybacked_.clear();
  piggyback_until_.reset();
}

void ClientActor::send_piggybacked() {
  piggyback_until_.reset();
  if (piggybacked_.empty()) return;
  wire::Message last = std::move(piggybacked_.back());
  piggybacked_.pop_back();
  connection_.send({piggyback_session_, std::move(last)}, piggybacked_);
  piggybacked_.clear();
}

void ClientActor::carry_out(Reopen) {
  piggybacked_.clear();  // they belong to the old session
  piggyback_until_.reset();
  link_ = link::LinkState::connecting;
  try {
    connection_.reopen();
    look_at_connection();  // without keys there is no socket that would wake this thread
  } catch (const zmq::error_t& error) {
    connection_.close();
    core_.fail({ErrorCode::no_broker, "cannot connect to '" + connection_.endpoint() +
                                          "': " + error.what() +
                                          "; give an endpoint such as tcp://127.0.0.1:7600"},
               Clock::now());
  } catch (const std::invalid_argument& error) {
    connection_.close();
    core_.fail({ErrorCode::no_broker, std::string("cannot connect to ") + error.what()},
               Clock::now());
  }
}

void ClientActor::carry_out(Accepted effect) {
  if (JobEntry* job = find(effect.job)) job->sink->on_accepted(effect);
}

void ClientActor::carry_out(InputTaken effect) {
  if (JobEntry* job = find(effect.job)) job->sink->on_input_taken();
}

void ClientActor::carry_out(Comparing effect) {
  JobEntry* job = find(effect.job);
  if (job && job->input) job->input->tell_existing();
}

void ClientActor::carry_out(NeedInput effect) { give_input(effect.job); }

void ClientActor::give_input(JobKey key) {
  JobEntry* job = find(key);
  if (!job || !job->input || !core_.wants_input(key)) return;
  if (auto chunk = job->input->take())
    core_.append(key, std::move(chunk->batch), std::move(chunk->costs), chunk->rest, Clock::now());
}

void ClientActor::carry_out(Deliver effect) {
  JobEntry* job = find(effect.job);
  if (!job) return;
  const auto taken = job->sink->on_results(std::move(effect.results));
  if (taken) core_.on_consumed(effect.job, *taken);
}

void ClientActor::carry_out(Status effect) {
  JobEntry* job = find(effect.job);
  if (!job) return;
  if (is_final(effect.update.status.state) && job->input) job->input->stop();
  job->sink->on_status(std::move(effect.update));
}

void ClientActor::carry_out(Ended effect) {
  const JobKey key = effect.job;
  if (JobEntry* job = find(key)) job->sink->on_ended(std::move(effect));
  drop(key);
}

void ClientActor::carry_out(Forget effect) { drop(effect.job); }

void ClientActor::carry_out(Answered effect) {
  const auto at = asks_.find(effect.token);
  if (at == asks_.end()) return;
  at->second->set_value(std::move(effect.reply));
  asks_.erase(at);
}

void ClientActor::drop(JobKey key) {
  const auto at = jobs_.find(key);
  if (at == jobs_.end()) return;
  const JobEntry entry = std::move(at->second);  // its destructor may run user code, which must not
                                                 // happen while the map is being changed
  jobs_.erase(at);
  if (entry.input) entry.input->stop();
}

ClientActor::JobEntry* ClientActor::find(JobKey key) {
  const auto at = jobs_.find(key);
  return at == jobs_.end() ? nullptr : &at->second;
}

}  // namespace quern::client
