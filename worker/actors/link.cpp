#include "worker/actors/link.hpp"

#include <algorithm>
#include <utility>

#include "runtime/log.hpp"

namespace quern::worker {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr milliseconds kWatch{50};       // how often a slot in a long claim is checked
constexpr seconds kProbe{1};             // how often the machine's capacity is measured
constexpr milliseconds kByeLinger{500};  // how long BYE may take to be sent
constexpr int kMessagesAtOnce = 1000;    // read at once before reports are handled

}  // namespace

Link::Link(LinkOptions options, const Functions& functions)
    : functions_(functions),
      cpu_share_(options.cpu_share),
      keep_blob_(std::move(options.keep_blob)),
      drop_blob_(std::move(options.drop_blob)),
      gone_blobs_(std::move(options.gone_blobs)),
      connection_(context_, std::move(options.endpoint), std::move(options.access)),
      core_(options.config) {
  for (std::uint32_t i = 0; i < options.config.slots; ++i) add_place();
}

void Link::add_place() {
  const SlotId id{static_cast<std::uint32_t>(places_.size())};
  auto slot = std::make_unique<Slot>(functions_, cpu_share_,
                                     Slot::Posts{[this, id](wire::Report report) {
                                                   mailbox_.post(SlotReport{id, std::move(report)});
                                                 },
                                                 [this, id](std::vector<wire::Report> last) {
                                                   mailbox_.post(SlotDone{id, std::move(last)});
                                                 }});
  places_.push_back({std::move(slot), nullptr, false, 0});
}

Link::~Link() {
  for (auto& place : places_)
    if (place.run) place.run->cancel();
}

LinkEnd Link::run(runtime::StopSignals* signals) {
  for (;;) {
    now_ = Clock::now();
    read_connection();
    look_at_connection();  // after reading, because messages before the disconnection count
    read_mailbox();
    while (signals && signals->take() != 0) core_.on_stop_requested(now_);
    watch_slots();
    look_at_machine();
    core_.on_tick(now_);
    carry_out();
    connected_.store(core_.connected(), std::memory_order_relaxed);
    if (end_) break;
    wait(signals);
  }
  close();
  return *end_;
}

void Link::wait(runtime::StopSignals* signals) {
  poller_.clear();
  connection_.poll_in(poller_);
  poller_.add(mailbox_.fd());
  if (signals) poller_.add(signals->fd());
  poller_.wait(patience());
}

milliseconds Link::patience() const {
  const auto now = Clock::now();
  Clock::time_point until = now + seconds(60);
  if (const auto next = core_.next_deadline()) until = std::min(until, *next);
  for (const auto& place : places_) {
    if (!place.run || place.fenced) continue;
    until = std::min(until, watched_at_ + kWatch);
    if (place.run->timed()) until = std::min(until, place.run->overdue_at(now));
  }
  if (until <= now) return milliseconds(0);
  return std::chrono::ceil<milliseconds>(until - now);
}

// ---- what has arrived

void Link::read_connection() {
  for (int i = 0; i < kMessagesAtOnce; ++i) {
    auto message = connection_.receive();
    if (!message) return;
    if (auto* envelope = std::get_if<wire::Envelope>(&*message)) {
      core_.on_message(std::move(*envelope), now_);
    } else {
      core_.on_lost(
          "the broker sent an invalid message: " + std::get<wire::DecodeError>(*message).text,
          now_);
    }
    carry_out();  // so that a slot can start while the rest is read
  }
}

void Link::look_at_connection() {
  const link::LinkState state = connection_.look();
  const link::LinkState before = std::exchange(seen_, state);
  if (state == before) return;
  using link::LinkState;
  switch (state) {
    case LinkState::connecting:
      break;
    case LinkState::connected:
      told_.clear();
      core_.on_connected(now_);
      break;
    case LinkState::denied:
      core_.on_denied(connection_.why(), now_);
      break;
    case LinkState::no_keys:
    case LinkState::broken:
      tell(connection_.why() + "; retrying");
      core_.on_lost(connection_.why(), now_);
      break;
    case LinkState::no_broker:
      if (before == LinkState::connected) {
        core_.on_lost("the connection was closed", now_);
      } else {
        tell("no broker at " + connection_.endpoint() +
             "; start one with `quern up`, or `quern-broker --bind " + connection_.endpoint() +
             "`, or name another with --broker; retrying until it answers");
      }
      break;
  }
}

void Link::tell(const std::string& trouble) {
  if (std::exchange(told_, trouble) != trouble) runtime::log_warning(trouble);
}

void Link::read_mailbox() {
  mailbox_.drain(news_);
  if (gone_blobs_)
    for (const auto& name : gone_blobs_()) core_.on_blob_gone(name);
  for (auto& news : news_) {
    if (auto* report = std::get_if<SlotReport>(&news)) {
      core_.on_report(report->slot, std::move(report->report), now_);
    } else if (auto* done = std::get_if<SlotDone>(&news)) {
      for (auto& last : done->last) core_.on_report(done->slot, std::move(last), now_);
      places_[index(done->slot)].run.reset();
      core_.on_slot_free(done->slot, now_);
    } else if (auto* said = std::get_if<SlotSaid>(&news)) {
      std::visit([&](auto& message) { core_.handle(said->slot, std::move(message)); },
                 said->message);
    } else {
      core_.on_stop_requested(now_);
    }
  }
  carry_out();
}

