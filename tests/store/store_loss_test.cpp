// A store that has lost its last commits reports this, however its files were cut off; a store that
// has not lost any reports nothing.
#include <fstream>

#include "broker/actors/check_store.hpp"
#include "store/cutoff_vfs.hpp"
#include "store/store_fixture.hpp"

namespace quern::broker {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kWalHeader = 32, kFrame = 24 + 16384;

/// The files of a killed broker, and the size of its log after each commit.
struct Killed {
  std::map<std::string, std::string> files;  ///< by name
  std::vector<std::size_t> log_sizes;

  const std::string& log() const { return files.at("quern.db-wal"); }
  /// The number of lost commits if the log ends at `size`.
  std::uint64_t lost_at(std::size_t size) const {
    return static_cast<std::uint64_t>(std::count_if(log_sizes.begin(), log_sizes.end(),
                                                    [&](std::size_t end) { return end > size; }));
  }
};

constexpr const char* kFiles[] = {"quern.db", "quern.db-wal", "last-commit"};

/// A job with a task of several pages.
StoreOps job_of(std::uint64_t number) {
  JobBirth birth;
  birth.number = JobNumber{number};
  birth.uuid.bytes[0] = static_cast<std::uint8_t>(number);
  birth.input = InputKind::items;
  wire::BatchBuilder builder;
  builder.add(std::string(40'000, 'x'));
  JobProgress progress;
  progress.job = birth.number;
  progress.accepted = progress.total = 1;
  return {AddJob{birth}, AddInput{birth.number, 0, builder.take()}, progress};
}

/// Makes `commits` commits: recover() and one per job. Calls `then` with the store before it copies
/// the files.
template <typename Then>
Killed killed_after(const std::string& folder, int commits, Then then) {
  Killed out;
  SqliteStore store(folder);
  const auto committed = [&] {
    out.log_sizes.push_back(content_of(folder + "/quern.db-wal").size());
  };
  store.recover();
  committed();
  for (int i = 1; i < commits; ++i) {
    store.apply(job_of(static_cast<std::uint64_t>(i)));
    committed();
  }
  then(store);
  for (const char* name : kFiles) out.files[name] = content_of(folder + "/" + name);
  return out;
}
Killed killed_after(const std::string& folder, int commits) {
  return killed_after(folder, commits, [](SqliteStore&) {});
}

void put(const std::string& folder, const Killed& killed, std::size_t log_size) {
  fs::remove_all(folder);
  fs::create_directory(folder);
  for (const auto& [name, content] : killed.files)
    std::ofstream(folder + "/" + name, std::ios::binary) << content;
  fs::resize_file(folder + "/quern.db-wal", log_size);
}

/// The number of lost commits that a start with these files reports.
std::uint64_t lost_in(const std::string& folder) {
  SqliteStore store(folder);
  return store.loss() ? store.loss()->commits() : 0;
}

std::string report_on(const std::string& folder, bool sound) {
  std::ostringstream out;
  EXPECT_EQ(check_store(folder, out), sound) << out.str();
  return out.str();
}

TEST(StoreLoss, losses_from_a_log_cut_anywhere_are_counted_exactly) {
  Folder folder;
  constexpr int kCommits = 6;
  const Killed killed = killed_after(folder / "s", kCommits);
  ASSERT_EQ((killed.log().size() - kWalHeader) % kFrame, 0u);
  for (std::size_t frames = 0; kWalHeader + frames * kFrame <= killed.log().size(); ++frames)
    for (const std::size_t beyond : {std::size_t{0}, std::size_t{1}, kFrame / 2}) {
      const std::size_t size = std::min(killed.log().size(), kWalHeader + frames * kFrame + beyond);
      put(folder / "cut", killed, size);
      ASSERT_EQ(lost_in(folder / "cut"), killed.lost_at(size)) << "cut at byte " << size;
    }
  EXPECT_EQ(killed.lost_at(0), std::uint64_t{kCommits});
}

TEST(StoreLoss, losses_from_a_missing_log_are_counted) {
  Folder folder;
  const Killed killed = killed_after(folder / "s", 5);
  for (const bool removed : {false, true}) {
    put(folder / "cut", killed, 0);
    if (removed) fs::remove(folder / "cut/quern.db-wal");
    SqliteStore store(folder / "cut");
    ASSERT_TRUE(store.loss());
    EXPECT_NE(store.loss()->text().find("lost all its 5 commits"), std::string::npos)
        << store.loss()->text();
  }
}

TEST(StoreLoss, losses_behind_a_damaged_frame_are_counted) {
  Folder folder;
  Killed killed = killed_after(folder / "s", 8);
  const std::size_t third = killed.log_sizes[2];
  killed.files["quern.db-wal"][third + 100] ^= 1;  // in the first frame of the fourth commit
  put(folder / "cut", killed, killed.log().size());
  EXPECT_EQ(lost_in(folder / "cut"), 5u);
}

TEST(StoreLoss, surviving_commits_are_never_reported_as_lost) {
  Folder folder;
  const Killed killed = killed_after(folder / "s", 8);
  put(folder / "killed", killed, killed.log().size());
  EXPECT_EQ(lost_in(folder / "killed"), 0u);
  EXPECT_EQ(lost_in(folder / "s"), 0u)
      << "after an orderly end the log is gone and the store is complete";
  put(folder / "behind", killed, killed.log().size());
  SqliteStore(folder / "behind").recover();
  std::ofstream(folder / "behind/last-commit", std::ios::binary) << killed.files.at("last-commit");
  EXPECT_EQ(lost_in(folder / "behind"), 0u) << "the commit file may be older than the store";
  report_on(folder / "behind", true);
}

TEST(StoreLoss, a_loss_is_reported_once_and_recorded) {
  Folder folder;
  const Killed killed = killed_after(folder / "s", 8);
  put(folder / "cut", killed, killed.log_sizes[4]);
  const std::string text = "lost its last 3 commits: it should end with commit 8 of ";
  const std::string before = report_on(folder / "cut", false);
  EXPECT_NE(before.find(text), std::string::npos) << before;
  EXPECT_EQ(lost_in(folder / "cut"), 3u) << "a check or a failed start must not clear the loss";
  {
    SqliteStore store(folder / "cut");
    EXPECT_NE(store.loss()->text().find(text), std::string::npos) << store.loss()->text();
    EXPECT_NE(store.loss()->text().find("and ends with commit 5 of "), std::string::npos)
        << store.loss()->text();
    store.recover();
  }
  EXPECT_EQ(lost_in(folder / "cut"), 0u);
  const std::string after = report_on(folder / "cut", true);
  EXPECT_NE(after.find("detected the loss of 3 commits"), std::string::npos) << after;
}

TEST(StoreLoss, lost_job_numbers_are_not_reused) {
  Folder folder;
  const Killed killed = killed_after(folder / "s", 3, [](SqliteStore& store) {
    store.recover();  // like a second start
    store.apply({ReserveNumbers{5000}});
  });
  put(folder / "cut", killed, killed.log_sizes[1]);
  SqliteStore store(folder / "cut");
  ASSERT_EQ(store.loss()->commits(), 3u);
  const Recovered recovered = store.recover();
  EXPECT_EQ(recovered.incarnation, 3u);
  EXPECT_EQ(recovered.numbers_below, 5000u);
}

TEST(StoreLoss, a_restored_older_copy_is_reported) {
  Folder folder;
  killed_after(folder / "s", 6);
  const std::string copy = content_of(SqliteStore::file_in(folder / "s"));
  {
    SqliteStore store(folder / "s");
    for (int i = 0; i < 4; ++i) store.apply({ReserveNumbers{10}});
  }
  std::ofstream(SqliteStore::file_in(folder / "s"), std::ios::binary) << copy;
  EXPECT_EQ(lost_in(folder / "s"), 4u);
}

TEST(StoreLoss, checkpointed_commits_are_not_lost_with_the_log) {
  Folder folder;
  const Killed killed = killed_after(folder / "s", 10, [&](SqliteStore& store) {
    Database(SqliteStore::file_in(folder / "s"), Database::Mode::write)
        .run("PRAGMA wal_checkpoint(PASSIVE)");
    for (int i = 0; i < 3; ++i) store.apply({ReserveNumbers{10}});
  });
  put(folder / "cut", killed, 0);
  EXPECT_EQ(lost_in(folder / "cut"), 3u);
}

TEST(StoreLoss, a_log_cut_after_a_checkpoint_is_reported_or_refused) {
  Folder folder;
  const Killed killed = killed_after(folder / "s", 10, [&](SqliteStore&) {
    Database(SqliteStore::file_in(folder / "s"), Database::Mode::write)
        .run("PRAGMA wal_checkpoint(PASSIVE)");
  });
  put(folder / "cut", killed, 0);
  EXPECT_EQ(lost_in(folder / "cut"), 0u);
  for (std::size_t i = 0; i + 1 < killed.log_sizes.size(); ++i) {
    put(folder / "cut", killed, killed.log_sizes[i]);
    try {
      EXPECT_EQ(lost_in(folder / "cut"), 9 - i) << "the log ends with commit " << i + 1;
    } catch (const StoreError& error) {
      EXPECT_EQ(static_cast<int>(error.kind()), static_cast<int>(StoreError::Kind::corrupt))
          << error.what();
    }
  }
}

TEST(StoreLoss, nothing_is_reported_without_the_commit_file) {
  Folder folder;
  const Killed killed = killed_after(folder / "s", 5);
  put(folder / "cut", killed, killed.log_sizes[2]);
  fs::remove(folder / "cut/last-commit");
  EXPECT_EQ(CommitFile::read(folder / "cut").trouble, "");
  EXPECT_EQ(lost_in(folder / "cut"), 0u);
}

TEST(StoreLoss, a_damaged_commit_file_is_reported_and_rewritten) {
  Folder folder;
  Killed killed = killed_after(folder / "s", 5);
  const std::string sound = killed.files["last-commit"];
  std::string changed = sound;
  changed[7] = '9';
  for (const std::string& bad : {changed, sound.substr(0, 40), sound + "x", std::string(160, '\0'),
                                 std::string(100'000, 'q')}) {
    killed.files["last-commit"] = bad;
    put(folder / "cut", killed, killed.log_sizes[2]);
    const CommitFile::Found found = CommitFile::read(folder / "cut");
    EXPECT_FALSE(found.mark);
    EXPECT_NE(found.trouble.find("is damaged"), std::string::npos) << found.trouble;
    EXPECT_NE(report_on(folder / "cut", true).find("is damaged"), std::string::npos);
    SqliteStore store(folder / "cut");
    EXPECT_FALSE(store.loss());
    store.recover();
    EXPECT_EQ(CommitFile::read(folder / "cut").mark->commit, 4u);
  }
}

TEST(StoreLoss, a_store_works_without_the_commit_file) {
  Folder folder;
  fs::create_directories(folder /
                         "s/last-commit");  // a folder instead of the file, which cannot be opened
  EXPECT_NE(CommitFile::read(folder / "s").trouble.find("cannot be read"), std::string::npos);
  SqliteStore store(folder / "s");
  store.recover();
  store.apply({ReserveNumbers{10}});
  store.look();
  EXPECT_EQ(state_of(store), "below 10");
}

TEST(StoreLoss, only_the_owner_can_read_the_commit_file) {
  Folder folder;
  SqliteStore store(folder / "s");
  EXPECT_EQ(fs::status(CommitFile::file_in(folder / "s")).permissions(),
            static_cast<fs::perms>(0600));
}

}  // namespace
}  // namespace quern::broker
