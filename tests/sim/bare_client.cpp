#include "sim/bare_client.hpp"

#include <algorithm>

namespace quern::sim {
namespace {

Uuid uuid_of(std::uint64_t number) {
  Uuid uuid;
  for (std::size_t i = 0; i < 8; ++i) uuid.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
  uuid.bytes[15] = 3;
  return uuid;
}

}  // namespace

void BareClient::start() {
  wire_ = world_.connect();
  wire_->owner = shared_from_this();
  wire_->deliver = [weak = weak_from_this()](const wire::Envelope& envelope) {
    if (const auto self = weak.lock()) self->receive(envelope);
  };
  wire_->lost = [] {};
  world_.reach(wire_, shared_from_this(), [this] {
    wire::Hello hello;
    hello.identity = uuid_of(0);
    hello.name = "bare";
    world_.send_up(wire_, {{}, hello});
  });
}

std::size_t BareClient::place_of(const Uuid& job) {
  std::uint64_t number = 0;
  for (std::size_t i = 8; i-- > 0;) number = number << 8 | job.bytes[i];
  return number - 1;
}

void BareClient::submit(std::size_t place, const std::string& function, std::uint64_t tasks) {
  wire::Submit submit;
  submit.job = uuid_of(place + 1);
  submit.function = function;
  submit.input = InputKind::range;
  submit.range_end = static_cast<std::int64_t>(tasks);
  submit.options.durability = Durability::memory;
  world_.send_up(wire_, {session_, submit});
  if (place < kWatched) submitted_[place] = true;
}

void BareClient::watch(Duration every) {
  world_.after(every, shared_from_this(), [this, every] {
    for (std::size_t place = 0; place < std::min(kWatched, ended_.size()); ++place) {
      if (!submitted_[place] || ended_[place]) continue;
      wire::Query query;
      query.what = wire::QueryWhat::job;
      query.job = uuid_of(place + 1);
      world_.send_up(wire_, {session_, query});
    }
    if (!finished()) watch(every);
  });
}

void BareClient::answered(const wire::Answer& answer) {
  for (const JobStatus& job : answer.jobs)
    if (!is_final(job.state)) estimates_[place_of(job.uuid)].push_back({world_.now(), job.eta_s});
}

void BareClient::send_heartbeats() {
  world_.after(heartbeat_every_, shared_from_this(), [this] {
    world_.send_up(wire_, {session_, wire::Beat{}});
    send_heartbeats();
  });
}

void BareClient::receive(const wire::Envelope& envelope) {
  if (const auto* welcome = std::get_if<wire::Welcome>(&envelope.message)) {
    session_ = envelope.session;
    heartbeat_every_ = std::chrono::milliseconds(welcome->beat_busy_ms);
    send_heartbeats();
  } else if (const auto* results = std::get_if<wire::Results>(&envelope.message)) {
    world_.send_up(wire_, {session_, wire::Ack{results->job, results->seq + 1, true}});
  } else if (const auto* update = std::get_if<wire::JobUpdate>(&envelope.message)) {
    const wire::JobUpdate& job = *update;
    if (!is_final(job.status.state)) return;
    auto& ended = ended_[place_of(job.status.uuid)];
    if (!ended) --open_;
    ended = world_.now();
    if (job.status.state != JobState::done && trouble_.empty())
      trouble_ = job.status.function + " did not end well: " + job.status.reason;
  } else if (const auto* answer = std::get_if<wire::Answer>(&envelope.message)) {
    answered(*answer);
  } else if (const auto* heartbeat = std::get_if<wire::Beat>(&envelope.message)) {
    if (!heartbeat->reply)
      world_.send_up(wire_, {session_, wire::Beat{.reply = true, .capacity = {}, .work = {}}});
  } else if (const auto* error = std::get_if<wire::ErrorMessage>(&envelope.message)) {
    if (trouble_.empty()) trouble_ = error->text;
  }
}

}  // namespace quern::sim
