// The views of `quern top` and `quern job --watch`: states in, lines out.
#include <gtest/gtest.h>

#include "cli/live/job_watch.hpp"
#include "cli/live/screen.hpp"
#include "cli/live/top_source.hpp"
#include "cli/live/top_view.hpp"
#include "cli/output/job_text.hpp"
#include "cli/output/sheet.hpp"
#include "cli/output/table.hpp"

namespace quern::cli {
namespace {

WorkerStatus worker(std::uint64_t id, std::string name, std::uint32_t busy, std::uint32_t slots) {
  WorkerStatus status;
  status.id = id;
  status.name = std::move(name);
  status.state = busy ? "busy" : "idle";
  status.capacity.slots = slots;
  status.capacity.cores = slots;
  status.capacity.busy = busy;
  status.rates = {{"wordcount", 1234, 0.1, 1, 1, 1}};
  return status;
}

JobStatus job(std::uint64_t number, JobState state, std::uint64_t done, std::uint64_t total) {
  JobStatus status;
  status.number = JobNumber{number};
  status.function = "wordcount";
  status.state = state;
  status.done = done;
  status.total = total;
  return status;
}

TopPicture picture(std::size_t workers, std::size_t jobs) {
  TopPicture some;
  some.endpoint = "tcp://10.0.0.5:7600";
  some.broker.uptime_us = 125'000'000;
  some.broker.memory_used = 1u << 30;
  some.broker.memory_limit = 4ull << 30;
  some.broker.workers = workers;
  some.broker.jobs = jobs;
  for (std::size_t i = 0; i < workers; ++i)
    some.workers.push_back(worker(i, "worker-" + std::to_string(100 + i), i % 2, 4));
  for (std::size_t i = 0; i < jobs; ++i)
    some.jobs.push_back(job(i + 1, i % 2 ? JobState::running : JobState::waiting, i, 2 * jobs));
  return some;
}

std::vector<std::string> texts(const TopPicture& some, Extent extent) {
  std::vector<std::string> lines;
  for (const ViewLine& line : top_view(some, extent)) lines.push_back(line.text);
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  return text;
}

std::string shown(const TopPicture& some, Extent extent = {100, 40}) {
  return joined(texts(some, extent));
}

bool has_part(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(TopView, the_view_shows_workers_jobs_and_errors) {
  TopPicture some = picture(0, 0);
  some.workers = {worker(1, "north", 2, 4), worker(2, "south", 0, 2)};
  some.workers[0].capacity.idle = 0.75;
  some.broker.workers = 2;
  some.broker.jobs = 2;
  some.broker.clients = 1;
  some.speed = {{1, 1500}};
  some.jobs = {job(7, JobState::running, 25, 100), job(8, JobState::waiting, 0, 10),
               job(6, JobState::failed, 7, 10)};
  some.jobs[0].rate = 10;
  some.jobs[0].eta_s = 7.5;
  some.jobs[1].reason = "no worker offers `wordcount`";
  some.jobs[2].failed = 3;
  some.jobs[2].reason = "3 of 10 tasks failed";
  some.jobs[2].age_us = 90'000'000;
  EXPECT_EQ(
      shown(some, {120, 24}),
      "quern tcp://10.0.0.5:7600  up 2m05s  q quits\n"
      "2 workers  2 jobs  memory [####            ] 1.0 GiB of 4.0 GiB  2/6 slots busy  1 client\n"
      "\n"
      "worker  state  busy slots              cpu                 tasks/s  tasks  memory  heard  "
      "rate per slot\n"
      "north   busy   [########        ] 2/4  [########++++    ]     1.5k      0     0 B   0 us  "
      "wordcount 1.2k/s\n"
      "south   idle   [                ] 0/2  [                ]        -      0     0 B   0 us  "
      "wordcount 1.2k/s\n"
      "\n"
      "job  function   progress                       done  rate     left  failed  why\n"
      "  7  wordcount  [####            ]   25.0 %  25/100  10/s    7.5 s\n"
      "  8  wordcount  [                ]    0.0 %    0/10     -  waiting          no worker "
      "offers `wordcount`\n"
      "  6  wordcount  [################]  100.0 %    7/10     -   failed       3\n"
      "\n"
      "job  function   submitted  errors\n"
      "  6  wordcount  1m30s ago  3 of 10 tasks failed\n");
}

TEST(TopView, the_view_fits_every_terminal) {
  for (const std::size_t workers : {0u, 1u, 3u, 300u})
    for (const std::size_t jobs : {0u, 1u, 3u, 300u})
      for (const std::size_t columns : {1u, 7u, 20u, 40u, 59u, 60u, 80u, 109u, 110u, 250u})
        for (const std::size_t rows : {1u, 2u, 3u, 4u, 5u, 10u, 19u, 20u, 24u, 60u}) {
          TopPicture some = picture(workers, jobs);
          if (jobs > 2) some.jobs[1].failed = some.jobs[2].failed = 1;
          some.trouble = rows % 2 ? "the broker went away" : "";
          const auto lines = texts(some, {columns, rows});
          EXPECT_LE(lines.size(), rows) << columns << 'x' << rows;
          for (const std::string& line : lines) EXPECT_LE(width_of(line), columns) << line;
        }
}

TEST(TopView, a_narrow_terminal_shows_the_essentials) {
  TopPicture some = picture(1, 0);
  some.broker.jobs = 1;
  some.jobs = {job(12, JobState::running, 25, 100)};
  some.jobs[0].eta_s = 7.5;
  EXPECT_EQ(shown(some, {40, 10}),
            "quern tcp://10.0.0.5:7600  up 2m05s\n"
            "1 worker  1 job  memory 25.0 %\n"
            "worker      busy slots  cpu     tasks/s\n"
            "worker-100  [    ] 0/4  [    ]        -\n"
            "job  function   progress           left\n"
            " 12  wordcount  [#   ]    25.0 %  7.5 s\n");
}

TEST(TopView, long_lists_are_cut_and_the_rest_is_counted) {
  const auto lines = texts(picture(102, 300), {80, 24});
  const std::string text = joined(lines);
  EXPECT_EQ(lines.size(), 24u) << text;
  EXPECT_TRUE(has_part(text, "... and 94 more\n")) << text;   // workers: 8 are shown
  EXPECT_TRUE(has_part(text, "... and 292 more\n")) << text;  // jobs
  // Busy workers are shown first.
  EXPECT_TRUE(has_part(text, "worker-101")) << text;
  EXPECT_FALSE(has_part(text, "worker-100")) << text;
}

TEST(TopView, a_list_cut_by_the_broker_is_counted_in_full) {
  TopPicture some = picture(3, 3);
  some.broker.workers = 4;
  some.broker.jobs = 1000;
  const std::string text = shown(some, {80, 40});
  EXPECT_TRUE(has_part(text, "worker-102")) << text;
  EXPECT_TRUE(has_part(text, "... and 1 more\n")) << text;
  EXPECT_TRUE(has_part(text, "... and 997 more\n")) << text;
}

TEST(TopView, an_unbounded_page_shows_every_row) {
  const auto lines = texts(picture(102, 300), kBoundless);
  EXPECT_FALSE(has_part(joined(lines), "more"));
  EXPECT_EQ(lines.size(), 2u + 2 + 102 + 2 + 300);
}

TEST(TopView, a_missing_broker_is_reported) {
  TopPicture some = picture(1, 1);
  some.trouble = "the broker went away";
  some.age_s = 12;
  const auto lines = top_view(some, {80, 24});
  EXPECT_EQ(lines[1], (ViewLine{"no answer for 12.0 s:  the broker went away", Tone::trouble}));
}

TEST(TopView, without_a_worker_the_view_says_what_to_do) {
  EXPECT_TRUE(has_part(shown(picture(0, 1)), "no worker is connected"));
  EXPECT_FALSE(has_part(shown(picture(1, 1)), "no worker is connected"));
}

TEST(TopView, names_cannot_send_control_characters_to_the_terminal) {
  TopPicture some = picture(1, 1);
  some.endpoint = some.workers[0].name = some.workers[0].state = some.jobs[0].function =
      some.jobs[0].name = some.jobs[0].reason = some.trouble = some.workers[0].rates[0].function =
          "\033[2J\nevil\xC2\x9B";
  some.jobs[0].state = JobState::failed;
  for (const Extent extent : {Extent{200, 40}, Extent{40, 10}, kBoundless})
    for (const std::string& line : texts(some, extent)) {
      for (const char c : line) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << line;
      EXPECT_FALSE(has_part(line, "\xC2\x9B"));
    }
}

TEST(TopView, an_open_job_shows_no_percentage) {
  TopPicture some = picture(1, 0);
  some.jobs = {job(1, JobState::running, 5, 10)};
  some.jobs[0].open = true;
  const std::string text = shown(some, {100, 24});
  EXPECT_TRUE(has_part(text, "[........]")) << text;
  EXPECT_TRUE(has_part(text, "5/10+")) << text;
  EXPECT_FALSE(has_part(text, "50.0 %")) << text;
}

TEST(Speeds, speeds_are_computed_for_workers_that_stayed) {
  TopPicture before = picture(3, 0), now = picture(2, 0);
  before.workers[0].tasks_done = 100;
  now.workers[0].tasks_done = 300;
  before.workers[1].tasks_done = 100;  // it reconnected and starts counting from zero
  EXPECT_EQ(speeds(before, now, 0.5), (std::map<std::uint64_t, double>{{0, 400}}));
  EXPECT_TRUE(speeds(before, now, 0).empty());
}

TEST(Drawing, every_line_is_cleared_before_it_is_written_and_the_rest_with_the_last) {
  EXPECT_EQ(drawing_of({{"a", Tone::title}, {"b"}, {"c", Tone::trouble}}),
            "\033[H\033[K\033[7ma\033[0m\r\n\033[Kb\r\n\033[J\033[1mc\033[0m");
}

TEST(SheetText, columns_are_cut_first_and_then_dropped_by_rank) {
  Sheet sheet({{"name", Align::left, 0, 4},
               {"count", Align::right, 1},
               {"why", Align::left, 2, 3},
               {"never", Align::left, 3}});
  sheet.add({"a long name", "12", "because", ""});
  const std::pair<std::size_t, const char*> cases[] = {{40, "a long name     12  because"},
                                                       {27, "a long name     12  because"},
                                                       {26, "a long name     12  becaus"},
                                                       {16, "a lo     12  bec"},
                                                       {15, "a long n     12"},
                                                       {10, "a long nam"},
                                                       {4, "a lo"},
                                                       {2, "a "}};
  for (const auto& [width, expected] : cases)
    EXPECT_EQ(sheet.lines(width, 1).at(1), expected) << width;
}

TEST(Cut, cutting_counts_characters_not_bytes) {
  EXPECT_EQ(cut("m\xC3\xBCller", 2), "m\xC3\xBC");
  EXPECT_EQ(cut("abc", 3), "abc");
  EXPECT_EQ(cut("abc", 0), "");
}

TEST(Redrawn, redrawing_starts_above_the_previous_drawing) {
  std::size_t lines = 0;
  EXPECT_EQ(redrawn("one\ntwo\n", {80, 24}, lines), "\rone\033[K\n\rtwo\033[K\n\033[J");
  EXPECT_EQ(lines, 2u);
  EXPECT_EQ(redrawn("three\n", {80, 24}, lines), "\033[2A\rthree\033[K\n\033[J");
  EXPECT_EQ(lines, 1u);
}

TEST(Redrawn, redrawing_never_wraps_or_scrolls) {
  std::size_t lines = 0;
  EXPECT_EQ(redrawn("123456789\n2\n3\n4\n", {5, 3}, lines), "\r1234\033[K\n\r2\033[K\n\033[J");
  EXPECT_EQ(lines, 2u);
}

TEST(JobLine, a_job_is_shown_on_one_line) {
  JobStatus some = job(12, JobState::running, 25, 100);
  some.leased = 10;
  some.pending = 65;
  some.rate = 10;
  some.eta_s = 7.5;
  EXPECT_EQ(job_line(some),
            "job 12 running: 25 of 100 done, 10 leased to workers, 65 pending, 10/s, 7.5 s left");
  some = job(12, JobState::failed, 99, 100);
  some.failed = 1;
  some.reason = "1 of 100\ntasks failed";
  EXPECT_EQ(job_line(some), "job 12 failed: 99 of 100 done, 1 failed (1 of 100?tasks failed)");
}

TEST(SameProgress, passing_time_alone_is_not_progress) {
  const JobStatus before = job(1, JobState::running, 1, 2);
  JobStatus now = before;
  now.age_us = 1;
  now.rate = 5;
  now.eta_s = 3;
  EXPECT_TRUE(same_progress(before, now));
  now.done = 2;
  EXPECT_FALSE(same_progress(before, now));
}

}  // namespace
}  // namespace quern::cli
