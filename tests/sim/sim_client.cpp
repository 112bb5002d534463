#include "sim/sim_client.hpp"

#include <cstdio>
#include <cstdlib>

#include "sim/sim_worker.hpp"
#include "wire/number.hpp"

namespace quern::sim {
namespace {

using client::JobKey;
using Kind = Expectation::Kind;

const char* function_of(Kind kind) {
  switch (kind) {
    case Kind::echo:
      return "echo";
    case Kind::flaky:
      return "flaky";
    case Kind::doomed:
      return "doomed";
    case Kind::sum:
      return "sum";
    case Kind::join:
      return "join";
    case Kind::cancelled:
    case Kind::fed:
    case Kind::gathered:
      return "echo";
  }
  return "";
}

Uuid uuid_of(std::uint64_t client, std::uint64_t n) {
  Uuid uuid;
  for (std::size_t i = 0; i < 8; ++i) {
    uuid.bytes[i] = static_cast<std::uint8_t>(client >> (8 * i));
    uuid.bytes[8 + i] = static_cast<std::uint8_t>(n >> (8 * i));
  }
  uuid.bytes[7] = 2;
  return uuid;
}

client::CoreOptions options_of(std::uint64_t number) {
  client::CoreOptions options;
  options.endpoint = "sim";
  options.identity = uuid_of(number, 0);
  options.name = "c" + std::to_string(number);
  options.software = "sim";
  options.first_wait = 120s;
  options.retry = 120s;
  return options;
}

}  // namespace

SimClient::SimClient(World& world, std::uint64_t number)
    : world_(world), number_(number), core_(options_of(number)) {}

void SimClient::start() {
  core_.start(world_.now());
  carry_out();
}

void SimClient::die() {
  dead = true;
  if (wire_) world_.cut(wire_, false);
}

void SimClient::submit(Expectation expectation) {
  const JobKey key{++last_key_};
  wire::Submit submit;
  submit.job = uuid_of(number_, last_key_);
  submit.function = function_of(expectation.kind);
  submit.window = 1 + world_.below(20'000);
  submit.options.backoff_ms = 10;
  expectation.once = expectation.kind == Kind::echo && last_key_ % 2 == 0;
  submit.options.at_most_once = expectation.once;
  // The invariants are checked after every step, which takes long with many nested jobs, and with
  // many leases: those of a job with this option have one task each.
  const std::uint64_t tasks = expectation.kind == Kind::sum
                                  ? static_cast<std::uint64_t>(expectation.end - expectation.begin)
                                  : expectation.items.size();
  submit.options.nested = nested_ && tasks < 40;
  if (expectation.kind == Kind::sum) {
    submit.input = InputKind::range;
    submit.range_begin = expectation.begin;
    submit.range_end = expectation.end;
  } else {
    submit.input = InputKind::items;
    if (expectation.kind == Kind::join) submit.options.reduce = "join";
    wire::BatchBuilder builder;
    const std::uint64_t first = world_.below(expectation.items.size() + 1);
    for (std::uint64_t i = 0; i < first; ++i) builder.add(expectation.items[i]);
    expectation.appended = first;
    submit.batch = builder.take();
    submit.open = first < expectation.items.size();
  }
  const bool cancel = expectation.kind == Kind::cancelled;
  const Uuid uuid = submit.job;
  const bool feeds = edges_ && !cancel && !expectation.once && expectation.kind != Kind::sum &&
                     expectation.kind != Kind::join;
  const Expectation first = feeds ? expectation : Expectation{};
  jobs_.emplace(key, std::move(expectation));
  const auto rest =
      submit.open ? client::InputLedger::Rest::comes : client::InputLedger::Rest::none;
  core_.submit(key, std::move(submit), rest, world_.now());
  carry_out();
  if (world_.chance(0.2)) pause_for_a_while(uuid);
  if (feeds) submit_consumers(first, uuid);
  if (cancel) {
    world_.after(std::chrono::milliseconds(world_.below(3000)), shared_from_this(), [this, key] {
      if (jobs_.contains(key)) core_.cancel(key, {}, world_.now());
      carry_out();
    });
  }
}

void SimClient::submit_consumers(const Expectation& first, Uuid from) {
  Expectation fed;
  fed.kind = Kind::fed;
  fed.items = first.items;
  Expectation gathered;
  gathered.kind = Kind::gathered;
  gathered.items.emplace_back();
  for (std::uint64_t i = 0; i < first.items.size(); ++i) {
    gathered.items[0] += first.items[i];
    if (first.kind == Kind::doomed && is_doomed(i)) fed.bad.insert(i);
  }
  if (!fed.bad.empty()) gathered.bad.insert(0);
  const Uuid second = submit_fed(std::move(fed), from, EdgePattern::each);
  submit_fed(std::move(gathered), second, EdgePattern::all);
}

Uuid SimClient::submit_fed(Expectation expectation, Uuid from, EdgePattern pattern) {
  const JobKey key{++last_key_};
  wire::Submit submit;
  submit.job = uuid_of(number_, last_key_);
  submit.function = function_of(expectation.kind);
  submit.input = InputKind::items;
  submit.window = 1 + world_.below(20'000);
  submit.options.backoff_ms = 10;
  JobEdge edge;
  edge.uuid = from;
  edge.pattern = pattern;
  submit.edges.push_back(edge);
  const Uuid uuid = submit.job;
  jobs_.emplace(key, std::move(expectation));
  core_.submit(key, std::move(submit), client::InputLedger::Rest::none, world_.now());
  carry_out();
  return uuid;
}

// A broker without a store may forget the job meanwhile, so an error is no surprise. A question
// that was not answered in its session is asked again in the next one.
void SimClient::pause_for_a_while(Uuid job) {
  const auto ask = [this, job](bool resume) {
    core_.ask(wire::Pause{0, job, {}, resume}, world_.now());
    carry_out();
  };
  const auto begin = std::chrono::milliseconds(world_.below(2000));
  world_.after(begin, shared_from_this(), [ask] { ask(false); });
  // Requests keep their order within a session; the second one is repeated in case the first one
  // was sent again after it.
  for (const auto later : {1s, 12s})
    world_.after(begin + std::chrono::milliseconds(world_.below(3000)) + later, shared_from_this(),
                 [ask] { ask(true); });
}

void SimClient::feed(JobKey key) {
  Expectation& job = jobs_.at(key);
  while (core_.wants_input(key)) {
    wire::BatchBuilder builder;
    const std::uint64_t most =
        std::min<std::uint64_t>(job.items.size(), job.appended + 1 + world_.below(200));
    for (; job.appended < most; ++job.appended) builder.add(job.items[job.appended]);
    using Rest = client::InputLedger::Rest;
    core_.append(key, builder.take(), {},
                 job.appended == job.items.size() ? Rest::none : Rest::comes, world_.now());
  }
}

void SimClient::on_results(JobKey key, const wire::Results& results) {
  Expectation& job = jobs_.at(key);
  if (results.seq != job.entries++) trouble_ = "entries out of order";
  wire::BatchReader reader(results.batch);
  for (const auto& tasks : results.tasks)
    for (std::uint64_t i = tasks.begin; i < tasks.end; ++i)
      if (!job.results.emplace(i, Bytes(reader.next())).second || job.errors.contains(i))
        trouble_ = "task " + std::to_string(i) + " was delivered twice";
  for (const auto& error : results.errors)
    for (std::uint64_t i = error.first; i < error.first + error.count; ++i)
      if (!job.errors.emplace(i, error.text).second || job.results.contains(i))
        trouble_ = "task " + std::to_string(i) + " ended twice";
}

void SimClient::open() {
  if (wire_) world_.cut(wire_, false);
  wire_ = world_.connect();
  auto self = shared_from_this();
  wire_->owner = self;
  std::weak_ptr<Wire> mine = wire_;
  // No ownership of the peer here, because the peer owns the connection.
  std::weak_ptr<Actor> weak = self;
  wire_->deliver = [this, weak, mine](wire::Envelope envelope) {
    const auto peer = weak.lock();
    if (!peer) return;
    world_.at(world_.now(), peer, [this, mine, envelope = std::move(envelope)]() mutable {
      if (mine.lock() != wire_) return;
      core_.on_message(std::move(envelope), world_.now());
      core_.tick(world_.now());
      carry_out();
    });
  };
  wire_->lost = [this, weak, mine] {
    const auto peer = weak.lock();
    if (!peer) return;
    world_.after(1ms, peer, [this, mine] {
      if (mine.lock() != wire_) return;
      core_.on_link(client::Link::absent, world_.now());
      core_.tick(world_.now());
      carry_out();
    });
  };
  world_.reach(wire_, self, [this, mine] {
    if (mine.lock() != wire_) return;
    core_.on_link(client::Link::connected, world_.now());
    core_.tick(world_.now());
    carry_out();
  });
}

void SimClient::carry_out() {
  for (;;) {
    if (const std::string broken = core_.check_invariants(); !broken.empty()) {
      std::fprintf(stderr, "broken invariant in a client: %s\n", broken.c_str());
      std::abort();
    }
    client::Effects effects;
    core_.take_effects(effects);
    if (effects.empty()) break;
    for (auto& effect : effects) {
      if (std::holds_alternative<client::Reopen>(effect)) {
        open();
      } else if (auto* send = std::get_if<client::Send>(&effect)) {
        if (wire_) world_.send_up(wire_, send->envelope);
      } else if (auto* need = std::get_if<client::NeedInput>(&effect)) {
        feed(need->job);
      } else if (auto* deliver = std::get_if<client::Deliver>(&effect)) {
        on_results(deliver->job, deliver->results);
        // The reader is sometimes slow.
        const JobKey key = deliver->job;
        world_.after(std::chrono::microseconds(world_.below(20'000)), shared_from_this(),
                     [this, key, to = deliver->results.seq + 1] {
                       core_.on_consumed(key, to);
                       core_.tick(world_.now());
                       carry_out();
                     });
      } else if (auto* status = std::get_if<client::Status>(&effect)) {
        if (is_final(status->update.status.state))
          jobs_.at(status->job).final = std::move(status->update);
      } else if (auto* ended = std::get_if<client::Ended>(&effect)) {
        on_ended(ended->job, ended->failure);
      }
    }
  }
  plan_tick();
}

void SimClient::on_ended(JobKey key, const client::Failure& failure) {
  Expectation& job = jobs_.at(key);
  const bool takes = job.kind == Kind::fed || job.kind == Kind::gathered;
  // If the connection was lost before the broker had the job, it gets it later: then the results
  // that it takes may have been read, or their job was refused and has another name now.
  if (takes && (failure.code == ErrorCode::lost || failure.code == ErrorCode::unknown_job ||
                failure.code == ErrorCode::store)) {
    jobs_.erase(key);
    return;
  }
  if (failure.code != ErrorCode::store || job.final) {
    job.ended = failure.text;
    return;
  }
  // Refused because of a full disk: nothing was accepted, so the user retries later.
  Expectation again;
  again.kind = job.kind;
  again.items = job.items;
  again.begin = job.begin;
  again.end = job.end;
  jobs_.erase(key);
  ++resubmitting_;
  world_.after(500ms, shared_from_this(), [this, again = std::move(again)]() mutable {
    --resubmitting_;
    submit(std::move(again));
  });
}

void SimClient::plan_tick() {
  auto next = core_.next_deadline();
  if (!next || (tick_ && *tick_ <= *next)) return;
  tick_ = next;
  world_.at(*next, shared_from_this(), [this, when = *next] {
    if (tick_ != when) return;
    tick_.reset();
    core_.tick(world_.now());
    carry_out();
  });
}

bool SimClient::finished() const {
  if (!trouble_.empty()) return true;
  if (resubmitting_ > 0) return false;
  for (const auto& [key, job] : jobs_) {
    if (job.ended) continue;
    if (!job.final || job.entries < job.final->entries) return false;
  }
  return true;
}

std::string SimClient::unfinished() const {
  std::string text;
  for (const auto& [key, job] : jobs_) {
    if (job.ended || (job.final && job.entries >= job.final->entries)) continue;
    text +=
        std::string(" ") + function_of(job.kind) + "(" + std::to_string(job.items.size()) +
        " items, " + std::to_string(job.appended) + " appended, " +
        std::to_string(job.results.size()) + " results, " +
        (job.final ? "final, " + std::to_string(job.final->entries) : std::string("not final, ")) +
        " entries, got " + std::to_string(job.entries) + ")";
  }
  return text;
}

std::string SimClient::verdict() const {
  if (!trouble_.empty()) return trouble_;
  for (const auto& [key, job] : jobs_) {
    const std::string who = "client " + std::to_string(number_) + " job " +
                            std::to_string(static_cast<std::uint64_t>(key)) + " (" +
                            function_of(job.kind) + "): ";
    if (job.ended && job.kind == Kind::cancelled)
      continue;  // cancelled before a broker was available to submit it to
    if (job.ended) return who + "ended without an answer: " + *job.ended;
    const JobStatus& status = job.final->status;
    if (job.kind == Kind::sum || job.kind == Kind::join) {
      Bytes want;
      if (job.kind == Kind::sum) {
        const auto n = static_cast<wire::Int128>(job.end - job.begin);
        want = wire::bytes_of(n * (job.begin + job.end - 1) / 2);
      } else {
        for (const auto& item : job.items) want += item;
      }
      if (status.state != JobState::done)
        return who + "is " + std::string(to_string(status.state)) + ": " + status.reason;
      if (job.final->value.view() != want) return who + "has a wrong result";
      continue;
    }
    if (job.kind == Kind::cancelled) {
      for (const auto& [i, bytes] : job.results)
        if (bytes != job.items[i]) return who + "has a wrong result";
      continue;
    }
    if (job.once) {
      for (std::uint64_t i = 0; i < job.items.size(); ++i) {
        const bool done = job.results.contains(i);
        if (done == job.errors.contains(i))
          return who + "task " + std::to_string(i) + " has both a result and an error, or neither";
        if (done && job.results.at(i) != job.items[i])
          return who + "task " + std::to_string(i) + " has a wrong result";
      }
      if (status.state != (job.errors.empty() ? JobState::done : JobState::failed))
        return who + "is " + std::string(to_string(status.state)) + ": " + status.reason;
      continue;
    }
    for (std::uint64_t i = 0; i < job.items.size(); ++i) {
      const bool bad = job.bad.contains(i) || (job.kind == Kind::doomed && is_doomed(i));
      if (bad != job.errors.contains(i))
        return who + "task " + std::to_string(i) +
               (bad ? " should have failed" : " failed or is missing") +
               (job.errors.contains(i) ? ": " + job.errors.at(i) : "");
      if (!bad && (!job.results.contains(i) || job.results.at(i) != job.items[i]))
        return who + "task " + std::to_string(i) + " has a missing or wrong result";
    }
    const bool any_bad = !job.bad.empty() || (job.kind == Kind::doomed && !job.errors.empty());
    if (status.state != (any_bad ? JobState::failed : JobState::done))
      return who + "is " + std::string(to_string(status.state)) + ": " + status.reason;
  }
  return {};
}

}  // namespace quern::sim