// ---- slots

void Link::watch_slots() {
  const auto now = Clock::now();  // not now_, because a call that began after it would appear to
                                  // begin in the future
  const bool look_at_claims = now >= watched_at_ + kWatch;
  if (look_at_claims) watched_at_ = now;
  for (std::uint32_t i = 0; i < places_.size(); ++i) {
    Place& place = places_[i];
    if (!place.run || place.fenced) continue;
    if (place.run->timed())
      if (const auto tasks = place.run->fence_overdue(now)) give_up_call(SlotId{i}, place, *tasks);
    if (!look_at_claims) continue;
    const std::uint64_t claims = place.run->claims();
    if (std::exchange(place.claims_seen, claims) == claims) place.run->hurry();
  }
}

void Link::give_up_call(SlotId id, Place& place, wire::Interval tasks) {
  Run& run = *place.run;
  place.fenced = true;
  run.harvest.add_error(tasks, ErrorCode::timeout,
                        "ran longer than " + std::to_string(run.lease.timeout_ms) + " ms");
  for (auto& report : run.harvest.take(true, run.busy_us_until(Clock::now())))
    core_.on_report(id, std::move(report), now_);
}

Run* Link::run_of(SlotId slot, const wire::LeaseId& lease) {
  Run* run = places_[index(slot)].run.get();
  return run && run->lease.lease == lease ? run : nullptr;
}

void Link::look_at_machine() {
  if (now_ < probed_at_ + kProbe) return;
  probed_at_ = now_;
  core_.on_capacity(probe_.sample());
}

// ---- effects

void Link::carry_out() {
  for (core_.take_effects(effects_); !effects_.empty(); core_.take_effects(effects_)) {
    // Effects can cause events (a cut is answered at once), which cause further effects.
    for (auto& effect : std::exchange(effects_, {}))
      std::visit([this](auto& e) { act(e); }, effect);
    if (!lost_why_.empty()) core_.on_lost(std::exchange(lost_why_, {}), now_);
  }
}

void Link::act(HangUp&) {
  connection_.close();
  seen_ = link::LinkState::connecting;
}

void Link::act(Reopen&) {
  connection_.reopen();
  seen_ = link::LinkState::connecting;
  look_at_connection();  // without keys there is no socket that would wake this thread
}

void Link::act(Send& send) {
  if (connection_.is_open() && !connection_.send(send.envelope))
    lost_why_ = "the connection accepts no more messages";
}

void Link::act(StartRun& start) {
  if (index(start.slot) == places_.size()) add_place();
  Place& place = places_[index(start.slot)];
  Harvest harvest = harvest_for(start.lease, functions_);
  place.run = std::make_shared<Run>(
      std::move(start.lease), std::move(start.common), std::move(harvest),
      [this, slot = start.slot](wire::Notes notes) {
        mailbox_.post(SlotSaid{slot, std::move(notes)});
      },
      [this, slot = start.slot](Children::Said said) {
        mailbox_.post(SlotSaid{slot, std::move(said)});
      });
  place.fenced = false;
  place.claims_seen = 0;
  place.slot->start(place.run);
}

void Link::act(CutRun& cut) {
  Run* run = run_of(cut.slot, cut.lease);
  core_.on_cut(cut.slot, cut.lease, run ? run->cursor.cut(cut.want) : wire::Intervals{}, now_);
}

void Link::act(EndRun& end) {
  if (Run* run = run_of(end.slot, end.lease)) run->cursor.close();
}

void Link::act(CancelRun& cancel) {
  if (Run* run = run_of(cancel.slot, cancel.lease)) run->cancel();
}

void Link::act(TellTask& tell) {
  if (Run* run = run_of(tell.slot, tell.lease)) run->children.take(std::move(tell.message));
}

void Link::act(KeepBlob& keep) {
  core_.on_blob_kept(keep.name,
                     keep_blob_ ? keep_blob_(keep.name, keep.chunk, keep.last, keep.bytes.view())
                                : "this worker cannot store files");
}

void Link::act(DropBlob& drop) {
  if (drop_blob_) drop_blob_(drop.name);
}

void Link::act(Note& note) {
  switch (note.level) {
    case Note::Level::info:
      return runtime::log_info(note.text);
    case Note::Level::warning:
      return runtime::log_warning(note.text);
    case Note::Level::error:
      return runtime::log_error(note.text);
  }
}

void Link::act(Finished& finished) {
  end_ = LinkEnd{finished.exit_code, std::move(finished.text), false};
}

void Link::close() {
  connection_.close(kByeLinger);
  context_.close();  // waits until the last messages are sent
  connected_.store(false, std::memory_order_relaxed);
  read_mailbox();  // slots that are free already
  for (auto& place : places_) {
    if (!place.run) continue;
    place.run->cancel();
    end_->abandoned = true;
  }
}

}  // namespace quern::worker
