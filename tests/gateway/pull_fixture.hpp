// A pull core between a fake broker and fake clients: events go in, and effects come out as short
// lines of text, so that a test reads as a table. Every message goes through the real codec, and
// the invariants are checked after every event.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gateway/pull/core.hpp"
#include "wire/codec.hpp"

namespace quern::gateway::pull {

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
  } else if (const auto* report = std::get_if<wire::Report>(&message)) {
    out += " " + text_of(report->id.lease) + "/" + std::to_string(report->id.part) + " " +
           text_of(report->tasks);
    for (const auto& e : report->errors)
      out += " " + std::string(to_string(e.code)) +
             text_of(wire::Intervals{{e.first, e.first + e.count}});
    if (report->last) out += " last";
  } else if (const auto* reclaimed = std::get_if<wire::Reclaimed>(&message)) {
    out += " " + text_of(reclaimed->lease) + " " + text_of(reclaimed->tasks);
  } else if (const auto* beat = std::get_if<wire::Beat>(&message)) {
    out += " slots " + std::to_string(beat->capacity->slots);
  }
  return out;
}

inline std::string text_of(Ticket ticket) {
  return "#" + std::to_string(static_cast<std::uint64_t>(ticket));
}

struct TextOf {
  std::string operator()(const HangUp&) const { return "hang up"; }
  std::string operator()(const Reopen&) const { return "reopen"; }
  std::string operator()(const Send& send) const { return text_of(send.envelope.message); }
  std::string operator()(const Granted& granted) const {
    std::string out = text_of(granted.ticket) + " gets";
    if (granted.portions.empty()) return out + " nothing";
    out += " " + granted.token;
    for (const auto& portion : granted.portions) out += text_of(wire::Intervals{portion.tasks});
    return out;
  }
  std::string operator()(const Counted& c) const {
    std::string out = text_of(c.ticket) + " counted " + std::to_string(c.counted);
    return c.not_counted ? out + " not " + std::to_string(c.not_counted) : out;
  }
  std::string operator()(const Extended& e) const {
    return text_of(e.ticket) + " extended" +
           (e.cancelled.empty() ? "" : " cancelled " + std::to_string(e.cancelled.size())) +
           (e.nothing_left ? " nothing left" : "");
  }
  std::string operator()(const Rejected& rejected) const {
    static constexpr const char* kWhy[] = {"over", "mismatch", "unavailable", "denied"};
    return text_of(rejected.ticket) + " " + kWhy[static_cast<int>(rejected.why)];
  }
  std::string operator()(const Finished&) const { return "finished"; }
};

class PullTest : public ::testing::Test {
 protected:
  static Config config() {
    Config config;
    config.identity.bytes[15] = 9;
    config.functions = {{"f", Takes::item, Encoding::raw, {}, false, 0, false}};
    return config;
  }
  PullTest() : core(config(), Time{} + 1h), now(Time{} + 1h) {}

  static wire::LeaseId id(std::uint64_t counter) { return {7, counter}; }
  static Uuid job(std::uint8_t number) {
    Uuid uuid;
    uuid.bytes[0] = number;
    return uuid;
  }

  /// What follows from the events so far, without heartbeats and messages about slots.
  Lines effects(bool beats = false) {
    core.settle(now);
    if (const auto wrong = core.broken_invariant()) ADD_FAILURE() << *wrong;
    Effects taken;
    core.take_effects(taken);
    Lines lines;
    for (auto& effect : taken) {
      if (auto* send = std::get_if<Send>(&effect)) {
        through_codec(send->envelope);
        if (const auto* report = std::get_if<wire::Report>(&send->envelope.message))
          reports.push_back(*report);
        if (!beats && std::holds_alternative<wire::Beat>(send->envelope.message)) continue;
      }
      if (auto* granted = std::get_if<Granted>(&effect)) grants.push_back(*granted);
      if (auto* rejected = std::get_if<Rejected>(&effect)) why = rejected->text;
      lines.push_back(std::visit(TextOf{}, effect));
    }
    return lines;
  }
  Lines after(Duration time) {
    now += time;
    return effects();
  }

