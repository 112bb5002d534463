// What tasks say about themselves: who may say it, who is shown it, and how much is kept.
#include "broker/core/status/task_notes.hpp"

#include "broker/jobs_fixture.hpp"

namespace quern::broker {
namespace {

class NotesTest : public JobsTest {
 protected:
  NotesTest() {
    client(c);
    worker(w);
    send(c, items_job(1, {"a"}, "careful"));
    lease = expect<wire::Lease>(w);
  }

  static TaskNote line(std::uint64_t task, std::string text) {
    return {.task = task, .text = std::move(text)};
  }
  static TaskNote progress(std::uint64_t task, double done) {
    return {.task = task, .progress = done, .text = "grinding"};
  }
  void tell(std::vector<TaskNote> notes) { send(w, wire::Notes{lease.lease, std::move(notes)}); }
  std::vector<TaskNote> notes() {
    c.inbox.clear();
    send(c, wire::Query{9, wire::QueryWhat::notes, uuid(1)});
    for (const auto& message : c.inbox)
      if (const auto* answer = std::get_if<wire::Answer>(&message)) return answer->notes;
    ADD_FAILURE() << "no answer";
    return {};
  }

  wire::Lease lease;
};

TEST_F(NotesTest, lines_are_shown_in_order_with_their_worker_and_age) {
  tell({line(0, "started")});
  now += 2s;
  tell({line(0, "half done")});
  const auto shown = notes();
  ASSERT_EQ(shown.size(), 2u);
  EXPECT_EQ(shown[0], (TaskNote{0, -1, "started", "worker200", 2'000'000}));
  EXPECT_EQ(shown[1], (TaskNote{0, -1, "half done", "worker200", 0}));
}

TEST_F(NotesTest, of_the_progress_the_last_value_is_shown_while_the_task_runs) {
  tell({progress(0, 0.25), progress(0, 0.5), line(0, "x")});
  auto shown = notes();
  ASSERT_EQ(shown.size(), 2u);
  EXPECT_EQ(shown[1].progress, 0.5);
  EXPECT_EQ(shown[1].text, "grinding");
  send(w, echo(lease));
  shown = notes();
  ASSERT_EQ(shown.size(), 1u) << "the lines stay";
  EXPECT_EQ(shown[0].text, "x");
}

TEST_F(NotesTest, notes_about_foreign_or_unknown_tasks_are_dropped) {
  Peer other;
  worker(other, 201);
  send(other, wire::Notes{lease.lease, {line(0, "forged")}});
  tell({line(1, "not of this lease")});
  send(w, wire::Notes{{7, 12345}, {line(0, "of no lease")}});
  EXPECT_TRUE(notes().empty());
  send(w, echo(lease));
  tell({line(0, "too late")});
  EXPECT_TRUE(notes().empty());
}

TEST_F(NotesTest, a_client_may_not_send_notes) {
  c.inbox.clear();
  send(c, wire::Notes{lease.lease, {line(0, "x")}});
  EXPECT_EQ(expect<wire::ErrorMessage>(c).code, ErrorCode::role);
}

TEST_F(NotesTest, the_newest_lines_are_kept) {
  for (int i = 0; i < 250; ++i) tell({line(0, std::to_string(i))});
  const auto shown = notes();
  ASSERT_EQ(shown.size(), TaskNotes::kLinesMost);
  EXPECT_EQ(shown.front().text, "50");
  EXPECT_EQ(shown.back().text, "249");
}

TEST_F(NotesTest, long_lines_fit_into_one_answer_and_the_newest_are_shown) {
  for (int i = 0; i < 200; ++i) tell({line(0, std::string(4000, 'x') + std::to_string(i))});
  const auto shown = notes();
  ASSERT_FALSE(shown.empty());
  EXPECT_LT(shown.size(), 60u);
  EXPECT_EQ(shown.back().text.substr(4000), "199");
}

TEST_F(NotesTest, the_notes_of_all_jobs_together_are_bounded_and_the_oldest_go) {
  send(w, echo(lease));
  const std::string text(4000, 'x');
  for (int job = 2; job < 40; ++job) {
    send(c, items_job(static_cast<std::uint8_t>(job), {"a"}, "careful"));
    w.inbox.erase(
        std::remove_if(w.inbox.begin(), w.inbox.end(),
                       [](const auto& m) { return !std::holds_alternative<wire::Lease>(m); }),
        w.inbox.end());
    lease = expect<wire::Lease>(w);
    for (int i = 0; i < 100; ++i) tell({line(0, text)});
    send(w, echo(lease));
  }
  const auto shown_of = [&](std::uint8_t job) {
    c.inbox.clear();
    send(c, wire::Query{9, wire::QueryWhat::notes, uuid(job)});
    for (const auto& message : c.inbox)
      if (const auto* answer = std::get_if<wire::Answer>(&message)) return answer->notes.size();
    return std::size_t{999};
  };
  EXPECT_EQ(shown_of(2), 0u);
  EXPECT_GT(shown_of(39), 30u);
}

}  // namespace
}  // namespace quern::broker
