// A worker core without a broker and slots: events go in, and effects come out as short lines of
// text, so that a test reads as a table. Every message goes through the real codec, and the
// invariants are checked after every event.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "wire/codec.hpp"
#include "worker/core/worker_core.hpp"
#include "worker/make.hpp"

namespace quern::worker {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

inline std::string text_of(const wire::Intervals& tasks) {
  std::string out;
  for (const auto& t : tasks)
    out += "[" + std::to_string(t.begin) + "," + std::to_string(t.end) + ")";
  return out.empty() ? "nothing" : out;
}

/// A lease is shown by its counter.
inline std::string text_of(const wire::LeaseId& id) { return "L" + std::to_string(id.counter); }

inline std::string text_of(const wire::Message& message) {
  std::string out(wire::name_of(message));
  if (const auto* hello = std::get_if<wire::Hello>(&message)) {
    for (const auto& held : hello->worker->held)
      out += " " + text_of(held.lease) + text_of(held.tasks) + (held.finished ? "finished" : "");
    if (hello->worker->draining) out += " draining";
  } else if (const auto* report = std::get_if<wire::Report>(&message)) {
    out += " " + text_of(report->id.lease) + "/" + std::to_string(report->id.part) + " " +
           text_of(report->tasks);
    for (const auto& e : report->errors)
      out += " error[" + std::to_string(e.first) + "," + std::to_string(e.first + e.count) + ")";
    if (report->last) out += " last";
  } else if (const auto* reclaimed = std::get_if<wire::Reclaimed>(&message)) {
    out += " " + text_of(reclaimed->lease) + " " + text_of(reclaimed->tasks);
  } else if (const auto* fetch = std::get_if<wire::Fetch>(&message)) {
    out += " " + fetch->blob.substr(0, 1) + "/" + std::to_string(fetch->chunk);
  } else if (const auto* wait = std::get_if<wire::Wait>(&message)) {
    out += " " + text_of(wait->lease) + (wait->job.is_nil() ? " goes on" : "");
  } else if (const auto* ack = std::get_if<wire::Ack>(&message)) {
    out += " " + std::to_string(ack->cursor) + (ack->release ? " release" : "");
  } else if (const auto* heartbeat = std::get_if<wire::Beat>(&message)) {
    out += heartbeat->reply ? " reply" : "";
  }
  return out;
}

struct TextOf {
  std::string operator()(const HangUp&) const { return "hang up"; }
  std::string operator()(const Reopen&) const { return "reopen"; }
  std::string operator()(const Send& send) const { return text_of(send.envelope.message); }
  std::string operator()(const StartRun& start) const {
    return "start " + text_of(start.lease.lease) + text_of(start.lease.tasks) + " on " +
           std::to_string(index(start.slot));
  }
  std::string operator()(const CutRun& cut) const {
    return "cut " + std::to_string(cut.want) + " of " + text_of(cut.lease) + " on " +
           std::to_string(index(cut.slot));
  }
  std::string operator()(const EndRun& end) const {
    return "end " + text_of(end.lease) + " on " + std::to_string(index(end.slot));
  }
  std::string operator()(const CancelRun& cancel) const {
    return "cancel " + text_of(cancel.lease) + " on " + std::to_string(index(cancel.slot));
  }
  std::string operator()(const TellTask& tell) const {
    return "tell " + std::to_string(index(tell.slot)) + " " + text_of(tell.message);
  }
  // A blob is shown by its first digit.
  std::string operator()(const KeepBlob& keep) const {
    return "keep " + keep.name.substr(0, 1) + "/" + std::to_string(keep.chunk) +
           (keep.last ? " last" : "");
  }
  std::string operator()(const DropBlob& drop) const { return "drop " + drop.name.substr(0, 1); }
  std::string operator()(const Note& note) const { return "note: " + note.text; }
  std::string operator()(const Finished& finished) const {
    return "finished " + std::to_string(finished.exit_code);
  }
};

class WorkerCoreTest : public ::testing::Test {
 protected:
  static constexpr wire::SessionId kSession{41};
  static constexpr SlotId kFirst{0}, kSecond{1};

  static Config small_config() {
    Config config;
    config.identity.bytes[15] = 9;
    config.name = "w";
    config.slots = 2;
    return config;
  }

  explicit WorkerCoreTest(Config config = small_config()) : core(std::move(config)) {}

  static wire::LeaseId id(std::uint64_t counter) { return {7, counter}; }

  static wire::Lease item_lease(std::uint64_t counter, wire::Intervals tasks) {
    return make_items(counter, "echo", std::move(tasks), "item ");
  }

  static wire::Lease merge_lease(std::uint64_t counter) {
    wire::Lease lease = item_lease(counter, {{0, 2}});
    lease.kind = wire::LeaseKind::merge;
    return lease;
  }

  static wire::Report report(std::uint64_t counter, std::uint32_t part, wire::Intervals tasks,
                             bool last = true) {
    wire::Report report;
    report.id = {id(counter), part};
    report.last = last;
    report.tasks = std::move(tasks);
    wire::BatchBuilder builder;
    for (std::uint64_t i = 0; i < wire::size(report.tasks); ++i) builder.add("result");
    report.batch = builder.take();
    report.busy_us = 1000;
    return report;
  }

  /// All effects since the last call except notes, which notes() returns.
  Lines effects() {
    if (const auto wrong = core.broken_invariant()) ADD_FAILURE() << *wrong;
    Effects taken;
    core.take_effects(taken);
    Lines lines;
    notes_.clear();
    for (auto& effect : taken) {
      if (auto* send = std::get_if<Send>(&effect)) {
        auto decoded = wire::decode(wire::encode(send->envelope));
        if (auto* error = std::get_if<wire::DecodeError>(&decoded))
          ADD_FAILURE() << error->text;
        else
          EXPECT_EQ(std::get<wire::Envelope>(decoded), send->envelope);
      }
      auto& where = std::holds_alternative<Note>(effect) ? notes_ : lines;
      where.push_back(std::visit(TextOf{}, effect));
    }
    return lines;
  }
  const Lines& notes() const { return notes_; }

  Lines say(wire::Message message, wire::SessionId session = kSession) {
    core.on_message({session, std::move(message)}, now);
    return effects();
  }
  Lines reports(SlotId slot, wire::Report report) {
    core.on_report(slot, std::move(report), now);
    return effects();
  }
  Lines returns(SlotId slot) {
    core.on_slot_free(slot, now);
    return effects();
  }
  Lines tick(wire::Duration passes = {}) {
    now += passes;
    core.on_tick(now);
    return effects();
  }
  Lines acknowledges(std::uint64_t counter, std::uint32_t part) {
    return say(wire::Reported{{{id(counter), part}}});
  }

  /// Opens a session; returns the effects of WELCOME.
  Lines welcome(wire::Welcome welcome = {}) {
    if (tick() != Lines{"reopen"}) ADD_FAILURE() << "the core did not ask for a new socket";
    core.on_connected(now);
    hello_ = effects();
    return say(std::move(welcome));
  }
  const Lines& hello() const { return hello_; }

  WorkerCore core;
  Time now = Time{} + 1000s;

 private:
  Lines notes_;
  Lines hello_;
};

}  // namespace quern::worker
