// What a broker finds after a kill or a power failure at any moment of a scripted run: the state
// after some transaction, and never an older one than was acknowledged.
#include <fstream>
#include <set>

#include "store/cutoff_vfs.hpp"
#include "store/store_fixture.hpp"

namespace quern::broker {
namespace {

constexpr int kTransactions = 60;

/// The content of the disk at one moment, and how many transactions were acknowledged by then.
struct Moment {
  std::map<std::string, std::string> files;  // by name
  int acknowledged = 0;                      // how often apply() returned
  int begun = 0;
};

enum class Loss { process, power };

std::vector<Moment> run_and_watch(const std::string& folder, std::vector<std::string>& states,
                                  Loss loss) {
  std::vector<Moment> moments;
  sim::MemoryStore model;
  int acknowledged = 0, begun = 0;
  CutoffVfs vfs;
  SqliteStore store(folder);
  vfs.observe = [&] {
    Moment moment;
    moment.acknowledged = acknowledged;
    moment.begun = begun;
    for (const char* name : {"quern.db", "quern.db-wal"}) {
      const std::string path = folder + "/" + name;
      if (loss == Loss::process) {
        if (std::filesystem::exists(path)) moment.files[name] = content_of(path);
      } else if (auto it = vfs.synced().find(path); it != vfs.synced().end()) {
        moment.files[name] = it->second;
      }
    }
    // This file is never synced here: a power failure leaves at most this content.
    moment.files["last-commit"] = content_of(CommitFile::file_in(folder));
    moments.push_back(std::move(moment));
  };
  const auto with_model = [&] { return state_of(model); };
  states.push_back(with_model());
  Transactions transactions(11);
  for (int i = 0; i < kTransactions; ++i) {
    const StoreOps ops = transactions.next();
    model.apply(ops);
    states.push_back(with_model());
    ++begun;
    store.apply(ops);
    ++acknowledged;
    if (i % 7 == 6) {  // so that some moments are inside a checkpoint
      Database other(SqliteStore::file_in(folder), Database::Mode::write);
      other.run("PRAGMA wal_checkpoint(PASSIVE)");
    }
  }
  return moments;
}

void check(Loss loss) {
  Folder folder;
  std::vector<std::string> states;
  const auto moments = run_and_watch(folder / "s", states, loss);
  ASSERT_GT(moments.size(), 100u);
  std::set<std::string> seen;
  for (std::size_t m = 0; m < moments.size(); ++m) {
    const std::string copy = folder / ("copy" + std::to_string(m));
    std::filesystem::create_directory(copy);
    for (const auto& [name, content] : moments[m].files)
      std::ofstream(copy + "/" + name, std::ios::binary) << content;
    SqliteStore store(copy);
    ASSERT_FALSE(store.loss()) << "moment " << m << ": " << store.loss()->text();
    const std::string found = state_of(store);
    bool known = false;
    for (int k = moments[m].acknowledged; k <= moments[m].begun; ++k)
      known = known || states[static_cast<std::size_t>(k)] == found;
    ASSERT_TRUE(known) << "moment " << m << " of " << moments.size() << ", "
                       << moments[m].acknowledged << " acknowledged, found:\n"
                       << found;
    seen.insert(found);
    std::filesystem::remove_all(copy);
  }
  EXPECT_GT(seen.size(), 30u) << "the moments must cover the run";
}

TEST(StoreCutoff, acknowledged_transactions_survive_a_kill) { check(Loss::process); }
TEST(StoreCutoff, acknowledged_transactions_survive_a_power_failure) { check(Loss::power); }

}  // namespace
}  // namespace quern::broker
