// Errors that are alike are shown as one.
#include "broker/core/status/error_groups.hpp"

#include "broker/jobs_fixture.hpp"

namespace quern::broker {
namespace {

TEST(ErrorGroups, numbers_are_replaced_by_a_placeholder) {
  const std::pair<const char*, const char*> rows[] = {
      {"", ""},
      {"no number", "no number"},
      {"line 7", "line <n>"},
      {"1200 of 3", "<n> of <n>"},
      {"at 10.5.0.1:80", "at <n>.<n>.<n>.<n>:<n>"},
      {"x86", "x<n>"},
      {"-5", "-<n>"},
  };
  for (const auto& [text, expected] : rows) EXPECT_EQ(without_numbers(text), expected);
}

TEST(ErrorGroups, equal_codes_and_texts_are_one_group) {
  ResultLog log;
  log.put({.errors = {{5, 2, ErrorCode::failed, "line 7"}, {0, 1, ErrorCode::timeout, "line 7"}}});
  log.put({.tasks = {{1, 2}}});
  log.put({.errors = {{3, 1, ErrorCode::failed, "line 12"}}});
  const ErrorPage page = group_errors(log, {}, 1 << 20);
  EXPECT_FALSE(page.more);
  EXPECT_EQ(page.groups,
            (std::vector<ErrorGroup>{{ErrorCode::failed, "line <n>", 3, 3, 6, "line 7"},
                                     {ErrorCode::timeout, "line <n>", 1, 0, 0, "line 7"}}));
}

TEST(ErrorGroups, pages_cover_every_error_once) {
  ResultLog log;
  std::uint64_t task = 0;
  for (int entry = 0; entry < 30; ++entry) {
    ResultEntry one;
    for (int i = 0; i < 1000; ++i)
      one.errors.push_back({task++, 1, ErrorCode::failed, std::string(1 + i % 3, 'x')});
    log.put(std::move(one));
  }
  for (const std::size_t bytes : {std::size_t{1} << 20, std::size_t{100}}) {
    std::uint64_t count = 0;
    std::size_t pages = 0;
    ErrorPage page;
    do {
      page = group_errors(log, page.next, bytes);
      for (const auto& group : page.groups) count += group.count;
      ASSERT_LE(page.looks, 10'010u);
    } while (page.more && ++pages < 100'000);
    EXPECT_EQ(count, 30'000u);
    EXPECT_GT(pages, 1u);
  }
}

TEST_F(JobsTest, errors_are_grouped_on_request) {
  client(c);
  worker(w);
  wire::Submit job = items_job(1, std::vector<std::string>(50, "x"));
  job.options.attempts = 1;
  send(c, job);
  serve([](const wire::Lease& lease) {
    wire::Report report{{lease.lease, 0}, true, false, {}, {}, {}, 10, {}};
    for (const auto& tasks : lease.tasks)
      for (std::uint64_t i = tasks.begin; i < tasks.end; ++i)
        report.errors.push_back({i, 1, ErrorCode::failed, "line " + std::to_string(i)});
    return report;
  });
  c.inbox.clear();
  send(c, wire::Query{.token = 3, .what = wire::QueryWhat::errors, .job = uuid(1)});
  const auto answer = std::get<wire::Answer>(c.inbox.back());
  ASSERT_EQ(answer.errors.size(), 1u);
  EXPECT_EQ(answer.errors[0], (ErrorGroup{ErrorCode::failed, "line <n>", 50, 0, 49, "line 0"}));
  EXPECT_EQ(answer.cursor, 0u);
  EXPECT_TRUE(answer.jobs.empty());
}

}  // namespace
}  // namespace quern::broker