  // ---- the broker
  static void through_codec(const wire::Envelope& envelope) {
    auto decoded = wire::decode(wire::encode(envelope));
    ASSERT_TRUE(std::holds_alternative<wire::Envelope>(decoded))
        << std::get<wire::DecodeError>(decoded).text;
    EXPECT_EQ(std::get<wire::Envelope>(decoded), envelope);
  }
  void from_broker(wire::Message message) {
    wire::Envelope envelope{session, std::move(message)};
    through_codec(envelope);
    core.on_message(std::move(envelope), now);
    core.settle(now);
    if (const auto wrong = core.broken_invariant()) ADD_FAILURE() << *wrong;
  }
  void welcome(std::vector<wire::LeaseId> dropped = {}) {
    session = wire::SessionId{static_cast<std::uint64_t>(session) + 1};
    wire::Welcome welcome;
    welcome.dropped = std::move(dropped);
    from_broker(std::move(welcome));
  }
  void connect() {
    EXPECT_EQ(effects(), Lines{"reopen"});
    core.on_connected(now);
    EXPECT_EQ(effects(), Lines{"HELLO"});
    welcome();
    EXPECT_EQ(effects(), Lines{});
  }
  static wire::Lease lease(std::uint64_t counter, wire::Intervals tasks) {
    wire::Lease lease;
    lease.lease = id(counter);
    lease.job = job(1);
    lease.number = JobNumber{1};
    lease.function = "f";
    wire::BatchBuilder builder;
    for (const auto& interval : tasks)
      for (std::uint64_t i = interval.begin; i < interval.end; ++i)
        builder.add("input " + std::to_string(i));
    lease.tasks = std::move(tasks);
    lease.batch = builder.take();
    return lease;
  }
  void grant(std::uint64_t counter, wire::Intervals tasks) {
    from_broker(lease(counter, std::move(tasks)));
  }
  void reported(std::uint64_t counter, std::uint32_t part) {
    from_broker(wire::Reported{{{id(counter), part}}});
  }
  /// Acknowledges all reports since the last call.
  void reported_all() {
    for (const auto& report : std::exchange(reports, {})) from_broker(wire::Reported{{report.id}});
  }

  // ---- the clients
  Ticket pull(const std::string& token, std::uint32_t max = 1, const std::string& worker = "a",
              const std::string& request_id = {}, Duration lock = 30s, Duration wait = 20s) {
    const Ticket ticket = next();
    core.on_pull({ticket, token, request_id, worker, max, lock, now + wait}, now);
    return ticket;
  }
  Ticket short_pull(const std::string& token) { return pull(token, 1, "a", {}, 30s, 250ms); }
  static Named named(const std::string& token) {
    const std::size_t dot = token.find('.');
    if (dot == token.npos) return {token, std::nullopt};
    return {token.substr(0, dot), std::stoul(token.substr(dot + 1))};
  }
  void complete(const std::string& token, std::size_t results = 1) {
    core.on_complete(next(), named(token), std::vector<Bytes>(results, "result"), now);
  }
  void fail(const std::string& token, bool permanent = false) {
    core.on_fail(next(), named(token), "went wrong", permanent, now);
  }
  void release(const std::string& token) { core.on_release(next(), named(token), now); }
  void extend(const std::string& token, Duration lock = 30s) {
    core.on_extend(next(), named(token), lock, now);
  }
  Ticket next() { return Ticket{++tickets}; }

  PullCore core;
  Time now;
  wire::SessionId session{40};
  std::uint64_t tickets = 0;
  std::vector<wire::Report> reports;
  std::vector<Granted> grants;
  std::string why;  ///< the text of the last rejection
};

}  // namespace quern::gateway::pull
