// Queries: lists come in pages and within limits, and clients that do not read get nothing more.
#include "broker/broker_fixture.hpp"
#include "broker/core/status/job_filter.hpp"

namespace quern::broker {
namespace {

class QueriesTest : public BrokerTest {
 protected:
  Peer c;

  void SetUp() override { client(c); }

  void queue(int jobs) {
    for (int i = 0; i < jobs; ++i) {
      wire::Submit submit = items_job(0, {"x"}, "nobody offers this");
      submit.job.bytes[0] = static_cast<std::uint8_t>(i / 250);
      submit.job.bytes[1] = static_cast<std::uint8_t>(1 + i % 250);
      send(c, submit);
    }
    c.inbox.clear();
  }

  std::vector<wire::Answer> answers(Peer& peer) {
    std::vector<wire::Answer> out;
    for (auto& message : peer.inbox)
      if (auto* answer = std::get_if<wire::Answer>(&message)) out.push_back(*answer);
    std::erase_if(peer.inbox,
                  [](const auto& m) { return std::holds_alternative<wire::Answer>(m); });
    return out;
  }
};

TEST_F(QueriesTest, pages_list_every_job_once_with_the_newest_first) {
  queue(450);
  std::vector<JobNumber> seen;
  wire::Query query{1, wire::QueryWhat::jobs, {}, {}, 1000};
  for (int pages = 0; pages < 10; ++pages) {
    send(c, query);
    const auto answer = answers(c);
    ASSERT_EQ(answer.size(), 1u);
    for (const auto& job : answer[0].jobs) seen.push_back(job.number);
    if (value(answer[0].before) == 0) break;
    query.before = answer[0].before;
  }
  ASSERT_EQ(seen.size(), 450u);
  for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(value(seen[i]), 450 - i);
}

TEST(JobFilter, all_conditions_must_hold) {
  Job job;
  job.spec.function = "wordcount";
  job.spec.principal = "alice";
  job.spec.name = "night-7";
  job.phase.state = JobState::failed;
  struct Case {
    const char* what;
    wire::Query query;
    bool matches;
  };
  const Case rows[] = {
      {"nothing", {}, true},
      {"a state", {.states = {JobState::failed}}, true},
      {"one of two states", {.states = {JobState::running, JobState::failed}}, true},
      {"another state", {.states = {JobState::done}}, false},
      {"the function", {.function = "wordcount"}, true},
      {"the beginning of the function", {.function = "word"}, false},
      {"the owner", {.owner = "alice"}, true},
      {"another owner", {.owner = "Alice"}, false},
      {"a pattern", {.name = "night-?"}, true},
      {"another pattern", {.name = "day-*"}, false},
      {"the pattern of no name", {.name = "?"}, false},
      {"text in the name", {.text = "GHT"}, true},
      {"text in the function", {.text = "wordC"}, true},
      {"text in the reason", {.text = "full disk"}, true},
      {"another text", {.text = "empty disk"}, false},
      {"all of them",
       {.states = {JobState::failed},
        .function = "wordcount",
        .owner = "alice",
        .name = "night*",
        .text = "disk"},
       true},
      {"all but one",
       {.states = {JobState::failed},
        .function = "wordcount",
        .owner = "bob",
        .name = "night*",
        .text = "disk"},
       false},
  };
  for (const Case& row : rows) {
    const JobFilter filter(row.query);
    EXPECT_EQ(filter.matches(job) && filter.matches_text(job, "a Full Disk"), row.matches)
        << row.what;
  }
}

TEST_F(QueriesTest, only_jobs_that_meet_the_conditions_are_listed) {
  for (std::uint8_t id = 1; id <= 6; ++id) {
    wire::Submit submit = items_job(id, {"x"}, id % 2 == 0 ? "even" : "odd");
    submit.options.name = "job-" + std::to_string(id);
    send(c, submit);
  }
  send(c, wire::Cancel{1, uuid(2)});
  const auto numbers = [&](wire::Query query) {
    c.inbox.clear();
    query.token = 1;
    send(c, query);
    std::vector<std::uint64_t> out;
    const wire::Answer answer = answers(c).at(0);
    for (const auto& job : answer.jobs) out.push_back(value(job.number));
    return out;
  };
  using Numbers = std::vector<std::uint64_t>;
  EXPECT_EQ(numbers({.states = {JobState::waiting}, .function = "even"}), (Numbers{6, 4}));
  EXPECT_EQ(numbers({.states = {JobState::cancelled}}), (Numbers{2}));
  EXPECT_EQ(numbers({.before = JobNumber{5}, .function = "odd"}), (Numbers{3, 1}));
  EXPECT_EQ(numbers({.name = "*-4"}), (Numbers{4}));
  EXPECT_EQ(numbers({.text = "NO WORKER is connected"}), (Numbers{6, 5, 4, 3, 1}));
  EXPECT_EQ(numbers({.owner = "nobody"}), Numbers{});
}

TEST_F(QueriesTest, a_query_without_matches_examines_a_bounded_number_of_jobs_at_a_time) {
  // Searching a job for a text is as much work as skipping ten. The invariants of so many jobs are
  // not checked after each of them.
  for (std::uint16_t i = 0; i < 5000; ++i) {
    wire::Submit submit = items_job(0, {"x"}, "nobody offers this");
    submit.job.bytes[0] = static_cast<std::uint8_t>(i / 250);
    submit.job.bytes[1] = static_cast<std::uint8_t>(1 + i % 250);
    core.on_message(c.id, c.user, {c.session, std::move(submit)}, now);
  }
  settle();
  c.inbox.clear();
  wire::Query query{.token = 1, .text = "in none of them"};
  std::size_t pages = 0;
  do {
    send(c, query);
    const auto answer = answers(c);
    ASSERT_EQ(answer.size(), 1u);
    EXPECT_TRUE(answer[0].jobs.empty());
    EXPECT_TRUE(value(answer[0].before) == 0 || value(query.before) == 0 ||
                answer[0].before < query.before);
    query.before = answer[0].before;
    ++pages;
  } while (value(query.before) != 0 && pages < 20);
  EXPECT_EQ(pages, 3u);
}

TEST_F(QueriesTest, a_query_for_no_jobs_tells_where_they_begin) {
  queue(3);
  send(c, wire::Query{.token = 1, .limit = 0});
  const auto answer = answers(c).at(0);
  EXPECT_TRUE(answer.jobs.empty());
  EXPECT_EQ(answer.before, JobNumber{4});
}

TEST_F(QueriesTest, ten_thousand_simultaneous_queries_are_answered_in_small_portions) {
  queue(300);
  Peer flooding, honest;
  client(flooding, 101);
  client(honest, 102);
  Effects effects;
  for (std::uint64_t token = 1; token <= 10'000; ++token)
    core.on_message(flooding.id, flooding.user,
                    {flooding.session, wire::Query{token, wire::QueryWhat::jobs, {}, {}, 1000}},
                    now);
  core.take_effects(effects);
  effects.clear();  // most were refused because of the rate limit
  std::size_t shown = 0;
  for (int i = 0; i < 1000; ++i) {
    now += 1ms;
    core.settle(now);
    core.take_effects(effects);
    std::size_t in_one = 0;
    for (const auto& effect : effects)
      if (const auto* send = std::get_if<Send>(&effect))
        if (const auto* answer = std::get_if<wire::Answer>(&send->message))
          in_one += answer->jobs.size();
    EXPECT_LE(in_one, 400u);
    shown += in_one;
    effects.clear();
  }
  EXPECT_LE(shown, 11'000u) << "out of three million";
  send(honest, wire::Query{7, wire::QueryWhat::jobs, {}, {}, 10});
  EXPECT_EQ(answers(honest).size(), 1u) << "another client gets its answer at once";
}

TEST_F(QueriesTest, a_few_simultaneous_queries_are_all_answered_without_further_events) {
  queue(3);
  Effects effects;
  for (std::uint64_t token = 1; token <= 5; ++token)
    core.on_message(c.id, c.user,
                    {c.session, wire::Query{token, wire::QueryWhat::job, uuid(0), JobNumber{1}}},
                    now);
  core.take_effects(effects);
  core.settle(now);
  core.take_effects(effects);
  deliver(effects);
  std::size_t said = 0;
  for (const auto& message : c.inbox) said += std::holds_alternative<wire::Beat>(message) ? 0 : 1;
  EXPECT_EQ(said, 5u);
}

TEST_F(QueriesTest, a_client_that_does_not_read_is_sent_nothing_more_and_loses_its_session) {
  queue(300);
  Peer deaf;
  client(deaf, 101);
  std::size_t bytes = 0;
  for (int i = 0; i < 400 && core.knows(deaf.id); ++i) {
    now += 100ms;
    Effects effects;
    core.on_message(deaf.id, deaf.user,
                    {deaf.session, wire::Query{1, wire::QueryWhat::jobs, {}, {}, 100}}, now);
    core.take_effects(effects);
    core.on_message(c.id, c.user, {c.session, wire::Beat{}}, now);
    core.take_effects(effects);
    core.settle(now);
    core.take_effects(effects);
    for (const auto& effect : effects)
      if (const auto* send = std::get_if<Send>(&effect))
        if (send->peer == deaf.id)
          bytes += 200 * (std::holds_alternative<wire::Answer>(send->message)
                              ? std::get<wire::Answer>(send->message).jobs.size()
                              : 1);
  }
  EXPECT_FALSE(core.knows(deaf.id));
  EXPECT_LE(bytes, 3u << 20);
}

TEST_F(QueriesTest, a_client_that_answers_the_heartbeat_probe_is_served_further) {
  queue(300);
  for (int i = 0; i < 100; ++i) {
    now += 100ms;
    send(c, wire::Query{1, wire::QueryWhat::jobs, {}, {}, 100});
    for (auto& message : std::exchange(c.inbox, {})) {
      if (const auto* heartbeat = std::get_if<wire::Beat>(&message);
          heartbeat && !heartbeat->reply) {
        wire::Beat reply;
        reply.reply = true;
        send(c, reply);
      } else {
        c.inbox.push_back(message);
      }
    }
    ASSERT_EQ(answers(c).size(), 1u) << i;
  }
}

TEST_F(QueriesTest, a_lost_worker_is_shown_for_an_hour_with_the_reason) {
  Peer w;
  worker(w, 200);
  pass(20s, {&c});
  send(c, wire::Query{1, wire::QueryWhat::workers, {}, {}});
  auto shown = answers(c).at(0).workers;
  ASSERT_EQ(shown.size(), 1u);
  EXPECT_EQ(shown[0].state, "lost");
  EXPECT_NE(shown[0].reason.find("silent for"), std::string::npos);
  pass(61min, {&c});
  send(c, wire::Query{1, wire::QueryWhat::workers, {}, {}});
  EXPECT_TRUE(answers(c).at(0).workers.empty());
}

TEST_F(QueriesTest, a_restarted_machine_regains_its_name_when_its_old_session_ends) {
  Peer before, after;
  auto hello = worker_hello(200);
  hello.name = "h1";
  connect(before, hello);
  hello.identity = uuid(201);
  connect(after, hello);
  pass(20s, {&after, &c});
  send(c, wire::Query{1, wire::QueryWhat::workers, {}, {}});
  const auto shown = answers(c).at(0).workers;
  ASSERT_EQ(shown.size(), 1u);
  EXPECT_EQ(shown[0].name, "h1");
  EXPECT_EQ(shown[0].state, "idle");
}

TEST_F(QueriesTest, a_worker_whose_slots_are_all_stuck_is_shown_as_stuck_and_so_is_its_job) {
  Peer w;
  worker(w, 200, 2);
  wire::Beat heartbeat;
  heartbeat.capacity.emplace();
  heartbeat.capacity->slots = heartbeat.capacity->stuck = 2;
  send(w, heartbeat);
  send(c, items_job(1, {"a"}));
  EXPECT_TRUE(leases_of(w).empty());
  send(c, wire::Query{1, wire::QueryWhat::workers, {}, {}});
  send(c, wire::Query{2, wire::QueryWhat::job, uuid(1)});
  const auto shown = answers(c);
  ASSERT_EQ(shown.size(), 2u);
  EXPECT_EQ(shown[0].workers.at(0).state, "stuck");
  EXPECT_NE(shown[1].jobs.at(0).reason.find("stuck"), std::string::npos);
}

}  // namespace
}  // namespace quern::broker
