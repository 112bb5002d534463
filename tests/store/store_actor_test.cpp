// The store actor: operations that arrive during a commit form one transaction; order and commit
// sequence numbers survive write failures.
#include "broker/actors/store_actor.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <condition_variable>
#include <mutex>

namespace quern::broker {
namespace {

/// A store whose apply() blocks or fails as the script says.
class ScriptedStore : public Store {
 public:
  struct Script {
    std::mutex mutex;
    std::condition_variable changed;
    bool blocked = false;
    std::string trouble;
    std::vector<std::vector<std::uint64_t>> applied;  // reserved numbers, by transaction
    int entered = 0;
  };
  explicit ScriptedStore(std::shared_ptr<Script> script) : script_(std::move(script)) {}

  Recovered recover() override { return {}; }
  void apply(const StoreOps& ops) override {
    std::unique_lock lock(script_->mutex);
    ++script_->entered;
    script_->changed.notify_all();
    script_->changed.wait(lock, [this] { return !script_->blocked; });
    if (!script_->trouble.empty()) throw StoreError(StoreError::Kind::trouble, script_->trouble);
    auto& numbers = script_->applied.emplace_back();
    for (const auto& op : ops) numbers.push_back(std::get<ReserveNumbers>(op).below);
  }
  wire::Batch load(JobNumber, wire::Interval) override {
    throw StoreError(StoreError::Kind::corrupt, "gone");
  }
  wire::Batch load_result(JobNumber, std::uint64_t) override { return {}; }
  bool sweep() override { return false; }

 private:
  std::shared_ptr<Script> script_;
};

class StoreActorTest : public ::testing::Test {
 protected:
  std::shared_ptr<ScriptedStore::Script> script = std::make_shared<ScriptedStore::Script>();
  runtime::Mailbox<StoreEvent> events;
  std::unique_ptr<StoreActor> actor =
      std::make_unique<StoreActor>(std::make_unique<ScriptedStore>(script), events);
  std::vector<StoreEvent> seen;

  void commit(std::uint64_t sequence) { actor->commit({sequence, {ReserveNumbers{sequence}}}); }

  /// Waits for the next event.
  StoreEvent next() {
    while (seen.empty()) {
      pollfd mail{events.fd(), POLLIN, 0};
      ::poll(&mail, 1, 10'000);
      std::vector<StoreEvent> more;
      events.drain(more);
      seen.insert(seen.end(), more.begin(), more.end());
    }
    StoreEvent first = seen.front();
    seen.erase(seen.begin());
    return first;
  }
  void set(bool blocked, const std::string& trouble = {}) {
    std::lock_guard lock(script->mutex);
    script->blocked = blocked;
    script->trouble = trouble;
    script->changed.notify_all();
  }
  void wait_until_entered() {
    std::unique_lock lock(script->mutex);
    script->changed.wait(lock, [this] { return script->entered > 0; });
  }
};

TEST_F(StoreActorTest, operations_that_arrive_during_a_commit_form_one_transaction) {
  set(true);
  commit(1);
  wait_until_entered();
  for (std::uint64_t t = 2; t <= 6; ++t) commit(t);
  set(false);
  EXPECT_EQ(std::get<Committed>(next()).sequence, 1u);
  EXPECT_EQ(std::get<Committed>(next()).sequence, 6u);
  EXPECT_EQ(script->applied, (std::vector<std::vector<std::uint64_t>>{{1}, {2, 3, 4, 5, 6}}));
}

TEST_F(StoreActorTest, a_write_failure_is_reported_once_and_nothing_is_lost_or_reordered) {
  set(false, "the disk is full");
  commit(1);
  EXPECT_EQ(std::get<StoreTrouble>(next()).text, "the disk is full");
  commit(2);
  commit(3);
  set(false);
  EXPECT_TRUE(std::holds_alternative<StoreHealthy>(next()));
  // The disk may recover after the second commit was tried and before the third.
  std::uint64_t last = 0;
  while (last < 3) {
    const std::uint64_t sequence = std::get<Committed>(next()).sequence;
    EXPECT_GT(sequence, last);
    last = sequence;
  }
  std::vector<std::uint64_t> all;
  for (const auto& transaction : script->applied)
    all.insert(all.end(), transaction.begin(), transaction.end());
  EXPECT_EQ(all, (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST_F(StoreActorTest, a_read_failure_is_reported) {
  actor->load({JobNumber{4}, {0, 2}});
  const auto failed = std::get<LoadFailed>(next());
  EXPECT_EQ(value(failed.job), 4u);
  EXPECT_EQ(failed.text, "gone");
}

TEST_F(StoreActorTest, an_orderly_shutdown_writes_pending_operations) {
  commit(1);
  commit(2);
  actor.reset();
  std::vector<std::uint64_t> all;
  for (const auto& transaction : script->applied)
    all.insert(all.end(), transaction.begin(), transaction.end());
  EXPECT_EQ(all, (std::vector<std::uint64_t>{1, 2}));
}

}  // namespace
}  // namespace quern::broker
