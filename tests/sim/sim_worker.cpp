#include "sim/sim_worker.hpp"

#include <algorithm>

#include "wire/number.hpp"
#include "wire/reducer.hpp"

namespace quern::sim {
namespace {

worker::Config config_of(const Machine& machine, worker::Mistake mistake) {
  worker::Config config;
  config.mistake = mistake;
  for (int i = 0; i < 8; ++i)
    config.identity.bytes[static_cast<std::size_t>(i)] =
        static_cast<std::uint8_t>(machine.number >> (8 * i));
  config.identity.bytes[15] = 1;
  config.name = "w" + std::to_string(machine.number);
  config.slots = machine.slots;
  config.offer.functions = machine.functions;
  config.offer.reducers = machine.reducers;
  return config;
}

double seconds_in(Duration d) { return std::chrono::duration<double>(d).count(); }
Duration duration_of(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

/// The index of the n-th task of a lease.
std::uint64_t task_at(const wire::Intervals& tasks, std::uint64_t n) {
  for (const auto& interval : tasks) {
    if (n < interval.size()) return interval.begin + n;
    n -= interval.size();
  }
  return 0;
}

/// The tasks of a lease from the n-th to before the m-th.
wire::Intervals part_of(const wire::Intervals& tasks, std::uint64_t n, std::uint64_t m) {
  wire::Intervals part;
  std::uint64_t before = 0;
  for (const auto& interval : tasks) {
    const std::uint64_t begin = std::max(before, n), end = std::min(before + interval.size(), m);
    if (begin < end)
      part.push_back({interval.begin + begin - before, interval.begin + end - before});
    before += interval.size();
  }
  return part;
}

}  // namespace

bool is_flaky(std::uint64_t index) { return index % 7 == 3; }
bool is_doomed(std::uint64_t index) { return index % 11 == 5; }

std::uint64_t Pace::ended_by(double seconds) const {
  if (ends.empty()) return each > 0 ? static_cast<std::uint64_t>(std::max(0.0, seconds / each)) : 0;
  return static_cast<std::uint64_t>(std::upper_bound(ends.begin(), ends.end(), seconds) -
                                    ends.begin());
}

Machine usual_machine(World& world, std::uint64_t number, std::uint32_t slots, double slowness) {
  Machine machine{number, slots, {}, {{"join", Encoding::raw, true, ""}}, {}};
  // Functions that fail are not idempotent, so a second run beside the first is detected
  // (faults_run.cpp).
  for (const char* name : {"echo", "join"})
    machine.functions.push_back({name, Takes::item, Encoding::raw, "", false, 0, true});
  for (const char* name : {"flaky", "doomed"})
    machine.functions.push_back({name, Takes::item, Encoding::raw, "", false, 0, false});
  machine.functions.push_back({"sum", Takes::range, Encoding::value, "sum", false, 0, true});
  machine.pace = [&world, slowness](const wire::Lease& lease) {
    return Pace{
        (lease.kind == wire::LeaseKind::range ? 2e-6 : 3e-3) * slowness * (0.5 + world.uniform()),
        {}};
  };
  return machine;
}

SimWorker::SimWorker(World& world, Machine machine, worker::Mistake mistake)
    : world_(world),
      machine_(std::move(machine)),
      core_(config_of(machine_, mistake)),
      runs_(machine_.slots) {}

bool SimWorker::is_running(const Uuid& job, const wire::Intervals& tasks) const {
  for (const auto& [id, held] : core_.book().held()) {
    if (held.job != job || !std::holds_alternative<worker::Running>(held.state)) continue;
    for (const auto& interval : tasks)
      if (!held.open.intersect(interval).empty()) return true;
  }
  return false;
}

bool SimWorker::holds(const Uuid& job, const wire::Intervals& tasks,
                      std::uint64_t before_incarnation) const {
  for (const auto& [id, held] : core_.book().held()) {
    if (held.job != job || id.incarnation >= before_incarnation ||
        held.kind == wire::LeaseKind::merge)
      continue;
    wire::IntervalSet open = held.open;
    const bool over = std::holds_alternative<worker::Reported>(held.state);
    if (over)
      open.clear();  // tasks without a result failed or were handed back, and may run again once
                     // the broker knows
    for (const auto& [report_id, report] : core_.outbox().reports()) {
      if (report_id.lease != id) continue;
      for (const auto& done : report.tasks) open.add(done);
      for (const auto& error : report.errors) open.remove({error.first, error.first + error.count});
    }
    for (const auto& interval : tasks)
      if (!open.intersect(interval).empty()) return true;
  }
  return false;
}

void SimWorker::start() {
  core_.on_tick(world_.now());
  carry_out();
}

void SimWorker::die() {
  for (std::uint32_t slot = 0; slot < runs_.size(); ++slot)
    if (const auto& run = runs_[slot]; run && world_.on_ran)
      world_.on_ran({machine_.number, slot, run->lease, started_tasks(*run), run->started, false});
  dead = true;
  if (wire_) world_.cut(wire_, false);
}

void SimWorker::stop() {
  core_.on_stop_requested(world_.now());
  carry_out();
}

bool SimWorker::idle() const {
  return std::none_of(runs_.begin(), runs_.end(), [](const auto& run) { return run.has_value(); });
}

void SimWorker::open() {
  if (wire_) world_.cut(wire_, false);
  wire_ = world_.connect();
  auto self = shared_from_this();
  wire_->owner = self;
  std::weak_ptr<Wire> mine = wire_;
  // No ownership of the peer here, because the peer owns the connection.
  std::weak_ptr<Actor> weak = self;
  wire_->deliver = [this, weak, mine](wire::Envelope envelope) {
    const auto peer = weak.lock();
    if (!peer || peer->dead) return;
    if (!world_.checked && peer->frozen_until <= world_.now() && mine.lock() == wire_) {
      core_.on_message(std::move(envelope), world_.now());
      return carry_out();
    }
    world_.at(world_.now(), peer, [this, mine, envelope = std::move(envelope)]() mutable {
      if (mine.lock() != wire_) return;
      core_.on_message(std::move(envelope), world_.now());
      carry_out();
    });
  };
  wire_->lost = [this, weak, mine] {
    const auto peer = weak.lock();
    if (!peer) return;
    world_.after(1ms, peer, [this, mine] {
      if (mine.lock() != wire_) return;
      core_.on_lost("cut", world_.now());
      carry_out();
    });
  };
  world_.reach(wire_, self, [this, mine] {
    if (mine.lock() != wire_) return;
    core_.on_connected(world_.now());
    carry_out();
  });
}

void SimWorker::carry_out() {
  if (world_.checked) core_.check_invariants();
  worker::Effects effects;
  core_.take_effects(effects);
  for (std::size_t i = 0; i < effects.size(); ++i) {
    if (auto* keep = std::get_if<worker::KeepBlob>(&effects[i])) {
      core_.on_blob_kept(keep->name, "");
      core_.take_effects(effects);  // appends
      continue;
    }
    auto& effect = effects[i];
    if (std::holds_alternative<worker::HangUp>(effect)) {
      if (wire_) world_.cut(wire_, false);
    } else if (std::holds_alternative<worker::Reopen>(effect)) {
      open();
    } else if (auto* send = std::get_if<worker::Send>(&effect)) {
      if (wire_) world_.send_up(wire_, std::move(send->envelope));
    } else if (auto* start = std::get_if<worker::StartRun>(&effect)) {
      run(start->slot, std::move(start->lease));
      core_.take_effects(effects);  // appends
    } else if (auto* cut_run = std::get_if<worker::CutRun>(&effect)) {
      cut(cut_run->slot, cut_run->lease, cut_run->want);
    } else if (auto* end = std::get_if<worker::EndRun>(&effect)) {
      auto& run = runs_[worker::index(end->slot)];
      if (run && run->lease.lease == end->lease) {
        run->end = std::min(run->end, started_tasks(*run));
        schedule_finish(end->slot);
      }
    } else if (auto* cancel = std::get_if<worker::CancelRun>(&effect)) {
      // The function notices within the time of one task.
      auto& run = runs_[worker::index(cancel->slot)];
      if (run && run->lease.lease == cancel->lease) {
        run->end = 0;
        run->waits_for = {};
        schedule_finish(cancel->slot);
      }
    } else if (auto* tell = std::get_if<worker::TellTask>(&effect)) {
      const auto& run = runs_[worker::index(tell->slot)];
      if (run && run->lease.lease == tell->lease) hear(tell->slot, tell->message);
      core_.take_effects(effects);  // appends
    }
  }
  plan_tick();
}

void SimWorker::plan_tick() {
  auto next = core_.next_deadline();
  if (!next || (tick_ && *tick_ <= *next)) return;
  tick_ = next;
  world_.at(*next, shared_from_this(), [this, when = *next] {
    if (tick_ != when) return;
    tick_.reset();
    core_.on_tick(world_.now());
    carry_out();
  });
}

void SimWorker::run(worker::SlotId slot, wire::Lease lease) {
  Run run;
  run.end = wire::size(lease.tasks);
  if (lease.kind == wire::LeaseKind::merge || lease.kind == wire::LeaseKind::finish) run.end = 1;
  run.started = run.since = world_.now();
  run.pace = machine_.pace(lease);
  run.lease = std::move(lease);
  if (world_.on_run) world_.on_run(*this, run.lease);
  if (worker::index(slot) == runs_.size()) runs_.emplace_back();  // others wait for nested jobs
  const bool nested = run.lease.nested && run.lease.kind == wire::LeaseKind::item;
  runs_[worker::index(slot)] = std::move(run);
  if (nested)
    submit_nested(slot);
  else
    schedule_finish(slot);
}

void SimWorker::submit_nested(worker::SlotId slot) {
  Run& run = *runs_[worker::index(slot)];
  wire::Submit submit;
  for (auto& byte : submit.job.bytes) byte = static_cast<std::uint8_t>(1 + world_.below(255));
  submit.function = "echo";
  submit.input = InputKind::items;
  submit.lease = run.lease.lease;
  submit.task = run.lease.tasks.front().begin;
  submit.options.backoff_ms = 10;
  submit.options.nested = world_.chance(0.3);
  wire::BatchBuilder builder;
  for (std::uint64_t i = 0; i < 1 + world_.below(2); ++i) builder.add("nested");
  submit.batch = builder.take();
  run.waits_for = submit.job;
  core_.handle(slot, submit);
  core_.handle(slot, wire::Wait{run.lease.lease, run.waits_for});
}

void SimWorker::hear(worker::SlotId slot, const wire::Message& message) {
  Run& run = *runs_[worker::index(slot)];
  if (run.waits_for.is_nil() || std::holds_alternative<wire::Results>(message)) return;
  // What the broker has no room for is done without.
  if (const auto* update = std::get_if<wire::JobUpdate>(&message);
      update && update->status.state != JobState::done)
    run.nested_trouble = "a nested job is " + std::string(to_string(update->status.state)) + ": " +
                         update->status.reason;
  core_.handle(slot, wire::Wait{run.lease.lease, {}});
  run.waits_for = {};
  run.started = run.since = world_.now();
  schedule_finish(slot);
}

void SimWorker::schedule_finish(worker::SlotId slot) {
  Run& run = *runs_[worker::index(slot)];
  if (!run.waits_for.is_nil()) return;  // it has not begun
  run.generation = ++generation_;
  const Duration left = duration_of((run.pace.end_of(run.end) - worked_s(run)) / speed_);
  const Time when = world_.now() + std::max<Duration>(1us, left);
  world_.at(when, shared_from_this(),
            [this, slot, generation = run.generation] { finish(slot, generation); });
}

std::uint64_t SimWorker::started_tasks(const Run& run) const {
  return std::min(run.end, run.pace.ended_by(worked_s(run)) + 1);
}

double SimWorker::worked_s(const Run& run) const {
  return run.worked_s + speed_ * seconds_in(world_.now() - run.since);
}

void SimWorker::set_speed(double speed) {
  for (auto& run : runs_) {
    if (!run) continue;
    run->worked_s = worked_s(*run);
    run->since = world_.now();
  }
  speed_ = speed;
  for (std::uint32_t slot = 0; slot < runs_.size(); ++slot)
    if (runs_[slot]) schedule_finish(worker::SlotId{slot});
}

void SimWorker::cut(worker::SlotId slot, const wire::LeaseId& lease, std::uint64_t want) {
  wire::Intervals given;
  auto& run = runs_[worker::index(slot)];
  const bool tasks = run && (run->lease.kind == wire::LeaseKind::item ||
                             run->lease.kind == wire::LeaseKind::range);
  if (tasks && run->lease.lease == lease) {
    const std::uint64_t from = std::max(started_tasks(*run), run->end - std::min(run->end, want));
    given = part_of(run->lease.tasks, from, run->end);
    run->end = from;
    schedule_finish(slot);
  }
  core_.on_cut(slot, lease, given, world_.now());
}

wire::Report SimWorker::report_of(const Run& run, std::uint64_t tasks) const {
  const wire::Lease& lease = run.lease;
  wire::Report report;
  report.id = {lease.lease, 0};
  report.last = true;
  report.busy_us = busy_us(run);
  wire::BatchBuilder builder;
  if (lease.kind == wire::LeaseKind::merge) {
    Bytes folded;
    for (wire::BatchReader reader(lease.batch); !reader.at_end();) folded += reader.next();
    builder.add(folded);
    report.partial = true;
    report.tasks = lease.tasks;
    report.batch = builder.take();
    return report;
  }
  wire::IntervalSet ran;
  wire::BatchReader reader(lease.batch);
  std::vector<std::pair<std::uint64_t, Bytes>> results;
  for (std::uint64_t n = 0; n < tasks; ++n) {
    const std::uint64_t i = task_at(lease.tasks, n);
    Bytes result = lease.indexed ? wire::bytes_of(wire::Int128{lease.base} + wire::Int128(i))
                                 : Bytes(reader.next());
    if (!run.nested_trouble.empty()) {
      report.errors.push_back({i, 1, ErrorCode::failed, run.nested_trouble});
      continue;
    }
    if ((lease.function == "flaky" && lease.attempt == 1 && is_flaky(i)) ||
        (lease.function == "doomed" && is_doomed(i))) {
      report.errors.push_back({i, 1, ErrorCode::failed, "task " + std::to_string(i) + " failed"});
      continue;
    }
    ran.add({i, i + 1});
    results.emplace_back(i, std::move(result));
  }
  report.tasks = ran.list();
  report.partial = !lease.reduce.empty();
  if (report.partial) {
    std::size_t next = 0;
    for (const auto& interval : report.tasks) {
      Bytes folded = std::move(results[next++].second);
      for (std::uint64_t i = interval.begin + 1; i < interval.end; ++i, ++next) {
        if (lease.reduce == "sum")
          wire::fold(wire::Builtin::sum, folded, results[next].second);
        else
          folded += results[next].second;
      }
      builder.add(folded);
    }
  } else {
    for (const auto& [index, bytes] : results) builder.add(bytes);
  }
  report.batch = builder.take();
  return report;
}

wire::Report SimWorker::blank_report_of(const Run& run, std::uint64_t tasks) const {
  const wire::Lease& lease = run.lease;
  wire::Report report;
  report.id = {lease.lease, 0};
  report.last = true;
  report.busy_us = busy_us(run);
  report.partial = !lease.reduce.empty() || lease.kind == wire::LeaseKind::merge;
  report.tasks =
      lease.kind == wire::LeaseKind::merge ? lease.tasks : part_of(lease.tasks, 0, tasks);
  const std::uint64_t count = lease.kind == wire::LeaseKind::merge ? 1
                              : report.partial                     ? report.tasks.size()
                                                                   : tasks;
  const Bytes& blank = *machine_.blank_result;
  Bytes bytes;
  bytes.reserve(blank.size() * count);
  for (std::uint64_t i = 0; i < count; ++i) bytes += blank;
  report.batch.sizes = wire::Sizes::uniform(count, static_cast<std::uint32_t>(blank.size()));
  report.batch.bytes = wire::Buffer::adopt(std::move(bytes));
  return report;
}

std::uint64_t SimWorker::busy_us(const Run& run) const {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(world_.now() - run.started).count());
}

void SimWorker::finish(worker::SlotId slot, std::uint64_t generation) {
  auto& run = runs_[worker::index(slot)];
  if (!run || run->generation != generation) return;
  busy_s_ += seconds_in(world_.now() - run->started);
  if (world_.on_ran)
    world_.on_ran({machine_.number, static_cast<std::uint32_t>(worker::index(slot)), run->lease,
                   run->end, run->started, true});
  wire::Report report =
      machine_.blank_result ? blank_report_of(*run, run->end) : report_of(*run, run->end);
  run.reset();
  core_.on_report(slot, std::move(report), world_.now());
  core_.on_slot_free(slot, world_.now());
  carry_out();
}

}  // namespace quern::sim
