// Schedules in the store.
#include "store/store_fixture.hpp"

#include "broker/actors/store_schedules.hpp"

namespace quern::broker {
namespace {

ScheduleRecord record(std::uint64_t id, const std::string& name) {
  ScheduleRecord out;
  out.id = id;
  out.owner = "operator";
  out.definition.name = name;
  out.definition.cron = "30 2 * * *";
  out.definition.zone = "Europe/Zurich";
  out.definition.missed = Missed::skip;
  out.definition.job.emplace();
  out.definition.job->job.bytes[0] = 1;
  out.definition.job->function = "echo";
  out.definition.job->input = InputKind::items;
  wire::BatchBuilder builder;
  builder.add(std::string("a\0b", 3));
  builder.add("");
  out.definition.job->batch = builder.take();
  out.definition.job->has_common = true;
  out.definition.job->common = wire::Buffer::copy("common");
  out.progress.passed_ms = 1'796'000'000'000;
  out.progress.runs = {{1, 2, JobNumber{3}, RunOutcome::ran, ""},
                       {4, 5, JobNumber{}, RunOutcome::refused, "a reason with  blanks"}};
  return out;
}

TEST(StoreSchedules, what_was_put_is_returned_also_after_reopening) {
  Folder folder;
  const ScheduleRecord first = record(1, "first");
  ScheduleRecord second = record(2, "second \"x\"");
  {
    SqliteStore store(folder / "s");
    store.apply({PutSchedule{first}, PutSchedule{second}, PutSchedule{record(3, "third")}});
    second.progress.paused = true;
    second.progress.runs.clear();
    store.apply({SaveSchedule{2, second.progress}, DropSchedule{3}});
    EXPECT_EQ(store.recover().schedules, (std::vector{first, second}));
  }
  SqliteStore store(folder / "s");
  EXPECT_EQ(store.recover().schedules, (std::vector{first, second}));
}

TEST(StoreSchedules, the_memory_store_does_the_same) {
  sim::MemoryStore store;
  store.apply({PutSchedule{record(1, "first")}, PutSchedule{record(2, "second")}});
  ScheduleProgress later;
  later.passed_ms = 7;
  store.apply({SaveSchedule{1, later}, DropSchedule{2}});
  const auto schedules = store.recover().schedules;
  ASSERT_EQ(schedules.size(), 1U);
  EXPECT_EQ(schedules[0].progress, later);
}

TEST(StoreSchedules, a_damaged_row_is_reported_and_not_served) {
  for (const char* damage :
       {"UPDATE schedules SET definition = x'0102030405'",
        "UPDATE schedules SET definition = substr(definition, 1, length(definition) - 1)",
        "UPDATE schedules SET checksum = 1", "UPDATE schedules SET runs = '1 2 ran'",
        "UPDATE schedules SET runs = 'x 2 ran 3 ' || char(10)",
        "UPDATE schedules SET runs = '1 2 jumped 3 ' || char(10)"}) {
    SCOPED_TRACE(damage);
    Folder folder;
    {
      SqliteStore store(folder / "s");
      store.apply({PutSchedule{record(1, "first")}});
    }
    {
      Database database(SqliteStore::file_in(folder / "s"), Database::Mode::write);
      database.run(damage);
    }
    SqliteStore store(folder / "s");
    EXPECT_THROW(store.recover(), StoreError);
  }
}

TEST(StoreSchedules, a_store_of_version_6_is_upgraded) {
  Folder folder;
  { SqliteStore store(folder / "s"); }
  {
    Database database(SqliteStore::file_in(folder / "s"), Database::Mode::write);
    database.run("DROP TABLE schedules");
    database.run("PRAGMA user_version = 6");
  }
  SqliteStore store(folder / "s");
  store.apply({PutSchedule{record(1, "first")}});
  EXPECT_EQ(store.recover().schedules.size(), 1U);
}

TEST(StoreSchedules, the_history_is_readable_in_a_shell) {
  const std::string column = column_of(record(1, "first").progress.runs);
  EXPECT_EQ(column, "1 2 ran 3 \n4 5 refused 0 a reason with  blanks\n");
  EXPECT_EQ(runs_in(column), record(1, "first").progress.runs);
}

}  // namespace
}  // namespace quern::broker
