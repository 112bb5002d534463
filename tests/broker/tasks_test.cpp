// In which state the tasks of a job are: QUERY tasks.
#include "broker/durable_fixture.hpp"
#include "broker/jobs_fixture.hpp"

namespace quern::broker {
namespace {

std::string text_of(const std::vector<TaskSpan>& spans) {
  std::string text;
  for (const TaskSpan& span : spans)
    text += std::to_string(span.first) + "+" + std::to_string(span.count) + " " +
            std::string(to_string(span.state)) + (span.worker.empty() ? "" : " " + span.worker) +
            "; ";
  return text;
}

wire::Query query_of(std::uint8_t id, std::uint64_t from = 0, std::uint64_t limit = 1000) {
  wire::Query query;
  query.token = 7;
  query.what = wire::QueryWhat::tasks;
  query.job = uuid(id);
  query.cursor = from;
  query.limit = limit;
  return query;
}

class TasksTest : public JobsTest {
 protected:
  wire::Answer answer_to(const wire::Query& query) {
    c.inbox.clear();
    send(c, query);
    return expect<wire::Answer>(c);
  }
  std::string tasks(std::uint8_t id) { return text_of(answer_to(query_of(id)).tasks); }
};

TEST_F(TasksTest, a_waiting_job_is_one_interval_whatever_its_size) {
  client(c);
  send(c, range_job(1, 0, 1'000'000'000'000));
  EXPECT_EQ(tasks(1), "0+1000000000000 waiting; ");
}

TEST_F(TasksTest, leased_tasks_name_their_worker_and_ended_ones_how_they_ended) {
  client(c);
  worker(w);
  wire::Submit submit = items_job(1, {"a", "b", "c", "d"});
  submit.options.attempts = 1;
  send(c, submit);
  const auto first = expect<wire::Lease>(w);
  ASSERT_EQ(wire::size(first.tasks), 1u) << "the rate is not known";
  EXPECT_EQ(tasks(1).substr(0, 11), "0+1 leased ");
  send(w, echo(first));
  expect<wire::Reported>(w);
  const auto second = expect<wire::Lease>(w);
  send(w, failure(second, "no"));
  const std::uint64_t failed = second.tasks.front().begin;
  const std::uint64_t last = second.tasks.back().end;
  if (last < 4) send(c, wire::Cancel{0, uuid(1), {}, {{3, 4}}});
  const std::string text = tasks(1);
  EXPECT_EQ(text.substr(0, 8), "0+1 done") << text;
  EXPECT_NE(text.find(std::to_string(failed) + "+" + std::to_string(last - failed) + " failed; "),
            std::string::npos)
      << text;
  EXPECT_EQ(text.find("3+1 cancelled; ") != std::string::npos, last < 4) << text;
}

TEST_F(TasksTest, pages_follow_each_other_without_gaps) {
  client(c);
  send(c, items_job(1, std::vector<std::string>(10, "x")));
  for (std::uint64_t i = 0; i < 10; i += 2) send(c, wire::Cancel{0, uuid(1), {}, {{i, i + 1}}});
  std::vector<TaskSpan> all;
  std::uint64_t from = 0;
  do {
    const wire::Answer page = answer_to(query_of(1, from, 3));
    EXPECT_LE(page.tasks.size(), 3u);
    all.insert(all.end(), page.tasks.begin(), page.tasks.end());
    from = page.cursor;
  } while (from != 0);
  EXPECT_EQ(all, answer_to(query_of(1)).tasks);
  EXPECT_EQ(all.size(), 10u);
}

TEST_F(TasksTest, a_job_that_was_cancelled_shows_what_was_done_before) {
  client(c);
  worker(w);
  send(c, items_job(1, {"a", "b", "c"}));
  send(w, echo(expect<wire::Lease>(w)));
  send(c, wire::Cancel{0, uuid(1), {}, {}});
  EXPECT_EQ(tasks(1), "0+1 done; 1+2 cancelled; ");
}

class StoredTasksTest : public DurableTest {};

TEST_F(StoredTasksTest, cancelled_tasks_are_known_after_a_restart) {
  Peer c, w;
  join(c, 1);
  join(w, "w", 2);
  tell(c, items(9, {"a", "b", "c", "d"}));
  commit();
  const auto lease = take<wire::Lease>(w);
  ASSERT_TRUE(lease);
  tell(w, report_of(*lease));
  commit();
  tell(c, wire::Cancel{0, uuid(9), {}, {}});
  commit();
  restart();
  Peer later;
  join(later, 3);
  tell(later, query_of(9));
  commit();
  const auto answer = take<wire::Answer>(later);
  ASSERT_TRUE(answer);
  EXPECT_EQ(text_of(answer->tasks), "0+1 done; 1+3 cancelled; ");
}

}  // namespace
}  // namespace quern::broker
