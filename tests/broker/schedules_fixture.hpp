// A broker with a store and a wall clock that the test sets.
#pragma once

#include <algorithm>

#include "broker/durable_fixture.hpp"
#include "calendar/moment_in.hpp"

namespace quern::broker {

class SchedulesTest : public DurableTest {
 protected:
  SchedulesTest() {
    use_zones();
    set_clock("2026-11-30 12:00");
    join(c, 10);
    commit();
    take<wire::Welcome>(c);
  }

  Peer c;
  std::int64_t wall_offset = 0;  ///< wall clock minus `now`, in ms
  std::uint64_t token = 0;
  std::uint8_t identity = 10;

  std::uint8_t next_identity() { return identity = static_cast<std::uint8_t>(identity % 199 + 1); }

  static std::int64_t ms_of(const char* text) {
    return *calendar::moment_in(text, 0, *calendar::find_zone("UTC")) * 1000;
  }
  void use_zones() {
    Config config = with_store();
    config.incarnation = 100;
    config.find_zone = calendar::find_zone;
    replace_core(config);
    tell_clock();
  }
  std::int64_t wall() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() +
           wall_offset;
  }
  void tell_clock() { core.on_wall_clock(wall(), now); }
  void set_clock(const char* text) {
    wall_offset += ms_of(text) - wall();
    tell_clock();
    turn();
    commit();
  }
  /// Time passes, and the client says that it is there.
  void run_until(const char* text) {
    while (wall() < ms_of(text)) {
      now += std::min<std::chrono::milliseconds>(2000ms,
                                                 std::chrono::milliseconds(ms_of(text) - wall()));
      tell(c, wire::Beat{});
      commit();
      c.inbox.clear();
    }
  }
  /// The broker is down until this time of the wall clock.
  void down_until(const char* text) {
    now += std::chrono::milliseconds(ms_of(text) - wall());
    restart();
  }
  void restart() {
    Config config = with_store();
    config.find_zone = calendar::find_zone;
    Recovered recovered = store.recover();
    config.incarnation = 100 + recovered.incarnation;
    pending.reset();
    replace_core(config);
    tell_clock();
    Effects effects;
    core.recover(std::move(recovered), now);
    core.take_effects(effects);
    core.check_invariants();
    keep(effects);
    turn();
    commit();
    c = Peer{};
    join(c, next_identity());
    commit();
    c.inbox.clear();
  }
  wire::Schedule schedule(const std::string& cron, std::uint8_t id = 1) {
    wire::Schedule out;
    out.token = ++token;
    out.name = "s";
    out.cron = cron;
    out.zone = "UTC";
    out.job = items(id, {"a", "b"});
    return out;
  }
  wire::Answer answer_to(const wire::Message& message) {
    c.inbox.clear();
    tell(c, message);
    commit();
    if (auto answer = take<wire::Answer>(c)) return *answer;
    if (const auto error = take<wire::ErrorMessage>(c)) refused = error->text;
    return {};
  }
  std::string refused;  ///< the text of the last ERROR

  std::string refusal_of(const wire::Schedule& wanted) {
    refused.clear();
    EXPECT_TRUE(answer_to(wanted).schedules.empty());
    return refused;
  }
  ScheduleStatus status() {
    wire::Query query;
    query.token = ++token;
    query.what = wire::QueryWhat::schedule;
    query.name = "s";
    const auto answer = answer_to(query);
    return answer.schedules.empty() ? ScheduleStatus{} : answer.schedules.front();
  }
  /// What happened, the earliest first: "12:30 ran", with the minutes of the day.
  std::vector<std::string> history() {
    std::vector<std::string> out;
    for (const ScheduleRun& run : status().runs)
      out.insert(out.begin(),
                 calendar::utc_text(static_cast<std::int64_t>(run.due_ms / 1000)).substr(11, 5) +
                     ' ' + std::string(to_string(run.outcome)));
    return out;
  }
  std::vector<JobStatus> all_jobs() {
    wire::Query query;
    query.token = ++token;
    return answer_to(query).jobs;
  }
  JobStatus job(std::uint64_t number) {
    wire::Query query;
    query.token = ++token;
    query.what = wire::QueryWhat::job;
    query.number = JobNumber{number};
    const auto answer = answer_to(query);
    return answer.jobs.empty() ? JobStatus{} : answer.jobs.front();
  }
  wire::Message change(wire::ScheduleAction action) {
    wire::Schedule out;
    out.token = ++token;
    out.action = action;
    out.name = "s";
    return out;
  }
  void cancel(JobNumber number) {
    wire::Cancel cancel;
    cancel.token = ++token;
    cancel.number = number;
    tell(c, cancel);
    commit();
  }
};

}  // namespace quern::broker
