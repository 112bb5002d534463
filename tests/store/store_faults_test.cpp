// How a store reports problems of the disk, the folder or the file.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "broker/actors/check_store.hpp"
#include "broker/actors/store_schema.hpp"
#include "store/store_fixture.hpp"

namespace quern::broker {
namespace {

/// The text of the StoreError that `what` throws; empty if it throws none.
template <typename What>
std::string complaint(What what, StoreError::Kind kind) {
  try {
    what();
  } catch (const StoreError& error) {
    EXPECT_EQ(static_cast<int>(error.kind()), static_cast<int>(kind)) << error.what();
    return error.what();
  }
  return {};
}

void fill(const std::string& folder, int transactions = 30) {
  SqliteStore store(folder);
  Transactions source(3);
  for (int i = 0; i < transactions; ++i) store.apply(source.next());
}

TEST(StoreFaults, two_brokers_cannot_share_a_store) {
  Folder folder;
  SqliteStore first(folder / "s");
  const std::string text =
      complaint([&] { SqliteStore second(folder / "s"); }, StoreError::Kind::unusable);
  EXPECT_NE(text.find("in use by another broker"), std::string::npos) << text;
}

TEST(StoreFaults, a_store_of_a_newer_version_is_refused) {
  Folder folder;
  fill(folder / "s", 1);
  {
    Database database(SqliteStore::file_in(folder / "s"), Database::Mode::write);
    database.run("PRAGMA user_version = 99");
  }
  const std::string text =
      complaint([&] { SqliteStore store(folder / "s"); }, StoreError::Kind::unusable);
  EXPECT_NE(text.find("newer version of Quern"), std::string::npos) << text;
}

TEST(StoreFaults, a_store_of_version_1_is_upgraded) {
  Folder folder;
  JobBirth b;
  b.number = JobNumber{1};
  wire::BatchBuilder builder;
  builder.add("payload");
  {
    SqliteStore store(folder / "s");
    store.apply({AddJob{b}, AddInput{b.number, 0, builder.take()}});
  }
  {
    Database database(SqliteStore::file_in(folder / "s"), Database::Mode::write);
    database.run("ALTER TABLE inputs DROP COLUMN costs");
    for (const char* table : {"inputs", "results", "commons", "partials"})
      database.run((std::string("ALTER TABLE ") + table + " DROP COLUMN checksum").c_str());
    database.run("ALTER TABLE jobs DROP COLUMN waited_us; ALTER TABLE jobs DROP COLUMN ran_us");
    database.run("ALTER TABLE jobs DROP COLUMN input_digest");
    database.run("ALTER TABLE jobs DROP COLUMN paused");
    database.run("PRAGMA user_version = 1");
  }
  SqliteStore store(folder / "s");
  EXPECT_EQ(store.load(b.number, {0, 1}).bytes.view(), "payload");
  EXPECT_TRUE(store.recover().jobs.at(0).inputs.at(0).costs.empty());
}

TEST(StoreFaults, a_store_of_version_2_is_upgraded) {
  Folder folder;
  fill(folder / "s", 1);
  {
    Database database(SqliteStore::file_in(folder / "s"), Database::Mode::write);
    for (const char* table : {"inputs", "results", "commons", "partials"})
      database.run((std::string("ALTER TABLE ") + table + " DROP COLUMN checksum").c_str());
    database.run("ALTER TABLE jobs DROP COLUMN waited_us; ALTER TABLE jobs DROP COLUMN ran_us");
    database.run("ALTER TABLE jobs DROP COLUMN input_digest");
    database.run("ALTER TABLE jobs DROP COLUMN paused");
    database.run("PRAGMA user_version = 2");
  }
  SqliteStore store(folder / "s");
  store.recover();
}

TEST(StoreFaults, input_digests_survive_an_upgrade) {
  Folder folder;
  JobBirth b;
  b.number = JobNumber{1};
  {
    SqliteStore store(folder / "s");
    store.apply({AddJob{b}});
  }
  {
    Database database(SqliteStore::file_in(folder / "s"), Database::Mode::write);
    database.run("ALTER TABLE jobs DROP COLUMN input_digest");
    database.run("ALTER TABLE jobs DROP COLUMN paused");
    database.run("INSERT INTO needs VALUES (1, 'option', 'whole', -5)");
    database.run("PRAGMA user_version = 3");
  }
  SqliteStore store(folder / "s");
  EXPECT_EQ(store.recover().jobs.at(0).progress.input_digest, static_cast<std::uint64_t>(-5));
}

TEST(StoreFaults, a_store_of_version_4_is_upgraded_and_none_of_its_jobs_is_paused) {
  Folder folder;
  JobBirth b;
  b.number = JobNumber{1};
  {
    SqliteStore store(folder / "s");
    store.apply({AddJob{b}});
  }
  {
    Database database(SqliteStore::file_in(folder / "s"), Database::Mode::write);
    database.run("ALTER TABLE jobs DROP COLUMN paused");
    database.run("PRAGMA user_version = 4");
  }
  SqliteStore store(folder / "s");
  EXPECT_FALSE(store.recover().jobs.at(0).progress.paused);
}

TEST(StoreFaults, a_store_of_version_6_is_upgraded_and_keeps_who_submitted_a_job_from_then_on) {
  Folder folder;
  JobBirth old, young;
  old.number = JobNumber{1};
  young.number = JobNumber{2};
  young.uuid.bytes[0] = 2;
  young.options.nested = true;
  young.parent = {old.number, 1ULL << 61, {7, 1ULL << 40}, 3};
  {
    SqliteStore store(folder / "s");
    store.apply({AddJob{old}});
  }
  {
    Database database(SqliteStore::file_in(folder / "s"), Database::Mode::write);
    database.run("DROP TABLE parents");
    database.run("PRAGMA user_version = 6");
  }
  {
    SqliteStore store(folder / "s");
    EXPECT_FALSE(store.recover().jobs.at(0).birth.parent);
    store.apply({AddJob{young}});
  }
  SqliteStore store(folder / "s");
  const Recovered found = store.recover();
  EXPECT_EQ(found.jobs.at(1).birth.parent, young.parent);
  EXPECT_TRUE(found.jobs.at(1).birth.options.nested);
  store.apply({DropJob{young.number}});
  while (store.sweep()) {
  }
  Database database(SqliteStore::file_in(folder / "s"), Database::Mode::read);
  EXPECT_EQ(database.number("SELECT count(*) FROM parents"), 0);
}

TEST(StoreFaults, corrupted_payloads_are_found_and_not_served) {
  Folder folder;
  JobBirth b;
  b.number = JobNumber{1};
  const std::string payload = "a payload of more than sixteen bytes";
  {
    wire::BatchBuilder builder;
    builder.add(payload);
    SqliteStore store(folder / "s");
    store.apply({AddJob{b}, AddInput{b.number, 0, builder.take()}});
    EXPECT_EQ(store.load(b.number, {0, 1}).bytes.view(), payload);
  }
  for (const std::size_t at : {std::size_t{0}, std::size_t{9}, payload.size() - 1}) {
    std::string changed = payload;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    Database database(SqliteStore::file_in(folder / "s"), Database::Mode::write);
    Statement(database, "UPDATE inputs SET bytes = ?").bind_blob(changed).run();
    SqliteStore store(folder / "s");
    const std::string text = complaint(
        [&] {
          store.load(b.number, {0, 1});
        },
        StoreError::Kind::corrupt);
    EXPECT_NE(text.find("differs from what was written"), std::string::npos) << text;
  }
  std::ostringstream out;
  EXPECT_FALSE(check_store(folder / "s", out));
  EXPECT_NE(out.str().find("job 1: a row of its inputs differs from what was written"),
            std::string::npos)
      << out.str();
}

TEST(StoreFaults, removed_or_replaced_files_are_noticed) {
  Folder folder;
  for (const char* name : {"quern.db", "quern.db-wal"}) {
    SqliteStore store(folder / name);
    store.apply({ReserveNumbers{2}});
    store.look();
    const std::string file = folder / name + "/" + name;
    std::filesystem::rename(file, file + ".away");
    std::ofstream(file) << "another";
    EXPECT_NE(
        complaint([&] { store.look(); }, StoreError::Kind::trouble).find("removed or replaced"),
        std::string::npos);
    EXPECT_NE(complaint([&] { store.apply({ReserveNumbers{3}}); }, StoreError::Kind::trouble), "");
    std::filesystem::rename(file + ".away", file);
    store.look();
  }
}

TEST(StoreFaults, an_existing_folder_keeps_its_mode) {
  namespace fs = std::filesystem;
  Folder folder;
  fs::create_directory(folder / "s");
  fs::permissions(folder / "s", static_cast<fs::perms>(0755));
  SqliteStore store(folder / "s");
  EXPECT_EQ(fs::status(folder / "s").permissions(), static_cast<fs::perms>(0755));
  EXPECT_EQ(fs::status(SqliteStore::file_in(folder / "s")).permissions(),
            static_cast<fs::perms>(0600));
  fs::create_directory(folder / "all");
  fs::permissions(folder / "all", static_cast<fs::perms>(0777));
  EXPECT_NE(complaint([&] { SqliteStore all(folder / "all"); }, StoreError::Kind::unusable)
                .find("everyone may write"),
            std::string::npos);
}

TEST(StoreFaults, a_database_of_another_program_is_left_unchanged) {
  Folder folder;
  std::filesystem::create_directory(folder / "s");
  {
    Database database(SqliteStore::file_in(folder / "s"), Database::Mode::write);
    database.run("CREATE TABLE theirs(x)");
  }
  const std::string text =
      complaint([&] { SqliteStore store(folder / "s"); }, StoreError::Kind::unusable);
  EXPECT_NE(text.find("of another program"), std::string::npos) << text;
}

TEST(StoreFaults, a_file_that_is_not_a_database_is_reported_as_damaged) {
  Folder folder;
  std::filesystem::create_directory(folder / "s");
  std::ofstream(SqliteStore::file_in(folder / "s")) << std::string(100'000, 'q');
  const std::string text =
      complaint([&] { SqliteStore store(folder / "s"); }, StoreError::Kind::corrupt);
  EXPECT_NE(text.find("damaged"), std::string::npos) << text;
}

TEST(StoreFaults, a_folder_that_cannot_be_created_is_named_in_the_error) {
  Folder folder;
  std::ofstream(folder / "file") << "x";
  const std::string text =
      complaint([&] { SqliteStore store((folder / "file") + "/s"); }, StoreError::Kind::unusable);
  EXPECT_NE(text.find("--store"), std::string::npos) << text;
}

TEST(StoreFaults, flipped_bytes_are_reported_and_never_crash) {
  Folder folder;
  fill(folder / "s");
  const std::string file = SqliteStore::file_in(folder / "s");
  std::ifstream in(file, std::ios::binary);
  const std::string sound((std::istreambuf_iterator<char>(in)), {});
  std::mt19937 random(1);
  int noticed = 0;
  for (int round = 0; round < 60; ++round) {
    std::string bytes = sound;
    for (int k = 0; k < 200; ++k) bytes[random() % bytes.size()] = static_cast<char>(random());
    std::ofstream(file, std::ios::binary) << bytes;
    std::ostringstream report;
    try {
      if (!check_store(folder / "s", report)) ++noticed;
    } catch (const StoreError&) {
      ++noticed;
    }
    try {
      SqliteStore store(folder / "s");
      state_of(store);
    } catch (const StoreError&) {
    }
  }
  EXPECT_GT(noticed, 50);
}

TEST(StoreFaults, a_full_disk_is_a_temporary_failure) {
  Folder folder;
  // A limit on the file size simulates a full disk. It applies to the whole process, so use a
  // child.
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    SqliteStore store(folder / "s");
    Transactions source(5);
    store.apply(source.next());
    rlimit small{}, before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 600'000;
    ::setrlimit(RLIMIT_FSIZE, &small);
    JobBirth b;
    b.number = JobNumber{5000};
    b.uuid.bytes[3] = 1;
    wire::BatchBuilder builder;
    builder.add(std::string(900'000, 'x'));
    const StoreOps ops{AddJob{b}, AddInput{b.number, 0, builder.take()}};
    const std::string held = state_of(store);
    bool refused = false;
    try {
      store.apply(ops);
    } catch (const StoreError& error) {
      refused = error.kind() == StoreError::Kind::trouble &&
                std::string(error.what()).find("full") != std::string::npos;
    }
    const bool kept = state_of(store) == held;
    ::setrlimit(RLIMIT_FSIZE, &before);
    store.apply(ops);
    std::_Exit(refused && kept && store.load(b.number, {0, 1}).bytes.size() == 900'000 ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(StoreFaults, the_check_finds_missing_rows) {
  Folder folder;
  JobBirth b;
  b.number = JobNumber{1};
  b.input = InputKind::items;
  wire::BatchBuilder builder;
  builder.add("a");
  builder.add("b");
  JobProgress p;
  p.job = b.number;
  p.accepted = p.total = 2;
  {
    SqliteStore store(folder / "s");
    store.apply({AddJob{b}, AddInput{b.number, 0, builder.take()}, p});
  }
  std::ostringstream sound;
  EXPECT_TRUE(check_store(folder / "s", sound)) << sound.str();
  EXPECT_NE(sound.str().find("1 unfinished with 2 tasks"), std::string::npos) << sound.str();
  {
    SqliteStore store(folder / "s");
    store.apply({DropInput{b.number, {0, 2}}});
  }
  std::ostringstream broken;
  EXPECT_FALSE(check_store(folder / "s", broken));
  EXPECT_NE(broken.str().find("input of tasks 0 to 1 is missing"), std::string::npos)
      << broken.str();
}

}  // namespace
}  // namespace quern::broker
