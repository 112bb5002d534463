// A client core whose broker is played by the test: events go in, effects come out, and the
// invariants are checked after every step.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "client/core.hpp"

namespace quern::client {

using namespace std::chrono_literals;

inline wire::Batch batch_of(const std::vector<std::string>& payloads) {
  wire::BatchBuilder builder;
  for (const auto& payload : payloads) builder.add(payload);
  return builder.take();
}

inline Uuid uuid_of(unsigned char n) {
  Uuid uuid;
  uuid.bytes[15] = n;
  return uuid;
}

class CoreRig {
 public:
  static constexpr JobKey kJob{1};

  CoreRig() {
    CoreOptions options;
    options.endpoint = "tcp://here:1";
    options.identity = uuid_of(200);
    core.emplace(options);
    core->start(now);
    collect();
  }

  /// Runs one step of the core and then a tick; collects the effects of both.
  template <typename Step>
  void step(Step run) {
    run();
    look();
    core->tick(now);
    look();
  }
  void after(Duration d) {
    now += d;
    core->tick(now);
    look();
  }
  void receive(wire::Message message) {
    step([&] { core->on_message({wire::SessionId{session}, std::move(message)}, now); });
  }
  wire::Hello welcome(std::vector<wire::KnownJob> jobs = {}) {
    wire::Hello hello = sent<wire::Hello>();
    ++session;
    wire::Welcome welcome;
    welcome.incarnation = incarnation;
    welcome.store = store;
    welcome.jobs = std::move(jobs);
    receive(welcome);
    return hello;
  }
  /// Ends the session; afterwards the HELLO of the next one has been sent.
  void lose_session() {
    now += 2s;  // a session that lasted is replaced at once
    step([&] { core->on_message({wire::SessionId{}, wire::HelloAgain{}}, now); });
    EXPECT_EQ(effects<Reopen>().size(), 1u);
  }

  void submit(wire::Submit submit, JobKey key = kJob) {
    const auto rest = submit.open ? InputLedger::Rest::comes : InputLedger::Rest::none;
    step([&] { core->submit(key, std::move(submit), rest, now); });
  }
  wire::Submit items(const std::vector<std::string>& payloads, bool open, unsigned char id = 1) {
    wire::Submit submit;
    submit.job = uuid_of(id);
    submit.function = "echo";
    submit.input = InputKind::items;
    submit.batch = batch_of(payloads);
    submit.open = open;
    return submit;
  }
  /// Submits a job that the broker accepts.
  void accepted_job(const wire::Submit& message, std::uint64_t credit = 1000) {
    submit(message);
    sent<wire::Submit>();
    receive(accepted(message.batch.count(), credit));
    effects<Accepted>();
    effects<InputTaken>();
  }
  wire::Accepted accepted(std::uint64_t to, std::uint64_t credit, unsigned char id = 1) {
    wire::Accepted message;
    message.job = uuid_of(id);
    message.number = JobNumber{7};
    message.accepted_to = to;
    message.credit_to = credit;
    return message;
  }
  wire::Results results(std::uint64_t seq, wire::Interval tasks, unsigned char id = 1) {
    wire::Results message;
    message.job = uuid_of(id);
    message.seq = seq;
    message.tasks = {tasks};
    message.batch = batch_of(std::vector<std::string>(tasks.size(), "r"));
    return message;
  }
  wire::JobUpdate update(JobState state, std::uint64_t entries, unsigned char id = 1) {
    wire::JobUpdate message;
    message.status.uuid = uuid_of(id);
    message.status.number = JobNumber{7};
    message.status.state = state;
    message.entries = entries;
    return message;
  }

  /// Removes and returns all effects of one kind.
  template <typename E>
  std::vector<E> effects() {
    std::vector<E> out;
    std::vector<Effect> rest;
    for (auto& effect : seen_) {
      if (auto* e = std::get_if<E>(&effect))
        out.push_back(std::move(*e));
      else
        rest.push_back(std::move(effect));
    }
    seen_ = std::move(rest);
    return out;
  }
  /// Removes and returns all sent messages of one kind.
  template <typename M>
  std::vector<M> all_sent() {
    std::vector<M> out;
    std::vector<Effect> rest;
    for (auto& effect : seen_) {
      auto* send = std::get_if<Send>(&effect);
      if (send && std::holds_alternative<M>(send->envelope.message)) {
        const bool hello = std::is_same_v<M, wire::Hello>;
        EXPECT_EQ(send->envelope.session, wire::SessionId{hello ? 0 : session});
        out.push_back(std::get<M>(std::move(send->envelope.message)));
      } else {
        rest.push_back(std::move(effect));
      }
    }
    seen_ = std::move(rest);
    return out;
  }
  /// Removes and returns the only message of that kind.
  template <typename M>
  M sent() {
    auto all = all_sent<M>();
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? M{} : all.front();
  }
  /// Fails if there are effects that the test has not looked at.
  void expect_nothing_else() {
    EXPECT_TRUE(seen_.empty()) << seen_.size() << " effects, first of kind "
                               << seen_.front().index();
  }

  std::optional<ClientCore> core;
  Time now{1h};
  std::uint64_t session = 0;
  std::uint64_t incarnation = 1;
  bool store = false;  // whether the broker has a store

 private:
  void collect() { core->take_effects(seen_); }
  void look() {
    collect();
    EXPECT_EQ(core->check_invariants(), "");
  }
  Effects seen_;
};

}  // namespace quern::client
